from dataclasses import replace

import numpy as np
import pydicom
import pytest
from nibabel.orientations import aff2axcodes
from scipy.ndimage import binary_dilation

from spnet.virtual.knee import KneeOptions, virtual_knee, write_virtual_knee

OPTIONS = KneeOptions(matrix=64, slices=40, cartilage=3.0)
UNIFORM = KneeOptions(
    matrix=64, slices=40, deformation=0, rotation=0, scaling=0, shift=0, contrast=0, bias=0, noise=0
)  # every left knee is the same
NAMES = [f"90{index:05}" for index in range(6)]


@pytest.fixture(scope="module")
def knees():
    return {name: virtual_knee(name, OPTIONS, seed=0) for name in NAMES}


def one_of_each_side(options):
    drawn = {}
    for index in range(20):
        image, labels, side = virtual_knee(f"side{index}", options, seed=0)
        drawn.setdefault(side, (image, labels))
        if len(drawn) == 2:
            break
    return drawn["left"], drawn["right"]


def test_every_knee_has_four_labels_on_a_grid_to_posterior_inferior_and_right(knees):
    for image, labels, _ in knees.values():
        assert set(np.unique(labels.data)) == {0, 1, 2, 3, 4}
        assert image.data.shape == labels.data.shape == (64, 64, 40)
        assert (image.data.dtype, labels.data.dtype) == (np.float32, np.int32)
        assert aff2axcodes(image.affine) == ("P", "I", "R")
        assert np.allclose(image.spacing * image.data.shape, [140, 140, 112])


def test_the_femur_is_above_the_tibia(knees):
    for _, labels, _ in knees.values():
        femur, tibia = (labels.affine[2] @ [*np.argwhere(labels.data == k).mean(0), 1] for k in (1, 3))
        assert femur - tibia > 30


@pytest.mark.parametrize(("bone", "cartilage"), [(1, 2), (3, 4)], ids=["femur", "tibia"])
def test_cartilage_lies_on_its_bone_and_nowhere_else(knees, bone, cartilage):
    for _, labels, _ in knees.values():
        near = binary_dilation(labels.data == bone, np.ones((3, 3, 3)), iterations=2)
        assert near[labels.data == cartilage].all()


def test_bone_is_dark_and_cartilage_bright(knees):
    for image, labels, _ in knees.values():
        means = [image.data[labels.data == label].mean() for label in (1, 2, 3, 4)]
        assert min(means[1], means[3]) > 2 * max(means[0], means[2])


def test_labels_survive_a_grid_of_2_8_mm_where_the_cartilage_is_as_thick():
    _, labels, _ = virtual_knee(NAMES[0], replace(OPTIONS, matrix=50, slices=40, cartilage=3.0), seed=0)
    assert np.allclose(labels.spacing, 2.8)
    assert np.bincount(labels.data.ravel(), minlength=5)[[2, 4]].min() > 100


def test_a_right_knee_is_the_mirror_image_of_a_left_one_and_no_knee_is_its_own():
    (left, left_labels), (right, right_labels) = one_of_each_side(UNIFORM)
    assert np.array_equal(left_labels.data, right_labels.data[:, :, ::-1])
    assert np.allclose(left.data, right.data[:, :, ::-1], atol=1e-2)
    assert (left_labels.data != right_labels.data).mean() > 0.01


def test_the_medial_condyle_is_the_larger_one():
    for side, (_, labels) in zip(("left", "right"), one_of_each_side(UNIFORM), strict=True):
        right_half, left_half = labels.data[:, :, 20:], labels.data[:, :, :20]
        medial, lateral = (right_half, left_half) if side == "left" else (left_half, right_half)
        assert np.isin(medial[:, 24:], (1, 2)).sum() > 1.1 * np.isin(lateral[:, 24:], (1, 2)).sum()


def test_seed_and_name_decide_everything(knees):
    image, labels, side = virtual_knee(NAMES[0], OPTIONS, seed=0)
    known = knees[NAMES[0]]
    assert np.array_equal(image.data, known[0].data) and np.array_equal(labels.data, known[1].data) and side == known[2]
    for other in (virtual_knee(NAMES[0], OPTIONS, seed=1), knees[NAMES[1]]):
        assert (other[1].data != labels.data).any()


def test_the_same_knee_is_drawn_at_every_resolution(knees):
    _, fine, _ = virtual_knee(NAMES[0], replace(OPTIONS, matrix=128, slices=80), seed=0)
    coarse, fine = (np.array([(k.data == label).mean() for label in (1, 3)]) for k in (knees[NAMES[0]][1], fine))
    assert np.allclose(coarse, fine, rtol=0.02)


def test_writing_twice_gives_the_same_files_and_clears_what_a_killed_writer_left(tmp_path):
    def write():
        write_virtual_knee("9001104", OPTIONS, 0, tmp_path / "dicom", tmp_path / "9001104.segmentation_masks.mhd")
        return {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    first = write()
    (tmp_path / ".partial-dicom").mkdir()
    (tmp_path / ".partial-dicom" / "half").write_bytes(b"half a slice")
    (tmp_path / "dicom" / "stale").write_bytes(b"of an older version")
    assert write() == first
    assert not list(tmp_path.glob(".partial-*"))


def test_slices_are_named_in_no_order_and_tell_subject_side_and_plane(tmp_path):
    write_virtual_knee("9001104", OPTIONS, 0, tmp_path / "dicom", tmp_path / "m.mhd")
    slices = [pydicom.dcmread(path) for path in sorted((tmp_path / "dicom").iterdir())]
    dess = [item for item in slices if "DESS" in item.SeriesDescription]
    side = virtual_knee("9001104", OPTIONS, 0)[2]
    assert (len(dess), len(slices)) == (40, 43)
    assert {item.SeriesDescription for item in dess} == {f"SAG_3D_DESS_{side.upper()}"}
    assert {(item.PatientID, item.Modality, item.BitsAllocated) for item in slices} == {("9001104", "MR", 16)}
    assert all(np.allclose(item.ImageOrientationPatient, [0, 1, 0, 0, 0, -1]) for item in slices)
    assert len({item.SOPInstanceUID for item in slices}) == 43
    positions = [float(item.ImagePositionPatient[0]) for item in dess]
    assert abs(np.corrcoef(positions, range(40))[0, 1]) < 0.5
    assert not any(path.suffix for path in (tmp_path / "dicom").iterdir())
