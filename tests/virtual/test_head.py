"""Virtual heads with FreeSurfer labels, coarse: what makes them heads, and what makes them another cohort."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest

from spnet.data.nifti import read_image, read_labels
from spnet.virtual.brain import VirtualOptions, virtual_subject
from spnet.virtual.head import HeadOptions, virtual_head, write_virtual_head

LEFT = (2, 3, 4, 7, 8, 10, 11, 12, 13, 17, 18, 28)
RIGHT = (41, 42, 43, 46, 47, 49, 50, 51, 52, 53, 54, 60)
SINGLE = (14, 15, 16, 24)
NOT_SCORED = {5, 44, 26, 58, 30, 62, 85}
COARSE = HeadOptions(spacing=2.5)
# Nothing differs between the subjects of such a cohort but noise.
ALIKE = HeadOptions(spacing=3.0, deformation=0, contrast=0, bias=0, rotation=0, scaling=0, shift=0, layers=0)


@pytest.fixture(scope="module")
def head():
    return virtual_head("someone", COARSE, 0)


def world(volume, mask):
    return np.argwhere(mask) @ volume.affine[:3, :3].T + volume.affine[:3, 3]


@pytest.mark.parametrize("name", ["a", "b"])
def test_all_28_structures_are_there_and_few_others(name):
    _, labels = virtual_head(name, COARSE, 0)
    counts = dict(zip(*np.unique(labels.data, return_counts=True), strict=True))
    assert all(counts.get(label, 0) >= 15 for label in (*LEFT, *RIGHT, *SINGLE))
    assert set(counts) <= {0, *LEFT, *RIGHT, *SINGLE, *NOT_SCORED}
    for left, right in zip(LEFT, RIGHT, strict=True):
        assert 0.3 < counts[left] / counts[right] < 3


def test_left_stays_left():
    _, labels = virtual_head("someone", dataclasses.replace(COARSE, rotation=0, shift=0), 0)
    for left, right in zip(LEFT, RIGHT, strict=True):
        sides = [world(labels, labels.data == label)[:, 0].mean() for label in (left, right)]
        assert sides[0] < sides[1] - 8


def test_heads_are_stored_in_another_order_than_the_brains(head):
    image, labels = head
    assert nib.aff2axcodes(image.affine) == ("L", "A", "S")
    assert np.array_equal(image.affine, labels.affine)
    assert image.data.shape == labels.data.shape
    direction = image.affine[:3, :3] / image.spacing
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-6)
    assert np.allclose(image.spacing, COARSE.spacing, rtol=COARSE.scaling)


def test_air_is_dark_but_not_zero(head):
    corner = head[0].data[:6, -6:, -6:]
    assert (corner > 0).mean() > 0.99
    assert 0 < corner.mean() < 0.1 * np.percentile(head[0].data, 99)


def test_scalp_outside_the_brain_is_at_least_as_bright_as_white_matter(head):
    image, labels = head
    white = np.median(image.data[np.isin(labels.data, (2, 41))])
    top = world(labels, labels.data > 0)[:, 2].max()
    above = world(image, (image.data > white) & (labels.data == 0))
    assert (above[:, 2] > top + 4).sum() > 50


def test_between_brain_and_scalp_lies_a_dark_layer():
    """Along a ray from the brain's top upwards: fluid and bone, then scalp, then air."""
    image, labels = virtual_head("someone", ALIKE, 0)
    column = np.round(np.argwhere(labels.data > 0).mean(0)).astype(int)[:2]
    brain = np.flatnonzero(labels.data[tuple(column)])
    ray = image.data[tuple(column)][brain.max() + 1 :]
    scalp = int(ray.argmax())
    white = np.median(image.data[np.isin(labels.data, (2, 41))])
    assert ray[scalp] > 0.8 * white
    assert ray[:scalp].min() < 0.4 * white
    assert ray[scalp + 4 :].max() < 0.2 * white


def test_name_and_seed_decide_a_head():
    first, again, other_name, other_seed = (
        virtual_head(name, ALIKE, seed) for name, seed in (("a", 0), ("a", 0), ("b", 0), ("a", 1))
    )
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.data, two.data)
        assert np.array_equal(one.affine, two.affine)
    assert not np.array_equal(first[0].data, other_name[0].data)
    assert not np.array_equal(first[1].data, other_seed[1].data)


def test_the_mean_shape_is_the_cohorts_own_and_every_subject_has_it():
    shaped, other = (virtual_head(name, ALIKE, 0)[1].data for name in ("a", "b"))
    adult = virtual_head("a", dataclasses.replace(ALIKE, shape=0), 0)[1].data
    assert np.array_equal(shaped, other)
    cortex, adult_cortex = (np.isin(labels, (3, 42)) for labels in (shaped, adult))
    assert 0.3 < 2 * (cortex & adult_cortex).sum() / (cortex.sum() + adult_cortex.sum()) < 0.9


def test_brains_of_children_are_smaller_by_the_size():
    volumes = []
    for size in (0.92, 1.0):
        _, labels = virtual_head("a", dataclasses.replace(ALIKE, size=size, shape=0), 0)
        volumes.append((labels.data > 0).sum() * abs(np.linalg.det(labels.affine)))
    assert volumes[0] / volumes[1] == pytest.approx(0.92**3, rel=0.02)


def test_grey_matter_is_darker_against_white_than_in_the_adult_cohort():
    image, labels = virtual_head("a", ALIKE, 0)
    cortex = image.data[np.isin(labels.data, (3, 42))].mean()
    children = cortex / np.percentile(image.data[labels.data > 0], 95)
    adults = VirtualOptions(spacing=3.0, deformation=0, contrast=0, bias=0)
    image, labels = virtual_subject("a", adults, 0)
    assert children < image.data[labels.data > 0].mean() / np.percentile(image.data[image.data > 0], 95) - 0.04


def test_files_hold_whole_numbers_of_the_scan_and_its_labels(tmp_path):
    write_virtual_head("a", ALIKE, 0, tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz")
    image, labels = virtual_head("a", ALIKE, 0)
    stored = read_image(tmp_path / "image.nii.gz")
    assert np.array_equal(stored.data, image.data.astype(np.int16))
    assert np.array_equal(read_labels(tmp_path / "labels.nii.gz", stored).data, labels.data)
    header = nib.load(tmp_path / "image.nii.gz").header
    assert (header["qform_code"], header["sform_code"]) == (1, 1)
    assert header.get_data_dtype() == np.int16
