"""The first screen: every mean that the paper prints, where it stands beside the paper's, and what is missing."""

import pytest

from spnet.report.document import TEXT, VERDICT, Cell, Column, Document, Table
from spnet.report.overview import count_verdicts, overview, position, strips

COLUMNS = [
    Column("Method", kind=TEXT),
    Column("Average", "d", "Dice", paper=True),
    Column("Bone", "d", "Dice", paper=True),
    Column("ICE", "d", "ICE", paper=True),
    Column("SDlogJ", "d", "SDlogJ"),
]


def cell(spreads):
    return Cell("0.5(0.1)", value=0.5, paper="0.4(0.1)", difference="+0.1", spreads=spreads)


UNPRINTED = Cell("0.5(0.1)", value=0.5, paper="-")
ROWS = [
    [Cell("SPnet"), cell(0.5), cell(1.5), cell(-2.0), Cell("0.1", value=0.1)],
    [Cell("Affine only"), UNPRINTED, UNPRINTED, UNPRINTED, Cell("0.1", value=0.1)],
    [Cell("VM"), cell(0.5), cell(0.5), cell(100.0), Cell("0.1", value=0.1)],
]
TABLES = {"table2": Document("Table 2: Dice", [Table(COLUMNS, ROWS)])}
CONFIG = {
    "experiments": {"e": {"dataset": "d", "trained_on": "d", "methods": ["spnet", "vm"]}},
    "tables": {"table2": {"experiments": ["e"]}},
    "figures": {},
    "significance": None,
    "datasets": {"d": {"title": "Knees"}},
    "methods": {"spnet": {"title": "SPnet"}, "vm": {"title": "VM"}},
    "seeds": [0, 1],
    "evaluate_on": "test",
}


def test_every_mean_with_a_counterpart_is_a_point_by_table_and_quantity():
    dice, ice = strips(TABLES)
    assert (dice.table, dice.quantity, dict(dice.counts)) == ("table2", "Dice", {"within": 3, "better": 1})
    assert (ice.quantity, dict(ice.counts)) == ("ICE", {"worse": 1, "better": 1})
    assert dice.points[-1].label == "SPnet, d: Bone: 0.5(0.1), paper 0.4(0.1), +0.1"


def test_points_at_one_place_are_stacked_and_not_hidden():
    dice, _ = strips(TABLES)
    same = [point for point in dice.points if point.across == position(0.5)]
    assert len({point.up for point in same}) == len(same) == 3


def test_the_picture_is_symmetric_and_keeps_far_points_at_its_edge():
    assert position(0) == 50
    assert position(3) - 50 == pytest.approx(50 - position(-3))
    assert position(1e6) == 100
    assert position(-1e6) == 0
    assert position(1) > position(0.9)


def published(folder, tables):
    path = folder / "published.tsv"
    cells = "".join(f"{table}\tr{row}\td\td\tm{row}\tdice\tAverage\t0.5\t0.1\t\n" for table, row in tables)
    path.write_text("table\trow\ttrained_on\tdataset\tmethod\tmetric\tstructure\tmean\tstd\tnote\n" + cells)
    return path


def test_what_the_paper_prints_and_the_run_did_not_measure_is_missing(tmp_path):
    printed = published(tmp_path, [("table2", row) for row in range(8)] + [("table5", 0)])
    seen = overview(CONFIG, TABLES, None, None, printed, ["Not there yet: fig1."])
    assert seen["missing"] == [
        "Not there yet: fig1.",
        "Table 2: 6 of the paper's 8 means were measured.",
        "Not in this run, of the paper's tables: table5.",
    ]
    assert seen["facts"] == "2 methods on Knees; 2 trainings of each network; scored on the test subjects."


def test_a_run_without_tables_of_the_papers_misses_none_and_one_without_counterparts_says_so(tmp_path):
    assert overview(CONFIG, TABLES, None, None, published(tmp_path, [("table9", 0)]), [])["missing"] == []
    bare = {"table2": Document("T", [Table(COLUMNS[:2], [[Cell("SPnet"), Cell("0.5(0.1)", value=0.5)]])])}
    (said,) = overview(CONFIG, bare, None, None, published(tmp_path, [("table2", 0)]), [])["missing"]
    assert said == "Nothing that this run measured has a counterpart among the paper's numbers."


def test_verdicts_are_counted_in_their_order_and_those_not_tested_are_missing():
    columns = [Column("The paper says", kind=TEXT), Column("verdict", kind=VERDICT)]
    rows = [
        [Cell(str(place)), Cell(verdict)] for place, verdict in enumerate(["not tested", "reproduced", "not tested"])
    ]
    claims = Document("Claims", [Table(columns, rows)])
    assert list(count_verdicts(claims).items()) == [("reproduced", 1), ("not tested", 2)]
    (said,) = overview(CONFIG, {}, claims, None, None, [])["missing"]
    assert said.startswith("2 of 3 claims are not tested")
