"""Learn2Reg's ``disp_FIXED_MOVING.npz``: one array [3, D, H, W], from voxels of the fixed image to the moving image's.

The challenge's program computes ``warped[x] = moving[x + u(x)]`` on the bare arrays and knows no affines. Its archives
of 2021 hold ``scipy.ndimage.zoom(u, 0.5)`` in half precision, still in voxels of the full grid; later ones the full
grid.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from spnet.errors import DataError
from spnet.files import atomic_path
from spnet.transforms.transform import Grid, Transform

KEY = "arr_0"


def write_learn2reg(transform: Transform, path: str | Path, fixed: Grid, moving: Grid, *, half: bool = False) -> None:
    """Write a transform as Learn2Reg's program reads it; `half` as in 2021, else float32 on the full grid.

    Raises
    ------
    DataError: `half` with a grid that has an odd size, which that program cannot read.
    """
    displacement = np.empty((3, *fixed.shape), dtype=np.float32)
    for planes, voxels in fixed.blocks():
        displacement[:, planes] = transform.through(fixed.affine, voxels, np.linalg.inv(moving.affine)) - voxels
    if half:
        if any(size % 2 for size in fixed.shape):
            raise DataError(
                f"a grid of {fixed.shape} voxels cannot be halved", remedy="Leave --half away: newer readers need none"
            )
        displacement = np.stack([zoom(channel, 0.5, order=1) for channel in displacement]).astype(np.float16)
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, displacement)


def from_learn2reg(array: NDArray, fixed: Grid, moving: Grid) -> Transform:
    """The transform of such an array; exact, since both affines are kept beside it.

    Raises
    ------
    ValueError: its shape is neither that of the fixed image nor half of it.
    """
    displacement = np.asarray(array, dtype=np.float32)
    if displacement.shape == (3, *(size // 2 for size in fixed.shape)):
        displacement = np.stack([zoom(channel, 2, order=2) for channel in displacement])
    if displacement.shape != (3, *fixed.shape):
        raise ValueError(f"its array has shape {array.shape}, where the fixed image has {fixed.shape}")
    after = moving.affine @ np.linalg.inv(fixed.affine)
    return Transform(displacement, fixed.affine, after=after, fixed=fixed, moving=moving)
