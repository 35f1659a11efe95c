"""The native form of a transform: a NumPy archive with the deformation on the common grid and both affines.

Small (the common grid, not the scan's) and exact: nothing is resampled. Keys: ``form`` (:data:`NATIVE`),
``displacement`` (float32 [3, D, H, W] in voxels), ``affine``, ``before``, ``after`` (4x4, RAS, mm; see
:class:`spnet.transforms.Transform`), and for each of ``fixed`` and ``moving``, where known, ``_shape`` and ``_affine``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spnet.files import atomic_path
from spnet.transforms.transform import Grid, Transform

NATIVE = "spnet-transform-1"


def write_native(transform: Transform, path: str | Path) -> None:
    """Write a transform in this project's form."""
    grids = {"fixed": transform.fixed, "moving": transform.moving}
    known = {f"{role}_shape": grid.shape for role, grid in grids.items() if grid is not None}
    known |= {f"{role}_affine": grid.affine for role, grid in grids.items() if grid is not None}
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            form=NATIVE,
            displacement=transform.displacement.astype(np.float32),
            affine=transform.affine,
            before=transform.before,
            after=transform.after,
            **known,
        )


def is_native(arrays: Mapping[str, NDArray]) -> bool:
    """Whether the arrays of an archive are of this form."""
    return str(arrays.get("form")) == NATIVE


def from_native(arrays: Mapping[str, NDArray]) -> Transform:
    """The transform in the arrays of a file of this form.

    Raises
    ------
    KeyError, ValueError: an array is missing, or has another shape.
    """

    def grid(role: str) -> Grid | None:
        if f"{role}_shape" not in arrays:
            return None
        return Grid(tuple(int(size) for size in arrays[f"{role}_shape"]), arrays[f"{role}_affine"].reshape(4, 4))

    displacement = arrays["displacement"]
    if displacement.ndim != 4 or displacement.shape[0] != 3:
        raise ValueError(f"its displacement has shape {displacement.shape}, not [3, D, H, W]")
    matrices = [arrays[name].reshape(4, 4) for name in ("affine", "before", "after")]
    if not all(np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-12 for matrix in matrices):
        raise ValueError("one of its affines maps no space onto another")
    return Transform(displacement.astype(np.float32), *matrices, grid("fixed"), grid("moving"))
