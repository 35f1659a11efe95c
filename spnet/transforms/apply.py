"""What a transform does to an image."""

from __future__ import annotations

import numpy as np

from spnet.data.nifti import Volume
from spnet.transforms.sampling import Interpolation, sample
from spnet.transforms.transform import Grid, Transform


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
