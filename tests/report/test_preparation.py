"""The page about a prepared dataset: who is flagged and why, and nothing that a browser would have to fetch."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from spnet.analysis.preparation import affine_dice
from spnet.data.labels import LabelSet
from spnet.data.nifti import Volume, write_volume
from spnet.errors import DataError
from spnet.metrics.overlap import dice_per_label
from spnet.report.preparation import read_preparation, write_preparation

PROTOCOL = LabelSet(scored=(1, 2), known=(1, 2))
NAMES = [f"s{index}" for index in range(6)]
OUTLIER = "s3"


def cubes(shift=0):
    labels = np.zeros((16, 16, 16), dtype=np.int32)
    labels[2 + shift : 8 + shift, 4:12, 4:12], labels[8 + shift : 14 + shift, 4:12, 4:12] = 1, 2
    return labels


def write_subject(folder, name, labels, **record):
    known = {"labels": None if labels is None else "raw.nii.gz", "flags": [], "correlation_with_target": 0.9}
    known |= {"volume_scaling": 1.1, "flipped": False, "cut_by_crop": 0.001}
    data = cubes() * 0 if labels is None else labels
    write_volume(folder / name / "labels.nii.gz", Volume(data, np.eye(4)), np.int32)
    (folder / name / "qc.json").write_text(json.dumps(known | record))
    Image.new("RGB", (700, 770), "navy").save(folder / name / "qc.png")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        write_subject(tmp_path / "prepared", name, cubes(2 if name == OUTLIER else 0))
    return tmp_path / "prepared"


@pytest.fixture
def write_page(folder, tmp_path):
    """Function that writes the page and returns its text and table."""

    def write(parts=None, left_out=None, notes=(), title="Dataset"):
        parts = parts or {name: "train" if name < "s4" else "test" for name in NAMES}
        outputs = {name: tmp_path / "out" / name for name in ("page", "table", "json")}
        write_preparation(title, folder, parts, PROTOCOL, left_out or {}, notes, outputs)
        page = outputs["page"].read_text(encoding="utf-8")
        return page, pd.read_csv(outputs["table"], sep="\t", keep_default_na=False)

    return write


def cells(page, name):
    """Texts of the row of this name in whatever table."""
    (row,) = re.findall(rf'<th scope="row">{name}</th>(.*?)</tr>', page, re.DOTALL)
    return [re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.DOTALL)]


def test_dice_agrees_with_a_direct_computation(random):
    labels = {name: random.integers(0, 4, (8, 10, 8)).astype(np.int32) for name in "abcd"}
    volumes = {name: torch.from_numpy(data) for name, data in labels.items()}

    def pair(one, other):
        return np.mean(list(dice_per_label(volumes[one], volumes[other], PROTOCOL.scored).values()))

    found = affine_dice(labels, PROTOCOL, neighbours=2)
    assert found["a"] == pytest.approx((pair("a", "b") + pair("a", "c")) / 2)
    assert found["d"] == pytest.approx((pair("d", "a") + pair("d", "b")) / 2)
    everyone = affine_dice(labels, PROTOCOL)
    assert everyone["b"] == pytest.approx(np.mean([pair("b", other) for other in "acd"]))


def test_dice_is_one_among_equals_and_nothing_for_a_subject_alone():
    assert affine_dice({"a": cubes(), "b": cubes()}, PROTOCOL) == {"a": 1.0, "b": 1.0}
    assert affine_dice({"a": cubes()}, PROTOCOL) == {}


def test_an_outlier_in_dice_is_flagged_with_the_reason_and_comes_first(write_page):
    page, table = write_page()
    row = table.set_index("subject").loc[OUTLIER]
    assert re.fullmatch(r"affine-only Dice 0\.\d{3} is low beside the dataset's median of 0\.\d{3}", row["flags"])
    assert "6 prepared, 1 of them flagged" in page
    assert re.findall(r"<h3>(\w+)</h3>", page) == [OUTLIER, *(name for name in NAMES if name != OUTLIER)]


def test_a_low_correlation_is_flagged_from_five_subjects_on(folder, write_page):
    write_subject(folder, "s0", cubes(), correlation_with_target=0.8)
    _, table = write_page()
    flags = table.set_index("subject")["flags"]
    assert "correlation with the target 0.800 is low" in flags["s0"]
    _, table = write_page({name: "train" for name in ("s0", "s1", "s2", OUTLIER)})
    assert not table["flags"].any()


def test_a_mask_placed_otherwise_than_most_is_flagged(folder, write_page):
    for name in NAMES:
        write_subject(folder, name, cubes(), mask_placement="flipped" if name == "s1" else "as stored")
    _, table = write_page()
    flags = table.set_index("subject")["flags"]
    assert flags["s1"] == "the mask was placed by 'flipped', those of most subjects by 'as stored'"
    assert not flags.drop("s1").any()


def test_flags_of_the_record_stay_joined_in_the_table_and_listed_on_the_page(folder, write_page):
    write_subject(folder, "s5", cubes(), flags=["one thing", "another"])
    page, table = write_page()
    assert table.set_index("subject").loc["s5", "flags"] == "one thing; another"
    assert "<li>one thing</li><li>another</li>" in page
    assert re.findall(r"<h3>(\w+)</h3>", page)[:2] == [OUTLIER, "s5"]


def test_the_table_has_one_row_per_prepared_subject(write_page):
    _, table = write_page(left_out={"s2": "motion"})
    expected = (
        "subject split affine_dice correlation_with_target label_fit cut_by_crop labels_cut_by_crop volume_scaling"
    )
    assert list(table) == [*expected.split(), "flipped", "flags"]
    assert list(table["subject"]) == [name for name in NAMES if name != "s2"]
    assert list(table["split"]) == ["train"] * 3 + ["test"] * 2


def test_parts_are_counted_in_subjects_and_ordered_pairs(write_page):
    page, _ = write_page()
    assert cells(page, "train") == ["4", "12"]
    assert cells(page, "test") == ["2", "2"]


def test_left_out_subjects_are_listed_with_the_reason(write_page):
    page, _ = write_page(left_out={"gone": "the labels are of another subject"})
    assert cells(page, "gone") == ["the labels are of another subject"]


def test_a_dataset_without_labels_has_a_page_without_dice(folder, write_page):
    for name in NAMES:
        write_subject(folder, name, None)
    page, table = write_page()
    assert set(table["affine_dice"]) == {""}
    assert cells(page, "Affine-only Dice") == ["0", "-", "-", "-"]


def test_the_page_fetches_nothing(write_page):
    page, _ = write_page()
    assert "http" not in page and "url(" not in page and "import" not in page
    assert page.count("<link") == page.count('<link rel="icon" href="data:,">') == 1
    assert page.count("<script") == page.count("<script>\n// Columns sort") == 1
    sources = re.findall(r'src="([^"]{0,30})', page)
    assert len(sources) == len(NAMES) and all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_what_comes_from_files_is_escaped(folder, write_page):
    bad = '<script>"&'
    write_subject(folder, "s0", cubes(), flags=[bad])
    page, _ = write_page(left_out={bad: bad}, notes=[bad], title=bad)
    assert page.count("<script") == 1
    assert page.count("&lt;script&gt;&#34;&amp;") == 7  # title twice, note, left out twice, flag in list and card


def test_what_was_written_for_other_pages_is_read_back_and_says_where_the_pictures_are(write_page, tmp_path):
    write_page(left_out={"gone": "why"}, notes=["Said."])
    found = read_preparation(tmp_path / "out" / "json")
    assert [subject.name for subject in found.subjects] == [OUTLIER, *(name for name in NAMES if name != OUTLIER)]
    assert [subject.name for subject in found.flagged] == [OUTLIER]
    assert (found.title, found.left_out, found.notes) == ("Dataset", {"gone": "why"}, ["Said."])
    assert (tmp_path / "out" / found.folder / "s1" / "qc.png").exists()


def test_two_writings_are_equal(write_page):
    assert write_page()[0] == write_page()[0]


@pytest.mark.parametrize("text", [None, "{", "{}", "3"])
def test_a_missing_or_damaged_record_is_named_with_what_to_do(folder, write_page, tmp_path, text):
    path = folder / "s2" / "qc.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=r"s2/qc\.json: .*run again"):
        write_page()
    assert not (tmp_path / "out").exists()


def test_a_missing_picture_and_labels_on_another_grid_are_named(folder, write_page):
    write_volume(folder / "s4" / "labels.nii.gz", Volume(cubes()[:8], np.eye(4)), np.int32)
    with pytest.raises(DataError, match=r"s4/labels\.nii\.gz: .*another grid"):
        write_page()
    write_subject(folder, "s4", cubes())
    (folder / "s1" / "qc.png").unlink()
    with pytest.raises(DataError, match=r"s1/qc\.png: the QC picture is missing"):
        write_page()
