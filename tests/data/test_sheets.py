"""Sheets that people write: a field too many or too few is never another column's."""

import pytest

from spnet.data.layouts import table
from spnet.data.sheets import read_sheet
from spnet.data.splits import read_split
from spnet.errors import DataError
from spnet.registration.batch import read_pairs

READERS = {
    "pairs": (read_pairs, ["moving", "fixed", "moving_labels"], ["a.nii.gz", "b.nii.gz", "c.nii.gz"]),
    "subjects": (
        lambda path: table.scan(path.parent, {"table": path.name}),
        ["subject", "image", "labels", "split"],
        ["s", "a.nii.gz", "b.nii.gz", "test"],
    ),
    "split": (read_split, ["subject", "split"], ["s", "test"]),
}


@pytest.fixture(params=READERS)
def sheet(request, tmp_path):
    """The reader of a kind of sheet, and a function that writes one of header and line."""
    read, header, line = READERS[request.param]
    for name in ("a.nii.gz", "b.nii.gz", "c.nii.gz"):
        (tmp_path / name).touch()

    def write(change_header=lambda text: text, change_line=lambda text: text):
        path = tmp_path / "sheet.tsv"
        path.write_text("\n".join([change_header("\t".join(header)), "", change_line("\t".join(line))]) + "\n")
        return path

    return read, write


def test_a_sheet_as_it_should_be_is_read(sheet):
    read, write = sheet
    assert len(read(write())) == 1


@pytest.mark.parametrize("change", [lambda text: text + "\t", lambda text: "\t" + text, lambda text: text + "\tx"])
def test_one_tab_too_many_is_told_with_its_line(sheet, change):
    read, write = sheet
    with pytest.raises(DataError, match=r"line 3 has \d fields, the header has \d"):
        read(write(change_line=change))


def test_a_field_too_few_is_told(sheet):
    read, write = sheet
    with pytest.raises(DataError, match="line 3 has"):
        read(write(change_line=lambda text: text.rsplit("\t", 1)[0]))


@pytest.mark.parametrize("change", [lambda text: text + "\t", lambda text: text + "\t" + text.split("\t")[0]])
def test_a_header_with_one_tab_too_many_or_a_column_twice_is_told(sheet, change):
    read, write = sheet
    with pytest.raises(DataError, match="a column has no name, or that of another"):
        read(write(change_header=change, change_line=lambda text: text + "\t"))


def test_marks_of_other_programs_do_no_harm(tmp_path):
    """A byte order mark, line ends of Windows, quotes, comments."""
    path = tmp_path / "sheet.tsv"
    path.write_bytes('\ufeffsubject\tsplit\r\n# a remark\r\n"a b"\ttest # why\r\n\r\n'.encode())
    assert read_sheet(path, ["subject"], comments=True) == [(3, {"subject": "a b", "split": "test"})]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b'moving\tfixed\n"a\tb\n'])
def test_what_is_no_sheet_is_told(content, tmp_path):
    (tmp_path / "sheet.tsv").write_bytes(content)
    with pytest.raises(DataError, match=r"not a readable table|columns are missing"):
        read_sheet(tmp_path / "sheet.tsv", ["moving", "fixed"])
    with pytest.raises(DataError, match="not a readable table"):
        read_sheet(tmp_path / "none.tsv", ["moving"])


@pytest.mark.parametrize(("needed", "remedy"), [((), "with named columns"), (["i", "j"], "with the columns i, j")])
def test_what_is_no_sheet_is_told_with_the_columns_it_should_have_if_any(needed, remedy, tmp_path):
    path = tmp_path / "image.nii.gz"
    path.write_bytes(b"\x1f\x8b\xff")
    with pytest.raises(DataError, match=rf"\. Give a text file {remedy}\.$"):
        read_sheet(path, needed)
