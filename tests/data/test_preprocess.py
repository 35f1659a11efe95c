"""Preparation of virtual raw scans, whose truth is known, on a coarse grid."""

import dataclasses
import json

import nibabel as nib
import numpy as np
import pytest

from spnet.ants_bridge import import_ants
from spnet.data.labels import LABEL_SETS
from spnet.data.layouts import Subject
from spnet.data.nifti import Volume, read_image, write_volume
from spnet.data.options import PreprocessOptions
from spnet.data.preprocess import _resample_labels, preprocess
from spnet.data.templates import read_template
from spnet.errors import DataError
from spnet.preparation import prepare_subject
from spnet.virtual.brain import VirtualOptions, virtual_subject, write_virtual_subject

DKT50 = LABEL_SETS["dkt50"]
GRID = PreprocessOptions("mni152", 4.0, (40, 48, 40))
COARSE = VirtualOptions(spacing=3.0, deformation=2.0)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    image, labels = folder / "image.nii.gz", folder / "labels.nii.gz"
    write_virtual_subject("someone", COARSE, 0, image, labels)
    return Subject("someone", "test", image, labels)


@pytest.fixture(scope="module")
def prepared(raw):
    return preprocess(raw, GRID, DKT50)


def test_the_affine_step_undoes_the_pose(raw, prepared):
    assert prepared.image.data.shape == GRID.shape
    assert prepared.record["correlation_with_target"] > 0.85
    unregistered = preprocess(raw, dataclasses.replace(GRID, affine="aligned"), DKT50)
    assert unregistered.record["correlation_with_target"] < prepared.record["correlation_with_target"] - 0.05


def test_a_known_pose_is_found_in_millimetres(tmp_path):
    """The target itself, moved by a known affine: the matrix found must be that affine."""
    template = read_template("mni152")
    pose = np.array([[1.05, 0.0, 0.0, 6.0], [0.0, 0.98, -0.199, -4.0], [0.0, 0.199, 0.98, 5.0], [0, 0, 0, 1]])
    path = tmp_path / "moved.nii.gz"
    half = Volume(template.data[::2, ::2, ::2], pose @ template.affine @ np.diag([2, 2, 2, 1]))
    write_volume(path, half, np.int16)
    record = preprocess(Subject("moved", "train", path, None), GRID, DKT50).record
    found = np.asarray(record["target_to_native_mm"])
    points = np.array([[0, 0, 0, 1], [50, -60, 30, 1], [-50, 40, -20, 1], [0, 60, 50, 1]]).T
    assert np.abs((found - pose) @ points)[:3].max() < 1.5
    assert record["volume_scaling"] == pytest.approx(np.linalg.det(pose), rel=0.03)
    assert record["cut_by_crop"] < 0.02


QUARTER = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
HALF = np.diag([-1, -1, 1, 1])


def with_header_turned(path, turn, folder):
    image = nib.load(path)
    turned = nib.Nifti1Image(image.dataobj, turn @ image.affine)
    nib.save(turned, folder / f"turned-{path.name}")
    return folder / f"turned-{path.name}"


@pytest.mark.parametrize("turn", [QUARTER, QUARTER.T, HALF])
def test_a_header_that_turns_the_scan_is_flagged_with_the_axes_that_fit(raw, prepared, turn, tmp_path):
    assert prepared.record["flags"] == []
    path = with_header_turned(raw.image, turn, tmp_path)
    record = preprocess(Subject("turned", "train", path, None), GRID, DKT50).record
    said, found = ("".join(nib.aff2axcodes(nib.load(each).affine)) for each in (path, raw.image))
    assert f"axes run to {said}, but with axes to {found} the scan fits the target better" in record["flags"][0]


def test_a_header_that_turns_an_aligned_scan_is_flagged(tmp_path):
    template = read_template("mni152")
    turned = QUARTER @ template.affine
    path = tmp_path / "turned.nii.gz"
    write_volume(path, Volume(template.data[::3, ::3, ::3], turned @ np.diag([3, 3, 3, 1])), np.int16)
    flags = preprocess(Subject("turned", "train", path, None, "target"), GRID, DKT50).record["flags"]
    assert "axes to LAS" in flags[0] or "axes to RAS" in flags[0]


@pytest.mark.parametrize(("turn", "axis"), [(QUARTER, "frontal"), (QUARTER.T, "frontal"), (HALF, "right")])
def test_labels_that_the_header_turns_are_refused(raw, turn, axis, tmp_path):
    image, labels = (with_header_turned(path, turn, tmp_path) for path in (raw.image, raw.labels))
    with pytest.raises(DataError, match=f"the {axis} labels do not lie .* mirrored or turned"):
        preprocess(Subject("turned", "train", image, labels), GRID, DKT50)


def test_a_table_of_scans_without_positions_is_refused_unless_their_axes_are_stated(raw, tmp_path):
    paths = [tmp_path / f"nowhere-{path.name}" for path in (raw.image, raw.labels)]
    for path, bare in zip((raw.image, raw.labels), paths, strict=True):
        image = nib.load(path)
        image.header["qform_code"] = image.header["sform_code"] = 0
        nib.save(nib.Nifti1Image(image.dataobj, None, image.header), bare)
    true = "".join(nib.aff2axcodes(nib.load(raw.image).affine))
    subject = Subject("nowhere", "test", *paths)
    with pytest.raises(DataError, match="no position in space"):
        preprocess(subject, GRID, DKT50)
    found = preprocess(subject, dataclasses.replace(GRID, orientation=true), DKT50)
    assert found.record["correlation_with_target"] > 0.85
    mirrored = {"R": "L", "L": "R"}
    wrong = "".join(mirrored.get(letter, letter) for letter in true)
    with pytest.raises(DataError, match="mirrored or turned"):
        preprocess(subject, dataclasses.replace(GRID, orientation=wrong), DKT50)


def test_a_head_that_the_grid_cuts_is_flagged_with_the_share_that_is_lost(raw):
    record = preprocess(raw, dataclasses.replace(GRID, shape=(40, 24, 40)), DKT50).record
    assert 0.2 < record["cut_by_crop"] < 0.5
    assert any("outside the common grid" in flag for flag in record["flags"])


def test_labels_of_another_protocol_are_refused(raw, tmp_path):
    image = nib.load(raw.labels)
    path = tmp_path / "aseg.nii.gz"
    write_volume(path, Volume(np.asarray(image.dataobj) % 1000, image.affine), np.int16)
    with pytest.raises(DataError, match=r"aseg\.nii\.gz: none of the labels to be scored"):
        preprocess(dataclasses.replace(raw, labels=path), GRID, DKT50)


def test_an_image_given_as_labels_is_refused(raw, tmp_path):
    image = nib.load(raw.image)
    path = tmp_path / "image.nii.gz"
    write_volume(path, Volume(np.rint(image.get_fdata() * 2000 / image.get_fdata().max()), image.affine), np.int16)
    with pytest.raises(DataError, match=r"image\.nii\.gz: there are 1\d\d\d different values: .* an image"):
        preprocess(dataclasses.replace(raw, labels=path), GRID, DKT50)


def test_left_stays_left(prepared):
    """Ids 1000 to 1999 are the left hemisphere; the world's first axis points to the right."""
    for first, sign in ((1000, -1), (2000, 1)):
        voxels = np.argwhere((prepared.labels.data >= first) & (prepared.labels.data < first + 1000))
        world = voxels @ prepared.labels.affine[:3, :3].T + prepared.labels.affine[:3, 3]
        assert sign * world[:, 0].mean() > 20


def test_intensities_lie_in_zero_to_one_with_the_percentile_at_one(prepared):
    assert prepared.image.data.min() == 0
    assert prepared.image.data.max() == 1
    assert 0.002 < (prepared.image.data == 1).mean() <= 0.0052


def test_without_clipping_the_brightest_voxels_stay_above_one(raw, prepared):
    unclipped = preprocess(raw, dataclasses.replace(GRID, clip=False), DKT50).image.data
    assert unclipped.max() > 1
    assert np.array_equal(np.minimum(unclipped, 1), prepared.image.data)


def test_labels_move_with_the_image(raw, prepared):
    brain = prepared.image.data > 0.05
    assert (brain & (prepared.labels.data > 0)).sum() > 0.95 * (prepared.labels.data > 0).sum()
    assert set(np.unique(prepared.labels.data)) <= {0, *DKT50.known}


def test_an_aligned_volume_at_the_targets_spacing_is_cropped_without_a_change(tmp_path):
    template = read_template("mni152")
    options = PreprocessOptions("mni152", 1.0, (160, 192, 160), percentile=100)
    subject = Subject("mni", "train", tmp_path / "t.nii.gz", None, "target")
    write_volume(subject.image, template, np.int16)
    cropped = preprocess(subject, options, DKT50)
    expected = template.data[11:171, 13:205, 11:171]
    assert np.allclose(cropped.image.data * cropped.record["intensity_unit"], expected, atol=1e-2)
    assert cropped.record["registered"] is False
    assert not cropped.labels.data.any()


def test_stray_labels_are_dropped_and_reported(raw, tmp_path):
    image = nib.load(raw.labels)
    data = np.asarray(image.dataobj).copy()
    data[data == 1002] = 1032
    path = tmp_path / "labels.nii.gz"
    write_volume(path, Volume(data, image.affine), np.int16)
    prepared = preprocess(dataclasses.replace(raw, labels=path), GRID, DKT50)
    assert list(prepared.record["dropped_labels"]) == [1032]
    assert 1002 in prepared.record["missing_labels"]
    assert 1032 not in prepared.labels.data
    assert any("dropped: 1032" in flag for flag in prepared.record["flags"])


def test_a_head_far_outside_the_box_is_told_and_named(raw, tmp_path):
    image = read_image(raw.image)
    far = image.affine.copy()
    far[:3, 3] += 1000
    path = tmp_path / "far.nii.gz"
    write_volume(path, Volume(image.data, far), np.int16)
    with pytest.raises(DataError, match="not inside the target's box") as caught:
        preprocess(Subject("far", "train", path, None, "target"), GRID, DKT50)
    assert caught.value.path == path


def test_a_folder_gets_volumes_record_and_picture_or_nothing(raw, tmp_path):
    prepare_subject(raw, GRID, DKT50, tmp_path / "good")
    assert {path.name for path in (tmp_path / "good").iterdir()} == {
        "image.nii.gz",
        "labels.nii.gz",
        "qc.json",
        "qc.png",
    }
    assert json.loads((tmp_path / "good" / "qc.json").read_text())["subject"] == "someone"
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(raw.image.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"broken\.nii\.gz: the file is truncated"):
        prepare_subject(dataclasses.replace(raw, image=broken), GRID, DKT50, tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_name_and_seed_decide_a_virtual_subject():
    first, again, other = (virtual_subject(name, COARSE, seed)[0].data for name, seed in (("a", 0), ("a", 0), ("a", 1)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_virtual_scans_lie_like_the_real_native_ones():
    image, labels = virtual_subject("a", COARSE, 0)
    assert nib.aff2axcodes(image.affine) == ("A", "S", "L")
    assert np.allclose(image.affine, labels.affine)
    direction = image.affine[:3, :3] / image.spacing
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-6)


def test_label_ids_that_ants_floats_do_not_hold_stay_apart_on_the_common_grid():
    library = import_ants(0)
    grid, data = Volume(np.zeros((8, 9, 10), dtype=np.float32), np.eye(4)), np.zeros((6, 9, 10), dtype=np.int64)
    data[1:3], data[3:5] = 614454277, 614454278
    found = _resample_labels(Volume(data, np.eye(4)), grid, [], library)
    assert np.array_equal(found[:6], data)
    assert not found[6:].any()
