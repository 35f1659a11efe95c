"""Displacement fields from files of other programs, in this project's convention."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from nibabel import Nifti1Pair
from numpy.typing import NDArray
from torch import Tensor

from spnet.data.nifti import AFFINE_TOLERANCE_MM, Volume, load_array
from spnet.errors import DataError, first_line

# From ITK's world (left, posterior, superior) to NIfTI's (right, anterior, superior).
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def read_displacement(path: str | Path, grid: Volume) -> Tensor:
    """A displacement field [1, 3, D, H, W] in voxels of `grid`, which it must cover voxel by voxel.

    What the numbers mean is told by the file's shape: NIfTI [D, H, W, 1, 3] is ITK's (ANTs, SimpleITK, Slicer), in mm
    towards left, posterior and superior; NIfTI [D, H, W, 3] and npz, axis of the components first or last, is
    Learn2Reg's, in voxels along the array's own axes.

    Raises
    ------
    DataError: unreadable, no displacement field, on another grid, or with values that are not finite.
    """
    path = Path(path)
    if path.suffix == ".npz":
        field = _components_first(_read_npz(path), path)
        _check_shape(field, grid, path)
    else:
        image, data = load_array(path)
        itk = data.ndim == 5 and data.shape[3:] == (1, 3)
        field = np.moveaxis(data[:, :, :, 0], -1, 0) if itk else _components_first(data, path)
        _check_shape(field, grid, path)
        if isinstance(image, Nifti1Pair) and np.abs(image.affine - grid.affine).max() > AFFINE_TOLERANCE_MM:
            raise _other_grid("has another position or orientation (affine)", path)
        if itk:
            mm = field * _LPS_TO_RAS[:, None, None, None]
            field = np.tensordot(np.linalg.inv(grid.affine[:3, :3]), mm, axes=1)
    if not np.isfinite(field).all():
        raise DataError("the displacement field has values that are not finite", path=path, remedy="Register again")
    return torch.from_numpy(np.ascontiguousarray(field, dtype=np.float32))[None]


def _read_npz(path: Path) -> NDArray:
    if not path.exists():
        raise DataError("there is no such file", path=path, remedy="Check the path")
    try:
        with np.load(path) as arrays:
            names = arrays.files
            if len(names) == 1:
                return arrays[names[0]]
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"the file is truncated or damaged ({first_line(error)})", path=path, remedy="Copy or make it again"
        ) from error
    raise DataError(f"one array is expected, there are {len(names)}", path=path, remedy="Save the field alone")


def _components_first(data: NDArray, path: Path) -> NDArray:
    """[3, D, H, W], of an array with the components first or last."""
    if data.ndim == 4 and data.shape[-1] == 3:
        return np.moveaxis(data, -1, 0)
    if data.ndim == 4 and data.shape[0] == 3:
        return data
    raise DataError(
        f"this is no displacement field: its array has shape {data.shape}",
        path=path,
        remedy="Give NIfTI of D x H x W x 1 x 3 (mm, as ITK) or D x H x W x 3 (voxels, as Learn2Reg), or such an npz",
    )


def _check_shape(field: NDArray, grid: Volume, path: Path) -> None:
    if field.shape[1:] != grid.data.shape:
        raise _other_grid(f"has shape {field.shape[1:]} where the labels have {grid.data.shape}", path)


def _other_grid(difference: str, path: Path) -> DataError:
    return DataError(
        f"the displacement field lies on another grid than the fixed labels: it {difference}",
        path=path,
        remedy="Give the field on the grid of the fixed image",
    )
