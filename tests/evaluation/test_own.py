"""Labels that any program warped, by the command line as a person types it."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from spnet.cli import main
from spnet.errors import ConfigError
from spnet.evaluation.own import parse_labels

SHAPE = (20, 18, 16)
SPACING = (1.0, 2.0, 0.5)
AFFINE = np.diag([*SPACING, 1.0])


def boxes(shift):
    """Labels 1 and 2 shifted along the second axis, 5 that stays, 7 only where nothing is shifted."""
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[2:8, 4 + shift : 10 + shift, 4:10] = 1
    labels[10:16, 4 + shift : 10 + shift, 4:10] = 2
    labels[17:19, 2:16, 12:15] = 5
    if not shift:
        labels[0, 0, 0] = 7
    return labels


@pytest.fixture
def files(write_image):
    return write_image("warped.nii.gz", boxes(3), AFFINE, np.int16), write_image(
        "fixed.nii.gz", boxes(0), AFFINE, np.int16
    )


def scores(files, tmp_path, *options):
    assert main(["evaluate", *map(str, files), "--tsv", str(tmp_path / "s.tsv"), *map(str, options)]) == 0
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t", dtype={"structure": str})
    return {(row.metric, row.structure): row.value for row in table.itertuples()}


def refused(files, capsys, *options):
    assert main(["evaluate", *map(str, files), *map(str, options)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("spnet: ")
    assert "Traceback" not in told
    return told


def test_dice_and_hd95_in_mm_of_every_label_and_their_means_are_printed_and_written(files, tmp_path, capsys):
    found = scores(files, tmp_path)
    assert found == {
        ("dice", "1"): 0.5,
        ("dice", "2"): 0.5,
        ("dice", "5"): 1.0,
        ("dice", "7"): 0.0,
        ("dice", "Average"): 0.5,
        ("hd95", "1"): pytest.approx(6.0),
        ("hd95", "2"): pytest.approx(6.0),
        ("hd95", "5"): 0.0,
        ("hd95", "Average"): pytest.approx(4.0),
    }
    text = capsys.readouterr().out
    assert "structure      Dice  HD95 (mm)" in text
    assert "1            0.5000     6.0000" in text
    assert "7            0.0000          -" in text
    assert "In one volume only, so Dice 0 and no HD95: 7" in text


def test_where_no_label_is_in_both_volumes_it_is_told_what_they_lack(files, write_image, tmp_path, capsys):
    nothing = write_image("nothing.nii.gz", np.zeros(SHAPE, np.int16), AFFINE, np.int16)
    assert set(scores((nothing, files[1]), tmp_path).values()) == {0.0}
    assert "In one volume only, so Dice 0 and no HD95: 1, 2, 5, 7" in capsys.readouterr().out


def test_only_the_labels_asked_for_count_and_those_that_are_nowhere_are_told(files, tmp_path, capsys):
    found = scores(files, tmp_path, "--labels", "1-2,9")
    assert {structure for _, structure in found} == {"1", "2", "Average"}
    assert "In neither volume, so left out: 9" in capsys.readouterr().out


def test_a_protocol_has_regions_and_names(files, tmp_path, capsys):
    found = scores(files, tmp_path, "--label-set", "oai4")
    assert found["dice", "Bone"] == found["dice", "Cartilage"] == 0.5
    assert "2 femoral cartilage" in capsys.readouterr().out


def test_a_field_has_its_folding_and_spread_told(files, tmp_path, capsys):
    field = np.zeros((*SHAPE, 3), dtype=np.float32)
    field[10, 9, 8, 0] = 1.5
    nib.save(nib.Nifti1Image(field, AFFINE), tmp_path / "disp.nii.gz")
    found = scores(files, tmp_path, "--transform", tmp_path / "disp.nii.gz")
    assert found["jab", "volume"] == pytest.approx(100 / (19 * 17 * 15))
    assert found["jab_central", "volume"] == 0
    assert 0 < found["sdlogj", "volume"] < found["sdlogj_unshifted", "volume"]
    assert "as Learn2Reg" in capsys.readouterr().out


def test_the_same_labels_are_perfect(files, tmp_path):
    found = scores((files[1], files[1]), tmp_path)
    assert {value for (metric, _), value in found.items() if metric == "dice"} == {1.0}
    assert {value for (metric, _), value in found.items() if metric == "hd95"} == {0.0}


def test_volumes_on_different_grids_are_told(files, write_image, capsys):
    smaller = write_image("small.nii.gz", boxes(0)[1:], AFFINE, np.int16)
    assert "another grid than the fixed ones: shape (19, 18, 16) where fixed.nii.gz has" in refused(
        (smaller, files[1]), capsys
    )
    elsewhere = write_image("moved.nii.gz", boxes(0), AFFINE + np.eye(4, k=3), np.int16)
    assert "another position or orientation (affine) than fixed.nii.gz" in refused((elsewhere, files[1]), capsys)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (np.zeros(SHAPE), "no such label"),
        (boxes(0) + 0.5, "values that are not whole numbers"),
        (np.zeros((*SHAPE, 4)), "a 3-D volume is needed, this one has shape (20, 18, 16, 4)"),
        (np.zeros(SHAPE[:2]), "a 3-D volume is needed"),
        (boxes(0) - 1.0, "labels are 0 (background) or above; the least here is -1"),
        (np.arange(np.prod(SHAPE)).reshape(SHAPE), "5760 different values: this looks like an image"),
    ],
    ids=["empty", "fractions", "4-D", "2-D", "negative", "an image"],
)
def test_what_is_no_label_volume_is_told(data, told, files, write_image, tmp_path, capsys):
    path = tmp_path / "bad.nii.gz"
    nib.save(nib.Nifti1Image(np.asarray(data, dtype=np.float32), AFFINE), path)
    if told == "no such label":
        assert "there is no label above 0 in either volume" in refused((path, path), capsys)
    else:
        assert told in refused((path, files[1]), capsys)
        assert told in refused((files[0], path), capsys)


def test_missing_files_and_labels_are_told(files, tmp_path, capsys):
    assert "none.nii.gz: there is no such file" in refused((tmp_path / "none.nii.gz", files[1]), capsys)
    told = refused(files, capsys, "--labels", "77,78")
    assert "neither volume has any of the labels 77, 78; there are 1, 2, 5, 7" in told
    assert "there is no label set 'dkt5'" in refused(files, capsys, "--label-set", "dkt5")
    assert "no such transform file" in refused(files, capsys, "--transform", tmp_path / "none.nii.gz")


@pytest.mark.parametrize("text", ["", " , ", "0", "1,a", "5-3", "-4", "1.5", "2,1-3"])
def test_a_list_of_labels_that_is_none_is_told(text, files, capsys):
    with pytest.raises(ConfigError, match=r"Give|once"):
        parse_labels(text)
    told = refused(files, capsys, f"--labels={text}")
    assert "label" in told


def test_lists_and_ranges_of_labels_are_read():
    assert parse_labels("2, 3,10-12,").scored == (2, 3, 10, 11, 12)
