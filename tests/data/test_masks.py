from itertools import product

import numpy as np
import pytest
import SimpleITK as sitk

from spnet.data.dicom import read_series
from spnet.data.masks import MIN_FIT, MIN_MARGIN, Placement, find_placement, place_mask, read_mask
from spnet.data.nifti import Volume
from spnet.errors import DataError
from spnet.virtual.knee import KneeOptions, virtual_knee, write_virtual_knee

OPTIONS = KneeOptions(matrix=64, slices=32, cartilage=3.5)


@pytest.fixture(scope="module")
def knee():
    return virtual_knee("9001104", OPTIONS, seed=0)


@pytest.fixture
def write_mask(tmp_path):
    """Function that writes an array [x, y, z] as a MetaImage without pose and returns its header's path."""

    def write(data, name="9001104.segmentation_masks.mhd", dtype=np.uint8):
        sitk.WriteImage(sitk.GetImageFromArray(np.asarray(data, dtype).T, isVector=False), str(tmp_path / name))
        return tmp_path / name

    return write


def refused(function, message):
    with pytest.raises(DataError, match=message) as caught:
        function()
    assert caught.value.remedy
    return caught.value.path


def test_a_mask_is_read_in_the_index_order_of_itk(write_mask, random):
    labels = random.integers(0, 5, (5, 6, 7))
    mask = read_mask(write_mask(labels))
    assert np.array_equal(mask, labels) and mask.dtype == np.int32
    assert np.array_equal(read_mask(write_mask(labels, dtype=np.float32)), labels)
    assert np.array_equal(read_mask(write_mask(labels, "compressed.mha")), labels)


def test_a_fourth_axis_is_dropped_only_if_it_has_one_entry(write_mask, random):
    labels = random.integers(0, 5, (5, 6, 7, 1))
    assert np.array_equal(read_mask(write_mask(labels)), labels[..., 0])
    path = write_mask(np.repeat(labels, 2, axis=3))
    assert refused(lambda: read_mask(path), "3-D mask is needed") == path


def test_a_mask_that_is_not_there_is_named(tmp_path):
    assert refused(lambda: read_mask(tmp_path / "no.mhd"), "no such mask") == tmp_path / "no.mhd"


def test_a_header_without_its_raw_names_the_raw(write_mask):
    path = write_mask(np.ones((4, 4, 4)))
    raw = path.with_suffix(".raw")
    raw.unlink()
    assert refused(lambda: read_mask(path), r"9001104\.segmentation_masks\.raw, are not beside") == raw


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"0", lambda data: b""])
def test_a_raw_of_the_wrong_length_is_named_with_both_lengths(write_mask, change):
    path = write_mask(np.ones((4, 5, 6)))
    raw = path.with_suffix(".raw")
    raw.write_bytes(change(raw.read_bytes()))
    assert refused(lambda: read_mask(path), r"wrong length: \d+ bytes where 4 x 5 x 6 voxels take 120") == raw


@pytest.mark.parametrize("header", ["", "<html>please log in</html>", "ObjectType = Image\nNDims = 3\n"])
def test_a_header_that_is_none_is_named(write_mask, header):
    path = write_mask(np.ones((4, 4, 4)))
    path.write_text(header)
    assert refused(lambda: read_mask(path), "not a MetaImage header") == path


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_fractions_are_no_labels(write_mask, value):
    data = np.ones((4, 4, 4))
    data[1, 2, 3] = value
    path = write_mask(data, dtype=np.float32)
    assert refused(lambda: read_mask(path), "not whole numbers") == path


def test_a_placement_and_its_text_say_the_same(random):
    placement = Placement.parse("+2 -0 +1")
    assert (placement.axes, placement.flips, str(placement)) == ((2, 0, 1), (False, True, False), "+2 -0 +1")
    data = random.random((2, 3, 4))
    assert np.array_equal(placement.apply(data), data.transpose(2, 0, 1)[:, ::-1])
    for text in ("+0 +1", "+0 +1 +1", "0 1 2", "+0 +1 +3", ""):
        with pytest.raises(ValueError, match="three signed axes"):
            Placement.parse(text)


SIXTEEN = [(axes, flips) for axes in ((0, 1, 2), (1, 0, 2)) for flips in product((False, True), repeat=3)]


@pytest.mark.parametrize("stored", [(0, 1, 2), (2, 0, 1)], ids=["slices last", "slices first"])
def test_every_placement_that_the_shapes_allow_is_found(knee, stored):
    image, labels, _ = knee
    for axes, flips in SIXTEEN:
        truth = Placement(tuple(stored.index(axis) for axis in axes), flips)
        mask = np.zeros([labels.data.shape[axis] for axis in stored], np.int32)
        # What apply gives is a view, so that writing the labels through it makes the mask as it would be stored.
        truth.apply(mask)[...] = labels.data
        found = find_placement(mask, image.data)
        assert str(found) == str(truth)
        assert found.fit > 2 * MIN_FIT and found.margin > MIN_MARGIN


def test_a_written_knee_is_put_together_again(tmp_path, knee):
    write_virtual_knee("9001104", OPTIONS, 0, tmp_path / "dicom", tmp_path / "m.mhd")
    image = read_series(tmp_path / "dicom", "DESS").volume
    labels, placement = place_mask(tmp_path / "m.mhd", image)
    assert str(placement) == "+1 -2 +0"
    assert np.array_equal(labels.data, knee[1].data) and labels.data.dtype == np.int32
    assert np.array_equal(labels.affine, image.affine)
    again, stated = place_mask(tmp_path / "m.mhd", image, Placement.parse("+1 -2 +0"))
    assert np.array_equal(again.data, labels.data) and stated == placement


def test_a_mask_of_another_shape_may_be_of_another_subject(knee, write_mask):
    path = write_mask(knee[1].data[:, :, 1:])
    assert refused(lambda: place_mask(path, knee[0]), "in no order of its axes.*another subject") == path
    turned = write_mask(np.moveaxis(knee[1].data, 2, 0))
    assert refused(lambda: place_mask(turned, knee[0], Placement.parse("+0 +1 +2")), "another shape") == turned


def test_a_mask_of_another_subject_does_not_fit(knee, write_mask):
    other = write_mask(virtual_knee("9002430", OPTIONS, seed=0)[1].data)
    assert refused(lambda: place_mask(other, knee[0]), "does not fit|not clear") == other


def test_a_stated_placement_is_taken_at_its_word_and_its_fit_tells(knee, write_mask):
    own = write_mask(knee[1].data)
    for text in ("+0 +1 -2", "+0 -1 +2", "+1 +0 +2"):
        placed, placement = place_mask(own, knee[0], Placement.parse(text))
        assert str(placement) == text
        assert placement.fit < MIN_FIT
        assert placed.data.shape == knee[0].data.shape


def test_a_mask_that_fits_both_ways_is_not_guessed(write_mask, knee):
    half = knee[1].data[:, :, :16]
    symmetric = np.concatenate([half, half[:, :, ::-1]], axis=2)
    image = Volume(np.choose(symmetric, [0, 100, 900, 100, 900]).astype(np.float32), knee[0].affine)
    path = write_mask(symmetric)
    assert refused(lambda: place_mask(path, image), "not clear how the mask lies") == path
    place_mask(path, image, Placement.parse("+0 +1 +2"))


def test_an_empty_mask_is_refused(write_mask, knee):
    path = write_mask(np.zeros(knee[0].data.shape))
    assert refused(lambda: place_mask(path, knee[0]), "empty") == path
