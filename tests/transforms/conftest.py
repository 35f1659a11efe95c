"""An oblique, anisotropic pair of images with a smooth deformation between them."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from spnet.data.nifti import Volume
from spnet.transforms import Grid, Transform


@dataclass
class Case:
    moving: Volume
    labels: Volume
    fixed: Grid
    transform: Transform


def oblique(shape, spacing, angles, centre, flips=(1, 1, 1)):
    """4x4 matrix of a grid, turned by angles in degrees, whose middle lies at `centre` (RAS, mm)."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * np.multiply(spacing, flips)
    affine[:3, 3] = np.asarray(centre) - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine


def affine_map(angles, scales, shift):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * scales
    matrix[:3, 3] = shift
    return matrix


@pytest.fixture(scope="session")
def case():
    random = np.random.default_rng(8)
    moving_shape, fixed_shape, grid_shape = (40, 31, 36), (27, 34, 22), (24, 28, 26)
    smooth = gaussian_filter(random.standard_normal(moving_shape), 2.0)
    data = (1000 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)
    moving_affine = oblique(moving_shape, (1.1, 1.4, 1.2), (12, -8, 20), (6, -9, 14), (1, -1, 1))
    velocity = np.stack([gaussian_filter(random.standard_normal(grid_shape), 3.0) for _ in range(3)])
    displacement = np.zeros((3, *grid_shape), dtype=np.float32)
    inner = (slice(None), *[slice(2, -2)] * 3)
    displacement[inner] = (1.5 * velocity / np.abs(velocity).max())[inner]
    fixed = Grid(fixed_shape, oblique(fixed_shape, (1.0, 1.3, 2.1), (-15, 25, 10), (2, 4, -3), (-1, 1, 1)))
    transform = Transform(
        displacement,
        oblique(grid_shape, (2.0, 2.0, 2.0), (0, 0, 0), (0, 0, 0), (-1, 1, 1)),
        affine_map((5, -4, 8), (1.05, 0.97, 1.02), (-2, -3, 4)),
        affine_map((-6, 3, 2), (0.95, 1.04, 1.0), (5, -8, 12)),
        fixed,
        Grid(moving_shape, moving_affine),
    )
    labels = Volume((data // 100).astype(np.int32), moving_affine)
    return Case(Volume(data, moving_affine), labels, fixed, transform)
