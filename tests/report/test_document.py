"""A result in its forms: each keeps what it says, and nothing in it becomes markup."""

import pytest
from snakemake.iocontainers import Namedlist

from spnet.errors import DataError
from spnet.report.document import (
    NUMBER,
    TEXT,
    Cell,
    Column,
    Document,
    Table,
    plain_table,
    read_document,
    write_document,
)

CELLS = [
    [
        Cell("Ours & co"),
        Cell("0.600(0.010)", True, 0.6, "0.587(0.014)", "+0.013", 0.93),
        Cell("0.000(0.000)", value=0.0),
    ],
    [Cell("a | b"), Cell("-", paper="-"), Cell("not yet")],
]
COLUMNS = [Column("Method", kind=TEXT), Column("Average", "d", "Dice", paper=True), Column("Jab (%)", "e", "Jab (%)")]
TABLE = Document("Table 1: Dice", [Table(COLUMNS, CELLS)], ["Of 5 % and †."])
SEVERAL = Document(
    "Several",
    [plain_table(name, {"Method": TEXT, "p": NUMBER}, [["m", "0.1"]], [f"Note of {name}."]) for name in ("One", "Two")],
    ["Last."],
    ["First paragraph."],
    ["First point."],
)


@pytest.fixture
def write(tmp_path):
    """Function that writes a document in one form and returns its text."""

    def write(document, form):
        write_document(document, {form: tmp_path / form})
        return (tmp_path / form).read_text(encoding="utf-8")

    return write


def test_markdown_has_the_papers_values_in_columns_of_their_own(write):
    assert write(TABLE, "markdown") == (
        "# Table 1: Dice\n\n"
        "| Method | d: Average | paper | e: Jab (%) |\n"
        "| --- | --- | --- | --- |\n"
        "| Ours & co | **0.600(0.010)** | 0.587(0.014), +0.013 | 0.000(0.000) |\n"
        "| a \\| b | - | - | not yet |\n\n"
        "- Of 5 % and †.\n"
    )


def test_markdown_of_several_tables_has_a_heading_for_each_and_the_notes_of_all_last(write):
    assert write(SEVERAL, "markdown") == (
        "# Several\n\nFirst paragraph.\n\n- First point.\n\n"
        "## One\n\n| Method | p |\n| --- | --- |\n| m | 0.1 |\n\n- Note of One.\n\n"
        "## Two\n\n| Method | p |\n| --- | --- |\n| m | 0.1 |\n\n- Note of Two.\n\n- Last.\n"
    )


def test_latex_is_a_table_for_a_manuscript_with_the_notes_in_its_caption(write):
    assert write(TABLE, "latex") == (
        "% requires \\usepackage{booktabs}\n\\begin{table}\n"
        "  \\caption{Table 1: Dice. Of 5 \\% and \\dag{}.}\n"
        "  \\begin{tabular}{lrrr}\n    \\toprule\n"
        "    Method & d: Average & paper & e: Jab (\\%) \\\\\n    \\midrule\n"
        "    Ours \\& co & \\textbf{0.600(0.010)} & 0.587(0.014), +0.013 & 0.000(0.000) \\\\\n"
        "    a | b & - & - & not yet \\\\\n"
        "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
    )


@pytest.mark.parametrize("document", [TABLE, SEVERAL, Document("Nothing yet", [], paragraphs=["Why."])])
def test_json_is_read_back_as_it_was(write, tmp_path, document):
    write(document, "json")
    again = read_document(tmp_path / "json")
    for form in ("markdown", "latex") if document is TABLE else ("markdown",):
        assert write(again, form) == write(document, form)
    assert [table.rows for table in again.tables] == [table.rows for table in document.tables]
    assert [table.columns for table in again.tables] == [list(table.columns) for table in document.tables]


def test_the_outputs_of_a_job_serve_as_names(tmp_path):
    outputs = Namedlist(fromdict={name: str(tmp_path / name) for name in ("csv", "markdown", "json")})
    write_document(TABLE, outputs)
    assert {path.name for path in tmp_path.iterdir()} == {"markdown", "json"}


def test_columns_know_their_groups_in_order():
    columns = [COLUMNS[0], *(Column(name, group) for name, group in ("ad", "bd", "ce"))]
    assert Table(columns, []).groups() == [("d", 2), ("e", 1)]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"title": "T", "tables": [{}]}', '{"title": "T", "other": 1}'])
def test_a_damaged_result_is_named_with_what_to_do(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(DataError, match=r"t\.json: this result cannot be read .*run again"):
        read_document(tmp_path / "t.json")
