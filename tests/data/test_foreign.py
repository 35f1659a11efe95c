"""Files that are not what their names say are told as what they are."""

import gzip
import os

import numpy as np
import pytest
import SimpleITK as sitk

from spnet.data.nifti import read_image
from spnet.errors import DataError


def refused(path, message):
    with pytest.raises(DataError, match=message) as caught:
        read_image(path)
    assert caught.value.path == path
    return caught.value.remedy


def test_compression_that_the_name_denies_is_told(write_image, random):
    packed, plain = write_image("a.nii.gz", random.random((4, 5, 6))), write_image("b.nii", random.random((4, 5, 6)))
    packed = packed.rename(packed.with_name("a.nii"))
    plain = plain.rename(plain.with_name("b.nii.gz"))
    assert refused(packed, "compressed by gzip, though") == "Rename it to .nii.gz"
    assert refused(plain, "not compressed, though") == "Rename it to .nii"
    assert gzip.decompress(packed.read_bytes())[344:347] == b"n+1"


@pytest.mark.parametrize(
    ("name", "told"),
    [("a.nrrd", "an NRRD file"), ("a.mha", "a MetaImage file"), ("a.dcm", "a single DICOM file")],
)
def test_other_formats_are_told_by_name(tmp_path, name, told):
    """ITK writes them."""
    path = tmp_path / name
    data = np.ones((5, 6), np.int16) if name.endswith("dcm") else np.ones((4, 5, 6), np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(data), str(path))
    refused(path, f"this is {told}")
    hidden = path.rename(path.with_name("hidden.nii"))
    refused(hidden, f"this is {told}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(write_image):
    path = write_image("mine.nii.gz", np.ones((4, 5, 6)))
    path.chmod(0)
    refused(path, "no permission to read this file")
