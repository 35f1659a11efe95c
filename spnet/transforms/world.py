"""Between the two worlds: the only place that knows how ITK's coordinates differ from NIfTI's.

NIfTI's world points right, anterior, superior (RAS), and so does everything in this package. ITK's and DICOM's points
left, posterior, superior (LPS). Both are in mm, and each function that flips is its own inverse.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


class Geometry(NamedTuple):
    """An image's position as ITK says it, in LPS: spacing [3], origin [3], direction [3, 3]."""

    spacing: NDArray[np.float64]
    origin: NDArray[np.float64]
    direction: NDArray[np.float64]


def flip_grid(affine: NDArray) -> NDArray[np.float64]:
    """A 4x4 matrix from voxels to one world as one to the other world."""
    return _FLIP @ affine


def flip_map(matrix: NDArray) -> NDArray[np.float64]:
    """A 4x4 matrix from a world to itself, as the same map of the other world."""
    return _FLIP @ matrix @ _FLIP


def flip_points(points: ArrayLike) -> NDArray[np.float64]:
    """Points or vectors [..., 3] of one world as those of the other."""
    return np.asarray(points, dtype=np.float64) * np.diag(_FLIP)[:3]


def itk_geometry(affine: NDArray) -> Geometry:
    """ITK's position of a grid, whose 4x4 matrix (RAS) has orthogonal axes."""
    flipped, spacing = flip_grid(affine), np.linalg.norm(affine[:3, :3], axis=0)
    return Geometry(spacing, flipped[:3, 3], flipped[:3, :3] / spacing)


def grid_matrix(spacing: ArrayLike, origin: ArrayLike, direction: ArrayLike) -> NDArray[np.float64]:
    """The 4x4 matrix (RAS) of a grid whose position ITK says so; the direction is 3x3, or its nine numbers by rows."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(direction, (3, 3)) * spacing
    affine[:3, 3] = origin
    return flip_grid(affine)
