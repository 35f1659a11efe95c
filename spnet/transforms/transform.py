"""A deformation between two affine maps, which is what a registration on a common grid amounts to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spnet.data.nifti import Volume
from spnet.transforms.sampling import sample

# Points worked on at a time: a field of a whole scan in float64 would take gigabytes.
_POINTS = 2**20
_MOST_STEPS = 500
_CLOSE_ENOUGH, _FAR = 1e-4, 1e6  # voxels


@dataclass(frozen=True)
class Grid:
    """Where an image's voxels lie: its shape, and its 4x4 voxel-to-world matrix (RAS, mm)."""

    shape: tuple[int, int, int]
    affine: NDArray

    @classmethod
    def of(cls, volume: Volume) -> Grid:
        """The grid of a volume."""
        return cls(tuple(volume.data.shape), volume.affine)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Planes of the first axis, some at a time, with the voxel coordinates [3, n, H, W] in them."""
        planes = max(_POINTS // (self.shape[1] * self.shape[2]), 1)
        for start in range(0, self.shape[0], planes):
            stop = min(start + planes, self.shape[0])
            voxels = np.indices((stop - start, *self.shape[1:]), dtype=np.float64)
            voxels[0] += start
            yield slice(start, stop), voxels


@dataclass(frozen=True)
class Transform:
    """phi = after o (id + u) o before, from the fixed image's world to the moving image's (RAS, mm).

    Attributes
    ----------
    displacement: u, float32 [3, D, H, W] in voxels of its own grid, channel k along array axis k (the convention of
        :mod:`spnet.fields`); linear between voxels, zero beyond them.
    affine: of the grid of u, 4x4.
    before, after: 4x4, from the fixed image's world to that of u, and from there to the moving image's.
    fixed, moving: grids of the images that the transform was made for, where that is known.
    """

    displacement: NDArray[np.float32]
    affine: NDArray
    before: NDArray = field(default_factory=lambda: np.eye(4))
    after: NDArray = field(default_factory=lambda: np.eye(4))
    fixed: Grid | None = None
    moving: Grid | None = None

    @property
    def grid(self) -> Grid:
        """The grid of u."""
        return Grid(tuple(self.displacement.shape[1:]), self.affine)

    def map_points(self, points: NDArray) -> NDArray[np.float64]:
        """Points of the fixed image's world, [N, 3] in mm, in the moving image's."""
        mapped = self.through(np.eye(4), np.asarray(points, dtype=np.float64).T.reshape(3, -1, 1, 1), np.eye(4))
        return mapped.reshape(3, -1).T

    def map_points_back(self, points: NDArray) -> NDArray[np.float64]:
        """Points of the moving image's world, [N, 3] in mm, in the fixed image's: found by iteration, to 1e-4 voxel.

        Raises
        ------
        ValueError: a point is not reached, since the transform is folded there or the field ends.
        """
        inner = transformed(np.linalg.inv(self.after @ self.affine), np.asarray(points, dtype=np.float64).T)
        # What the field has of an affine part is undone at once; of the rest each step takes a share away.
        linear = np.linalg.inv(np.eye(3) + linear_part(self.displacement))
        middle = ((np.array(self.displacement.shape[1:]) - 1) / 2).reshape(3, 1)
        found = middle + linear @ (inner - middle - self.displacement.mean(axis=(1, 2, 3)).reshape(3, 1))
        for _ in range(_MOST_STEPS):
            reached = found + np.stack([sample(channel, found) for channel in self.displacement])
            missed = inner - reached
            if np.abs(missed).max(initial=0) < _CLOSE_ENOUGH:
                return transformed(np.linalg.inv(self.before) @ self.affine, found).T
            found = np.clip(found + linear @ missed, -_FAR, _FAR)
        worst = int(np.abs(missed).max(axis=0).argmax())
        raise ValueError(f"no point of the fixed image leads to point {worst + 1}")

    def through(self, start: NDArray, points: NDArray[np.float64], end: NDArray) -> NDArray[np.float64]:
        """Points [3, n, H, W], taken to the fixed world by `start` (4x4), mapped, and taken on by `end`."""
        inner = transformed(np.linalg.inv(self.affine) @ self.before @ start, points)
        moved = inner + np.stack([sample(channel, inner) for channel in self.displacement])
        return transformed(end @ self.after @ self.affine, moved)


def transformed(matrix: NDArray, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points [3, ...] taken by a 4x4 matrix."""
    return np.tensordot(matrix[:3, :3], points, 1) + matrix[:3, 3].reshape(3, *[1] * (points.ndim - 1))


def in_voxels(vectors: NDArray, affine: NDArray) -> NDArray[np.float32]:
    """Vectors [3, D, H, W] in mm of a world, in voxels of the grid that the 4x4 `affine` takes to that world."""
    return np.tensordot(np.linalg.inv(affine[:3, :3]), vectors, 1).astype(np.float32)


def linear_part(field: NDArray) -> NDArray[np.float64]:
    """The 3x3 matrix of the affine map of voxels that comes nearest to a field [3, D, H, W] by least squares."""
    slopes = np.empty((3, 3))
    for axis, size in enumerate(field.shape[1:]):
        others = tuple(1 + other for other in range(3) if other != axis)
        voxels = np.arange(size) - (size - 1) / 2
        # On a whole grid the axes are orthogonal, so that each slope is found by itself.
        slopes[:, axis] = field.mean(axis=others, dtype=np.float64) @ voxels / (voxels @ voxels)
    return slopes


def on_grid(transform: Transform, grid: Grid) -> Transform:
    """The same transform as one displacement on another grid of the fixed world, exact at its voxels."""
    displacement = np.empty((3, *grid.shape), dtype=np.float32)
    for planes, voxels in grid.blocks():
        displacement[:, planes] = transform.through(grid.affine, voxels, np.linalg.inv(grid.affine)) - voxels
    return Transform(displacement, grid.affine, fixed=grid, moving=transform.moving)
