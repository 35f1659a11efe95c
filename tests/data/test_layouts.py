"""Finding the subjects of each release as its archives unpack, and of a table."""

import shutil
from pathlib import Path

import pytest

from spnet.data.layouts import expected_subjects, find_subjects
from spnet.data.layouts.oai_zib import write_paths
from spnet.data.layouts.source import MARKERS, Archives, find_archives
from spnet.errors import ConfigError, DataError

NATIVE = ("t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz")
MNI152 = ("t1weighted_brain.MNI152.nii.gz", "labels.DKT31.manual.MNI152.nii.gz")
SOURCE = {"page": "https://there", "account": None, "terms": "free", "files": ["a.tar.gz"], "archives": []}
ENTRY = {
    "title": "T",
    "source": SOURCE,
    "complete": True,
    "split": None,
    "leave_out": {},
    "table": None,
    "virtual": None,
}


def mindboggle101(**changes):
    cohorts = {"NKI-TRT-20": {"split": "train", "subjects": 2}, "OASIS-TRT-20": {"split": "test", "subjects": 3}}
    return ENTRY | {"layout": "mindboggle101", "cohorts": cohorts} | changes


def candi(**changes):
    cohorts = {"HC": {"split": None, "subjects": 3}, "BPDwoPsy": {"split": None, "subjects": 2}}
    split = {"file": None, "seed": 0, "counts": {"train": 2, "validation": 1, "test": 2}}
    return ENTRY | {"layout": "candi", "cohorts": cohorts, "split": split} | changes


def oai(**changes):
    split = {"file": None, "seed": 0, "counts": {"train": 2, "validation": 0, "test": 2}}
    cohorts = {"OAI-ZIB": {"split": None, "subjects": 6}}
    return ENTRY | {"layout": "oai_zib", "cohorts": cohorts, "split": split, "virtual": {"seed": 0}} | changes


def make_files(dataset, root):
    """Empty files where the layout says that such a cohort's lie."""
    whole = dataset
    if dataset["split"]:
        total = sum(entry["subjects"] for entry in dataset["cohorts"].values())
        whole = dataset | {"split": dataset["split"] | {"counts": {"train": total, "validation": 0, "test": 0}}}
    for subject in expected_subjects(root, whole):
        if dataset["layout"] == "oai_zib":
            subject.image.mkdir(parents=True)
        else:
            subject.image.parent.mkdir(parents=True, exist_ok=True)
            subject.image.touch()
        subject.labels.parent.mkdir(parents=True, exist_ok=True)
        subject.labels.touch()
    if dataset["layout"] == "oai_zib":
        write_paths(dataset["cohorts"], root / "segmentation" / "doc" / "oai_mri_paths.txt")


@pytest.fixture(params=[mindboggle101, candi, oai], ids=["mindboggle101", "candi", "oai_zib"])
def dataset(request):
    return request.param()


def test_a_cohort_is_expected_where_it_will_be_found(tmp_path, dataset):
    make_files(dataset, tmp_path)
    found = find_subjects(tmp_path, dataset)
    assert sorted(expected_subjects(tmp_path, dataset), key=str) == sorted(found, key=str)
    assert len(found) >= 4


@pytest.mark.parametrize("place", ["data/set", "data/set/inner", "data", "data/inner/set"])
def test_a_root_one_folder_too_high_or_too_low_is_found_all_the_same(tmp_path, dataset, place):
    make_files(dataset, tmp_path / place)
    assert len(find_subjects(tmp_path / "data" / "set", dataset)) >= 4


def test_nothing_at_all_is_told_with_page_terms_files_and_place(tmp_path, dataset):
    with pytest.raises(
        DataError, match=r"raw scans are missing.*https://there.*a\.tar\.gz.*Terms: free.*so that"
    ) as caught:
        find_subjects(tmp_path / "data", dataset | {"complete": False, "virtual": None})
    assert caught.value.path == tmp_path / "data"


def test_a_missing_scan_stops_a_complete_dataset_by_name(tmp_path, dataset):
    make_files(dataset, tmp_path)
    gone = find_subjects(tmp_path, dataset)[0]
    gone.labels.unlink()
    with pytest.raises(DataError, match=rf"1 of \d subjects \({gone.subject}\)"):
        find_subjects(tmp_path, dataset)
    assert gone.subject not in {s.subject for s in find_subjects(tmp_path, dataset | {"complete": False})}


def test_a_subject_is_left_out_if_the_configuration_says_so_and_need_not_be_there(tmp_path, dataset):
    make_files(dataset, tmp_path)
    everyone = find_subjects(tmp_path, dataset)
    entry = dataset | {"leave_out": {everyone[0].subject: "truncated"}}
    assert find_subjects(tmp_path, entry) == everyone[1:]
    everyone[0].labels.unlink()
    assert find_subjects(tmp_path, entry) == everyone[1:]


def test_leaving_out_a_stranger_is_a_mistake(tmp_path, dataset):
    make_files(dataset, tmp_path)
    with pytest.raises(DataError, match="leave_out names 'nobody', which is no subject of T"):
        find_subjects(tmp_path, dataset | {"leave_out": {"nobody": "why"}})


def test_subjects_of_cohorts_have_their_cohorts_part_and_others_the_drawn_one(tmp_path):
    make_files(mindboggle101(), tmp_path / "a")
    found = find_subjects(tmp_path / "a", mindboggle101())
    assert [(s.subject, s.split) for s in found] == [
        ("NKI-TRT-20-1", "train"),
        ("NKI-TRT-20-2", "train"),
        ("OASIS-TRT-20-1", "test"),
        ("OASIS-TRT-20-2", "test"),
        ("OASIS-TRT-20-3", "test"),
    ]
    make_files(candi(), tmp_path / "b")
    parts = [subject.split for subject in find_subjects(tmp_path / "b", candi())]
    assert sorted(parts) == ["test", "test", "train", "train", "validation"]


def test_mindboggle_subjects_are_folders_named_like_one_in_the_order_of_their_numbers(tmp_path):
    entry = mindboggle101(cohorts={"OASIS-TRT-20": {"split": "test", "subjects": 12}})
    make_files(entry, tmp_path)
    strange = tmp_path / "OASIS-TRT-20_volumes" / "OASIS-TRT-20-1_old"
    strange.mkdir()
    for name in NATIVE:
        (strange / name).touch()
    names = [subject.subject for subject in find_subjects(tmp_path, entry)]
    assert names == [f"OASIS-TRT-20-{number}" for number in range(1, 13)]


def test_aligned_volumes_are_taken_where_they_exist(tmp_path):
    make_files(mindboggle101(), tmp_path)
    for name in MNI152:
        (tmp_path / "OASIS-TRT-20_volumes" / "OASIS-TRT-20-1" / name).touch()
    spaces = {subject.subject: subject.space for subject in find_subjects(tmp_path, mindboggle101())}
    assert spaces["OASIS-TRT-20-1"] == "target"
    assert spaces["OASIS-TRT-20-2"] == "native"


def test_candi_is_numbered_through_its_groups(tmp_path):
    names = [subject.subject for subject in expected_subjects(tmp_path, candi())]
    assert names == ["HC_001", "HC_002", "HC_003", "BPDwoPsy_004", "BPDwoPsy_005"]


def test_a_candi_subject_that_lies_there_twice_is_told(tmp_path):
    make_files(candi(), tmp_path)
    shutil.copytree(tmp_path / "SchizBull_2008" / "HC", tmp_path / "HC")
    with pytest.raises(DataError, match="subject 'HC_001' is listed twice"):
        find_subjects(tmp_path, candi())


def test_knees_need_only_the_series_of_the_split(tmp_path):
    make_files(oai(), tmp_path)
    used = {subject.subject for subject in find_subjects(tmp_path, oai())}
    assert len(used) == 4
    for subject in expected_subjects(
        tmp_path, oai(split=oai()["split"] | {"counts": {"train": 6, "validation": 0, "test": 0}})
    ):
        if subject.subject not in used:
            subject.image.rmdir()
    assert {subject.subject for subject in find_subjects(tmp_path, oai(virtual=None))} == used


def test_masks_and_scans_of_the_oai_may_lie_in_packages_of_any_name(tmp_path):
    make_files(oai(), tmp_path)
    (tmp_path / "OAI-ZIB").mkdir()
    (tmp_path / "segmentation").rename(tmp_path / "OAI-ZIB" / "segmentation")
    (tmp_path / "Package_1" / "results").mkdir(parents=True)
    (tmp_path / "00m").rename(tmp_path / "Package_1" / "results" / "00m")
    assert len(find_subjects(tmp_path, oai(virtual=None))) == 4


@pytest.mark.parametrize(
    ("line", "message"), [("9000001", "line 7 is not"), ("9000001: 0.C.2/x", "line 7: knee '9000001' is listed twice")]
)
def test_a_list_of_knees_that_cannot_be_read_is_told_with_the_line(tmp_path, line, message):
    make_files(oai(), tmp_path)
    path = tmp_path / "segmentation" / "doc" / "oai_mri_paths.txt"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match=message) as caught:
        find_subjects(tmp_path, oai())
    assert caught.value.path == path


def test_the_oais_table_tells_the_side_by_the_series_name(tmp_path):
    make_files(oai(), tmp_path)
    rows = ["1|016619000001|1: Right", "2|016619000002|2: Left", "3|016619000003|.: Missing", "4|016619000004|"]
    (tmp_path / "MRI00.txt").write_text("\n".join(["ID|V00MRBARCD|V00MRSIDE", *rows]) + "\n")
    everyone = oai(split={"file": None, "seed": 0, "counts": {"train": 6, "validation": 0, "test": 0}})
    sides = {subject.subject: subject.side for subject in find_subjects(tmp_path, everyone)}
    told = {"9000001": "right", "9000002": "left"}
    assert sides == {f"900000{number}": told.get(f"900000{number}") for number in range(1, 7)}
    (tmp_path / "MRI00.txt").write_text("ID|SIDE\n1|1\n")
    with pytest.raises(DataError, match="columns V00MRBARCD and V00MRSIDE are not there"):
        find_subjects(tmp_path, oai())


def test_archives_are_pending_until_their_marker_is_there_and_fetched_only_when_asked(tmp_path):
    archive = {"file": "b.tar.gz", "urls": ["https://there/b"], "sha256": None, "holds": "b"}
    entry = mindboggle101(source=SOURCE | {"archives": [archive]})
    (tmp_path / "a.zip").touch()
    assert find_archives(tmp_path, entry, download=False) == Archives(("a.zip",), ())
    assert find_archives(tmp_path, entry, download=True) == Archives(("a.zip", "b.tar.gz"), ("b.tar.gz",))
    (tmp_path / MARKERS).mkdir()
    (tmp_path / MARKERS / "a.zip").touch()
    (tmp_path / "Mindboggle101_volumes" / "b").mkdir(parents=True)
    assert find_archives(tmp_path, entry, download=True) == Archives((), ())
    with pytest.raises(DataError, match=r"Delete .*\.unpacked to have archives unpacked again"):
        find_subjects(tmp_path, entry)


def test_what_a_killed_unpacking_or_another_system_left_is_no_archive(tmp_path):
    (tmp_path / ".partial-a.tar.gz").mkdir()
    (tmp_path / "._a.tar.gz").touch()
    (tmp_path / "b.zip").mkdir()
    assert find_archives(tmp_path, mindboggle101(), download=False) == Archives((), ())


def test_a_dataset_that_is_not_there_does_not_take_its_neighbours_scans(tmp_path):
    make_files(mindboggle101(), tmp_path / "data" / "neighbour")
    with pytest.raises(DataError, match="raw scans are missing"):
        find_subjects(tmp_path / "data" / "mine", mindboggle101())


def test_knees_whose_series_are_missing_are_all_named_with_the_place_of_one(tmp_path):
    make_files(oai(), tmp_path)
    used = find_subjects(tmp_path, oai())
    for subject in used:
        subject.image.rmdir()
    with pytest.raises(
        DataError, match=r"4 of 4 subjects.*so that .*00m/0\.C\.2/90\d*/20040101/190\d* exists"
    ) as caught:
        find_subjects(tmp_path, oai(virtual=None))
    assert all(subject.subject in caught.value.problem for subject in used)


def test_a_layout_that_does_not_exist_is_named_with_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="no layout 'candy', did you mean 'candi'"):
        find_subjects(tmp_path, candi(layout="candy"))


def write_table(tmp_path: Path, text: str) -> dict:
    for name in ("a.nii.gz", "b.nii.gz", "c.nii.gz", "al.nii.gz", "bl.nii.gz"):
        (tmp_path / name).touch()
    (tmp_path / "subjects.tsv").write_text("subject\timage\tlabels\tsplit\n" + text)
    return ENTRY | {"layout": "table", "cohorts": {}, "table": "subjects.tsv"}


def test_one_scan_under_two_names_is_found_out(tmp_path):
    entry = write_table(tmp_path, "1\ta.nii.gz\t\ttrain\n2\tlink.nii.gz\tbl.nii.gz\ttest\n")
    (tmp_path / "link.nii.gz").symlink_to(tmp_path / "a.nii.gz")
    with pytest.raises(DataError, match="share one image"):
        find_subjects(tmp_path, entry)


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
        ("1\tgone.nii.gz\t\ttrain\n", "line 2: there is no scan .*gone"),
        ("1\t~no-such-user/scan.nii.gz\t\ttrain\n", "line 2: there is no scan .*~no-such-user/scan"),
        ("../1\ta.nii.gz\t\ttrain\n", "cannot be a subject's name"),
        ("{s11}\ta.nii.gz\t\ttrain\n", "cannot be a subject's name"),
    ],
    ids=["in-both-parts", "one-scan-twice", "no-labels", "split", "no-file", "no-home", "name", "braces"],
)
def test_a_table_that_cannot_be_used_is_refused_with_the_line(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        find_subjects(tmp_path, write_table(tmp_path, rows))


def test_a_table_with_other_columns_is_refused(tmp_path):
    entry = write_table(tmp_path, "")
    (tmp_path / "subjects.tsv").write_text("id,image\n1,a\n")
    with pytest.raises(DataError, match="columns are missing: subject, image, labels, split"):
        find_subjects(tmp_path, entry)
