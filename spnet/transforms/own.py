"""The project's own form of a transform: a NumPy archive with the deformation on the common grid and both affines.

Small (the common grid, not the scan's) and exact: nothing is resampled. Keys: ``form`` (:data:`FORM`), ``displacement``
(float32 [3, D, H, W] in voxels), ``affine``, ``before``, ``after`` (4x4, RAS, mm; see
:class:`spnet.transforms.Transform`), and for each of ``fixed`` and ``moving``, where known, ``_shape`` and ``_affine``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spnet.files import atomic_path
from spnet.transforms.transform import Grid, Transform

FORM = "spnet-transform-1"


def write_own(transform: Transform, path: str | Path) -> None:
    """Write a transform in this project's form."""
    grids = {"fixed": transform.fixed, "moving": transform.moving}
    known = {f"{role}_shape": grid.shape for role, grid in grids.items() if grid is not None}
    known |= {f"{role}_affine": grid.affine for role, grid in grids.items() if grid is not None}
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            form=FORM,
            displacement=transform.displacement.astype(np.float32),
            affine=transform.affine,
            before=transform.before,
            after=transform.after,
            **known,
        )


def from_arrays(arrays: dict[str, np.ndarray]) -> Transform:
    """The transform in the arrays of a file of this form; raises KeyError or ValueError for one that lacks some."""

    def grid(role: str) -> Grid | None:
        if f"{role}_shape" not in arrays:
            return None
        return Grid(tuple(int(size) for size in arrays[f"{role}_shape"]), arrays[f"{role}_affine"])

    displacement = arrays["displacement"]
    if displacement.ndim != 4 or displacement.shape[0] != 3:
        raise ValueError(f"its displacement has shape {displacement.shape}, not [3, D, H, W]")
    matrices = [arrays[name].reshape(4, 4) for name in ("affine", "before", "after")]
    return Transform(displacement.astype(np.float32), *matrices, grid("fixed"), grid("moving"))
