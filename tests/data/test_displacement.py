"""Fields of other programs mean the same here as there."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch

from spnet.data.displacement import read_displacement
from spnet.data.nifti import Volume
from spnet.errors import DataError
from spnet.fields import warp

SHAPE = (14, 12, 10)
# Oblique, anisotropic, away from the origin.
AFFINE = np.array([[0.96, -0.42, 0.0, 12.0], [0.28, 1.44, 0.0, -30.0], [0.0, 0.0, 2.5, 7.0], [0.0, 0.0, 0.0, 1.0]])
GRID = Volume(np.zeros(SHAPE), AFFINE)


@pytest.fixture
def field(random):
    """A gentle field [3, D, H, W] in voxels."""
    coarse = torch.from_numpy(random.normal(0, 1.0, (1, 3, 4, 4, 4)))
    return torch.nn.functional.interpolate(coarse, SHAPE, mode="trilinear", align_corners=True)[0].numpy()


def write(path, data, affine=AFFINE):
    nib.save(nib.Nifti1Image(data.astype(np.float32), affine), path)
    return path


def as_itk(field):
    """[D, H, W, 1, 3] in mm, left, posterior, superior."""
    world = np.einsum("ij,jdhw->dhwi", AFFINE[:3, :3], field) * [-1, -1, 1]
    return world[:, :, :, None]


def test_learn2regs_files_are_voxels_along_the_axes_components_first_or_last(field, tmp_path):
    last = np.moveaxis(field, 0, -1)
    np.savez(tmp_path / "first.npz", field.astype(np.float32))
    np.savez_compressed(tmp_path / "last.npz", last.astype(np.float32))
    for path in (write(tmp_path / "f.nii.gz", last), tmp_path / "first.npz", tmp_path / "last.npz"):
        found = read_displacement(path, GRID)
        assert found.shape == (1, 3, *SHAPE)
        np.testing.assert_allclose(found[0].numpy(), field, atol=1e-6)


def test_an_itk_field_moves_an_image_as_simpleitk_does(field, tmp_path, random):
    path = tmp_path / "warp.nii.gz"
    image = nib.Nifti1Image(as_itk(field).astype(np.float32), AFFINE)
    image.header.set_intent("vector")
    nib.save(image, path)
    coarse = torch.from_numpy(random.normal(0, 1.0, (1, 1, 5, 5, 5)))
    moving = torch.nn.functional.interpolate(coarse, SHAPE, mode="trilinear", align_corners=True).float()
    write(tmp_path / "moving.nii.gz", moving[0, 0].numpy())

    scan = sitk.ReadImage(str(tmp_path / "moving.nii.gz"), sitk.sitkFloat64)
    transform = sitk.DisplacementFieldTransform(sitk.ReadImage(str(path), sitk.sitkVectorFloat64))
    theirs = sitk.GetArrayFromImage(sitk.Resample(scan, scan, transform, sitk.sitkLinear, 99.0)).transpose(2, 1, 0)
    ours = warp(moving, read_displacement(path, GRID), "exact")[0, 0].numpy()
    inside = theirs != 99
    assert inside.mean() > 0.7
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-4)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (np.zeros(SHAPE), r"this is no displacement field: its array has shape \(14, 12, 10\)"),
        (np.zeros((*SHAPE, 2)), "this is no displacement field"),
        (np.zeros((14, 12, 9, 3)), r"has shape \(14, 12, 9\) where the labels have \(14, 12, 10\)"),
        (np.full((*SHAPE, 3), np.nan), "values that are not finite"),
    ],
)
def test_what_is_no_field_of_the_grid_is_told(data, told, tmp_path):
    with pytest.raises(DataError, match=told):
        read_displacement(write(tmp_path / "f.nii.gz", data), GRID)


def test_a_field_that_lies_elsewhere_is_told(field, tmp_path):
    moved = AFFINE + np.diag([0.0, 0, 0, 0])
    moved[0, 3] += 1
    with pytest.raises(DataError, match="another grid than the fixed labels: it has another position"):
        read_displacement(write(tmp_path / "f.nii.gz", np.moveaxis(field, 0, -1), moved), GRID)


def test_broken_and_missing_archives_are_told(field, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_displacement(tmp_path / "none.npz", GRID)
    (tmp_path / "cut.npz").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match="truncated or damaged"):
        read_displacement(tmp_path / "cut.npz", GRID)
    np.savez(tmp_path / "two.npz", a=field, b=field)
    with pytest.raises(DataError, match="one array is expected, there are 2"):
        read_displacement(tmp_path / "two.npz", GRID)
