"""What a transform does to an image, and to volumes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from spnet.data.nifti import Volume
from spnet.fields import jacobian_determinant
from spnet.transforms.sampling import Interpolation, sample
from spnet.transforms.transform import Grid, Transform, on_grid

_SLAB = 16  # planes at a time: a determinant takes some twenty volumes of memory


def warp_volume(moving: Volume, transform: Transform, grid: Grid, interpolation: Interpolation = "linear") -> Volume:
    """The moving volume as the transform lays it on `grid`, zero where nothing of it comes to lie.

    Parameters
    ----------
    interpolation: ``nearest`` for labels, which keeps the type of the data; ``linear`` gives float32.
    """
    kind = moving.data.dtype if interpolation == "nearest" else np.float32
    warped = np.empty(grid.shape, dtype=kind)
    for planes, voxels in grid.blocks():
        points = transform.through(grid.affine, voxels, np.linalg.inv(moving.affine))
        warped[planes] = sample(moving.data, points, interpolation)
    return Volume(warped, grid.affine)


def jacobian_map(transform: Transform, grid: Grid) -> Volume:
    """The determinant of the transform's Jacobian at every voxel of `grid`, by central differences, float32.

    It tells by how much the moving image's tissue is larger (above 1) or smaller than the fixed image's, the affine
    part included. A mirroring affine part (a right knee onto a left one) is taken out, so that below zero means folded.
    """
    dense = on_grid(transform, grid)
    determinant = _central_determinant(dense.displacement)
    mirroring = np.sign(np.linalg.det(transform.before) * np.linalg.det(transform.after))
    return Volume((mirroring * determinant).astype(np.float32), grid.affine)


def _central_determinant(displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """[3, D, H, W] in voxels -> [D, H, W], in slabs, each the same as of the whole volume."""
    planes = displacement.shape[1]
    result = np.empty(displacement.shape[1:], dtype=np.float32)
    for start in range(0, planes, _SLAB):
        stop = min(start + _SLAB, planes)
        low, high = max(start - 1, 0), min(stop + 1, planes)
        slab = torch.from_numpy(np.ascontiguousarray(displacement[:, low:high]))[None]
        result[start:stop] = jacobian_determinant(slab, "central")[0, start - low : stop - low].numpy()
    return result
