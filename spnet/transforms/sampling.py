"""Sampling arrays at points between voxels, as ITK does it: half a voxel beyond the outermost centres still counts."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

Interpolation = Literal["linear", "nearest"]


def sample(data: NDArray, points: NDArray[np.float64], interpolation: Interpolation = "linear") -> NDArray:
    """Values of a volume at points; zero outside.

    Parameters
    ----------
    data: [D, H, W].
    points: [3, ...] in voxels of `data`.

    Returns
    -------
    [...], float64 for ``linear``, of the type of `data` for ``nearest``.
    """
    last = np.array(data.shape).reshape(3, *[1] * (points.ndim - 1)) - 1
    inside = ((points >= -0.5) & (points < last + 0.5)).all(axis=0)
    if interpolation == "nearest":
        # A half is rounded up, which numpy's own rounding does not do.
        nearest = np.clip(np.floor(points + 0.5), 0, last).astype(np.intp)
        return np.where(inside, data[tuple(nearest)], data.dtype.type(0))
    values = map_coordinates(data, np.clip(points, 0, last), output=np.float64, order=1, mode="nearest")
    return np.where(inside, values, 0.0)
