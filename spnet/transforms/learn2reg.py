"""Learn2Reg's ``disp_FIXED_MOVING``: from voxels of the fixed array to voxels of the moving one, as npz or NIfTI.

The challenge's program computes ``warped[x] = moving[x + u(x)]`` on the bare arrays and knows no affines, so the grids
of both images must be given. An npz holds one array [3, D, H, W]; those of 2021 hold ``scipy.ndimage.zoom(u, 0.5)`` in
half precision, still in voxels of the full grid. A NIfTI file holds [D, H, W, 3]. Both are read with the components
first or last.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from spnet.errors import DataError
from spnet.files import atomic_path
from spnet.transforms.transform import Grid, Transform


def write_npz(transform: Transform, path: str | Path, *, half: bool = False) -> None:
    """Write a transform that knows both grids as an npz; `half` as in 2021, else float32 on the full grid.

    Raises
    ------
    DataError: `half` with a grid that has an odd size, which that program cannot read.
    """
    displacement = _between_arrays(transform)
    if half:
        shape = displacement.shape[1:]
        if any(size % 2 for size in shape):
            raise DataError(
                f"a grid of {shape} voxels cannot be halved", remedy="Leave --half away: newer readers need none"
            )
        displacement = np.stack([zoom(channel, 0.5, order=1) for channel in displacement]).astype(np.float16)
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, displacement)


def write_nifti(transform: Transform, path: str | Path) -> None:
    """Write a transform that knows both grids as a NIfTI file [D, H, W, 3] with the fixed image's position."""
    image = nib.Nifti1Image(np.moveaxis(_between_arrays(transform), 0, -1), transform.fixed.affine)
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _between_arrays(transform: Transform) -> NDArray[np.float32]:
    fixed, moving = transform.fixed, transform.moving
    displacement = np.empty((3, *fixed.shape), dtype=np.float32)
    for planes, voxels in fixed.blocks():
        displacement[:, planes] = transform.through(fixed.affine, voxels, np.linalg.inv(moving.affine)) - voxels
    return displacement


def from_learn2reg(array: NDArray, fixed: Grid, moving: Grid) -> Transform:
    """The transform of such an array; exact, since both affines are kept beside it.

    Raises
    ------
    ValueError: its shape is neither that of the fixed image nor half of it.
    """
    displacement = np.asarray(array, dtype=np.float32)
    half = tuple(size // 2 for size in fixed.shape)
    if displacement.shape in ((*fixed.shape, 3), (*half, 3)):
        displacement = np.moveaxis(displacement, -1, 0)
    if displacement.shape == (3, *half):
        displacement = np.stack([zoom(channel, 2, order=2) for channel in displacement])
    if displacement.shape != (3, *fixed.shape):
        raise ValueError(f"its array has shape {array.shape}, where the fixed image has {fixed.shape}")
    after = moving.affine @ np.linalg.inv(fixed.affine)
    return Transform(np.ascontiguousarray(displacement), fixed.affine, after=after, fixed=fixed, moving=moving)
