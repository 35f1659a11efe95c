"""ANTs, imported late (it takes seconds) and made deterministic."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spnet.data.nifti import Volume
from spnet.transforms.world import flip_map, itk_geometry

if TYPE_CHECKING:
    import ants


def import_ants(seed: int) -> ModuleType:
    """Import ANTs with one ITK thread and a fixed seed: with more threads its results vary from run to run."""
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"
    import ants

    # Zero would mean "use the clock" to ANTs.
    ants.config.set_ants_deterministic(True, seed_value=seed + 1)
    return ants


def to_ants(volume: Volume, library: ModuleType) -> ants.ANTsImage:
    """A volume (its axes orthogonal, as those read from files are) as an ANTs image at the same place in the world."""
    spacing, origin, direction = itk_geometry(volume.affine)
    return library.from_numpy(
        volume.data.astype(np.float32), origin=origin.tolist(), spacing=spacing.tolist(), direction=direction
    )


def transform_matrix(path: str, library: ModuleType) -> NDArray:
    """An ITK affine transform file as a 4x4 matrix from fixed to moving world coordinates (RAS, mm)."""
    transform: Any = library.read_transform(path)
    matrix = np.asarray(transform.parameters[:9]).reshape(3, 3)
    translation, centre = np.asarray(transform.parameters[9:12]), np.asarray(transform.fixed_parameters)
    full = np.eye(4)
    full[:3, :3] = matrix
    full[:3, 3] = translation + centre - matrix @ centre
    return flip_map(full)


def write_matrix(matrix: NDArray, path: str | Path, library: ModuleType) -> str:
    """Write a 4x4 matrix from fixed to moving world coordinates (RAS, mm) as an ITK affine transform file."""
    flipped = flip_map(matrix)
    transform: Any = library.new_ants_transform(precision="float", dimension=3, transform_type="AffineTransform")
    transform.set_parameters([*flipped[:3, :3].ravel(), *flipped[:3, 3]])
    transform.set_fixed_parameters([0.0, 0.0, 0.0])
    library.write_transform(transform, str(path))
    return str(path)
