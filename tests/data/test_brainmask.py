"""Brain masks: exact radii on hand-made volumes, and virtual heads whose brain is known."""

import numpy as np
import pytest

from spnet.data.brainmask import mask_from_labels, mask_from_template
from spnet.data.nifti import Volume
from spnet.data.templates import read_template
from spnet.virtual.head import HeadOptions, virtual_head

SPACING = np.array([0.9, 1.5, 3.0])
HEAD = HeadOptions(spacing=3.0)


def anisotropic(shape):
    return Volume(np.zeros(shape, dtype=np.int32), np.diag([*SPACING, 1]))


def dice(one, two):
    return 2 * (one & two).sum() / (one.sum() + two.sum())


@pytest.fixture(scope="module")
def head():
    return virtual_head("someone", HEAD, 0)


@pytest.fixture(scope="module")
def from_template(head):
    return mask_from_template(head[0], read_template("mni152"), 0.0)


@pytest.mark.parametrize("radius", [0.0, 2.0, 4.5, 9.0])
def test_a_point_grows_into_a_ball_of_that_many_millimetres(radius):
    labels = anisotropic((31, 21, 11))
    labels.data[15, 10, 5] = 17
    offsets = (np.stack(np.indices(labels.data.shape), -1) - (15, 10, 5)) * SPACING
    assert np.array_equal(mask_from_labels(labels, 0, radius), np.linalg.norm(offsets, axis=-1) <= radius + 1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_closing_fills_a_gap_narrower_than_its_diameter_and_no_wider_one(axis):
    labels = anisotropic((40, 30, 24))
    labels.data[...] = 3
    gap = [slice(None)] * 3
    gap[axis] = slice(8, 12)
    labels.data[tuple(gap)] = 0
    # From the last labelled voxel to the first one beyond four empty ones.
    width = 5 * SPACING[axis]
    across = tuple(slice(None) if k == axis else labels.data.shape[k] // 2 for k in range(3))
    assert mask_from_labels(labels, 0.51 * width, 0)[across].all()
    assert np.array_equal(mask_from_labels(labels, 0.35 * width, 0), labels.data > 0)


@pytest.mark.parametrize("closing", [0.0, 3.0, 20.0])
def test_closing_keeps_a_box_as_it_is_even_at_the_border(closing):
    labels = anisotropic((20, 16, 12))
    labels.data[:8, 4:12, 5:] = 2
    assert np.array_equal(mask_from_labels(labels, closing, 0), labels.data > 0)


def test_holes_are_filled_whatever_their_width():
    labels = anisotropic((30, 30, 20))
    labels.data[3:27, 3:27, 3:17] = 41
    hollow = Volume(labels.data.copy(), labels.affine)
    hollow.data[8:22, 8:22, 6:14] = 0
    assert np.array_equal(mask_from_labels(hollow, 0, 0), labels.data > 0)


def test_no_labels_give_an_empty_mask():
    assert not mask_from_labels(anisotropic((5, 6, 7)), 5, 5).any()


def test_the_mask_holds_every_label_and_no_scalp(head):
    image, labels = head
    mask = mask_from_labels(labels, 5.0, 3.0)
    assert mask[labels.data > 0].all()
    white = np.median(image.data[np.isin(labels.data, (2, 41))])
    bright = image.data > white
    assert (bright & ~mask).sum() > 1000
    assert (bright & mask & (labels.data == 0)).sum() < 0.02 * mask.sum()


def test_the_template_option_finds_the_brain_in_a_head(head, from_template):
    brain = mask_from_labels(head[1], 6.0, 0.0)
    assert from_template.shape == brain.shape
    assert dice(from_template, brain) > 0.92
    # What a person would see if the registration took the scalp for the brain's border.
    assert dice(head[0].data > 0.25 * head[0].data.max(), brain) < 0.8


def test_the_template_option_is_deterministic(head, from_template):
    assert np.array_equal(mask_from_template(head[0], read_template("mni152"), 0.0), from_template)


def test_the_template_option_finds_a_small_head_far_from_where_the_template_lies():
    options = HeadOptions(spacing=3.0, size=0.82, rotation=12, shift=60)
    image, labels = virtual_head("far", options, 1)
    mask = mask_from_template(image, read_template("mni152"), 4.0)
    assert dice(mask, mask_from_labels(labels, 6.0, 4.0)) > 0.92
    assert mask[labels.data > 0].mean() > 0.99
