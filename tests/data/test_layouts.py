import pytest

from spnet.data.layouts import expected_subjects, find_subjects
from spnet.errors import DataError

COHORTS = {"NKI-TRT-20": {"split": "train", "subjects": 2}, "OASIS-TRT-20": {"split": "test", "subjects": 3}}
NATIVE = ("t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz")
MNI152 = ("t1weighted_brain.MNI152.nii.gz", "labels.DKT31.manual.MNI152.nii.gz")


def dataset(**changes):
    return {"layout": "mindboggle101", "source": "Get it there.", "complete": True, "cohorts": COHORTS} | changes


def make(root, cohort, number, files=NATIVE):
    folder = root / f"{cohort}_volumes" / f"{cohort}-{number}"
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()


def make_all(root):
    for cohort, entry in COHORTS.items():
        for number in range(1, entry["subjects"] + 1):
            make(root, cohort, number)


@pytest.mark.parametrize("parent", ["", "Mindboggle101_volumes"])
def test_unpacked_archives_are_found_with_their_split(tmp_path, parent):
    make_all(tmp_path / parent)
    subjects = find_subjects(tmp_path, dataset())
    assert [(s.subject, s.split) for s in subjects] == [
        ("NKI-TRT-20-1", "train"),
        ("NKI-TRT-20-2", "train"),
        ("OASIS-TRT-20-1", "test"),
        ("OASIS-TRT-20-2", "test"),
        ("OASIS-TRT-20-3", "test"),
    ]
    assert {s.space for s in subjects} == {"native"}


def test_only_folders_named_like_a_subject_are_subjects(tmp_path):
    make_all(tmp_path)
    make(tmp_path, "OASIS-TRT-20", "1_old")
    assert len(find_subjects(tmp_path, dataset())) == 5


def test_one_scan_under_two_names_is_found_out(tmp_path):
    entry = write_table(tmp_path, "1\ta.nii.gz\t\ttrain\n2\tlink.nii.gz\tbl.nii.gz\ttest\n")
    (tmp_path / "link.nii.gz").symlink_to(tmp_path / "a.nii.gz")
    with pytest.raises(DataError, match="share one image"):
        find_subjects(tmp_path, entry)


def test_numbers_are_sorted_as_numbers(tmp_path):
    for number in (10, 2, 1):
        make(tmp_path, "OASIS-TRT-20", number)
    found = find_subjects(tmp_path, dataset(complete=False))
    assert [s.subject for s in found] == ["OASIS-TRT-20-1", "OASIS-TRT-20-2", "OASIS-TRT-20-10"]


def test_aligned_volumes_are_taken_where_they_exist(tmp_path):
    make(tmp_path, "OASIS-TRT-20", 1, (*NATIVE, *MNI152))
    (subject,) = find_subjects(tmp_path, dataset(complete=False))
    assert subject.space == "target"
    assert subject.image.name == MNI152[0]


def test_a_missing_scan_stops_a_complete_dataset_and_says_where_to_get_it(tmp_path):
    make_all(tmp_path)
    (tmp_path / "OASIS-TRT-20_volumes" / "OASIS-TRT-20-2" / NATIVE[0]).unlink()
    with pytest.raises(DataError, match=r"OASIS-TRT-20_volumes has 2 of 3 subjects.*Get it there"):
        find_subjects(tmp_path, dataset())
    assert len(find_subjects(tmp_path, dataset(complete=False))) == 4


def test_nothing_at_all_is_an_error_even_if_the_dataset_need_not_be_complete(tmp_path):
    with pytest.raises(DataError, match="raw scans are missing"):
        find_subjects(tmp_path, dataset(complete=False))


def test_a_virtual_cohort_is_expected_where_it_will_be_found(tmp_path):
    make_all(tmp_path)
    assert expected_subjects(tmp_path, dataset()) == find_subjects(tmp_path, dataset())


def write_table(tmp_path, text):
    for name in ("a.nii.gz", "b.nii.gz", "c.nii.gz", "al.nii.gz", "bl.nii.gz"):
        (tmp_path / name).touch()
    (tmp_path / "subjects.tsv").write_text("subject\timage\tlabels\tsplit\n" + text)
    return {"layout": "table", "source": "Your scans.", "table": "subjects.tsv"}


def test_a_table_lists_any_dataset_and_training_subjects_need_no_labels(tmp_path):
    entry = write_table(tmp_path, "01\ta.nii.gz\t\ttrain\n02\tb.nii.gz\tbl.nii.gz\ttest\n")
    first, second = find_subjects(tmp_path, entry)
    assert (first.subject, first.split, first.labels) == ("01", "train", None)
    assert second.labels == tmp_path / "bl.nii.gz"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1\ta.nii.gz\tal.nii.gz\ttrain\n1\tb.nii.gz\tbl.nii.gz\ttest\n", "'1' is listed in both test and train"),
        ("1\ta.nii.gz\tal.nii.gz\ttrain\n2\ta.nii.gz\tal.nii.gz\ttest\n", "share one image"),
        ("1\ta.nii.gz\t\ttest\n", "line 2: test subject '1' has no labels"),
        ("1\ta.nii.gz\t\tvalidate\n", "line 2: split 'validate'"),
        ("1\tgone.nii.gz\t\ttrain\n", "line 2: there is no file .*gone"),
        ("../1\ta.nii.gz\t\ttrain\n", "cannot be a subject's name"),
    ],
    ids=["in-both-parts", "one-scan-twice", "no-labels", "split", "no-file", "name"],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_line(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        find_subjects(tmp_path, write_table(tmp_path, rows))


def test_a_table_with_other_columns_is_refused(tmp_path):
    entry = write_table(tmp_path, "")
    (tmp_path / "subjects.tsv").write_text("id,image\n1,a\n")
    with pytest.raises(DataError, match="columns are missing: subject, image, labels, split"):
        find_subjects(tmp_path, entry)
