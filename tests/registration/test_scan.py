"""A person's files: what is wrong with them is told, by name."""

import nibabel as nib
import numpy as np
import pytest

from spnet.data.options import PreprocessOptions
from spnet.errors import DataError
from spnet.registration import scan
from spnet.registration.scan import PreparedScan, ScanFiles, prepare_scan, read_native

GRID = PreprocessOptions("mni152", 5.0, (32, 40, 32))


def ball(shape=(12, 14, 10)):
    centre = np.indices(shape) - np.reshape([(size - 1) / 2 for size in shape], (3, 1, 1, 1))
    return (100.0 * ((centre**2).sum(axis=0) < 16)).astype(np.float32)


def refused(path, what, **others):
    with pytest.raises(DataError, match=what) as caught:
        read_native(ScanFiles(path, **others))
    assert caught.value.path is not None
    assert caught.value.remedy


def test_a_flat_image_and_a_series_are_told(write_image):
    refused(write_image("flat.nii.gz", ball()[:, :, 0]), "a 3-D volume is needed")
    refused(write_image("series.nii.gz", np.stack([ball()] * 3, axis=-1)), "a 3-D volume is needed")


def test_a_missing_file_and_a_folder_without_dicom_are_told(tmp_path):
    refused(tmp_path / "none.nii.gz", "no such file")
    refused(tmp_path, "no DICOM image in this folder")


def test_a_file_that_is_no_image_is_told(tmp_path):
    (tmp_path / "text.nii.gz").write_text("not an image")
    refused(tmp_path / "text.nii.gz", "not a NIfTI file|truncated")


def test_intensities_of_another_modality_are_told(write_image):
    refused(write_image("ct.nii.gz", ball() - 1000), "below zero .*CT")


def test_a_header_without_a_position_is_told(tmp_path):
    image = nib.Nifti1Image(ball(), None)
    image.header["pixdim"][1:4] = 1
    nib.save(image, tmp_path / "nowhere.nii.gz")
    refused(tmp_path / "nowhere.nii.gz", "no position in space")
    assert nib.aff2axcodes(read_native(ScanFiles(tmp_path / "nowhere.nii.gz"), "RPS")[0].affine) == ("R", "P", "S")


def test_a_volume_too_large_for_the_memory_is_told_before_it_is_read(write_image, monkeypatch):
    path = write_image("large.nii.gz", ball())
    monkeypatch.setattr(scan, "available_bytes", lambda: 1000)
    refused(path, "12 x 14 x 10 voxels need about .* GB of memory")


def test_a_mask_hides_what_is_outside(write_image):
    image, mask = write_image("image.nii.gz", ball() + 1), write_image("mask.nii.gz", ball() > 0)
    data = read_native(ScanFiles(image, mask=mask))[0].data
    assert np.array_equal(data > 0, ball() > 0)


def test_labels_and_masks_on_another_grid_are_told(write_image):
    image = write_image("image.nii.gz", ball())
    other = write_image("other.nii.gz", ball()[1:])
    refused(image, "the label volume lies on another grid", labels=other)
    refused(image, "the mask lies on another grid", mask=other)


def test_labels_below_zero_are_told(write_image):
    image = write_image("image.nii.gz", ball())
    refused(image, "labels below zero", labels=write_image("labels.nii.gz", -ball(), dtype=np.int16))


def test_an_image_given_as_labels_is_told(write_image):
    image = write_image("image.nii.gz", ball())
    values = write_image("values.nii.gz", np.arange(ball().size).reshape(ball().shape), dtype=np.int16)
    refused(image, "looks like an image and not like labels", labels=values)


def test_a_mask_with_nothing_in_it_is_told(write_image):
    image = write_image("image.nii.gz", ball())
    refused(image, "zero everywhere within its mask", mask=write_image("mask.nii.gz", ball() == 0))


def test_a_scan_is_prepared_kept_and_read_again(pair, tmp_path):
    found = prepare_scan(pair.files.moving, GRID)
    assert found.image.data.shape == GRID.shape
    assert found.image.data.max() == 1
    assert not any("target" in flag for flag in found.flags)
    found.save(tmp_path / "scan.npz")
    again = PreparedScan.load(tmp_path / "scan.npz")
    assert np.array_equal(again.image.data, found.image.data)
    assert np.array_equal(again.to_native, found.to_native)
    assert again.flags == found.flags


@pytest.mark.parametrize("background", [0, 50], ids=["black", "with noise"])
def test_a_head_with_its_skull_on_is_told_before_it_is_registered_and_flagged(
    write_image, caplog, monkeypatch, background
):
    body = np.full((20, 20, 20), background, dtype=np.float32)
    body[1:18, 1:18, 1:18] = 100
    path = write_image("head.nii.gz", body, np.diag([9.0, 9, 9, 1]) - np.eye(4, k=3) * 90)
    options = PreprocessOptions("mni152", 5.0, (32, 40, 32), affine="aligned")
    assert "3582 ml" in prepare_scan(ScanFiles(path), options).flags[0] or background
    assert any("skull" in flag for flag in prepare_scan(ScanFiles(path), options).flags)
    caplog.clear()
    monkeypatch.setattr(scan, "preprocess", lambda *_: pytest.fail("told too late") if not caplog.text else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare_scan(ScanFiles(path), options)
    assert "--skull-strip template" in caplog.text
