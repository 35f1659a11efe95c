"""How a transform changes volumes, and where it folds: the same answer whatever form its file has."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from spnet.data.nifti import Volume
from spnet.fields import jacobian_determinant
from spnet.transforms.transform import Grid, Transform, linear_part, on_grid


def jacobian_map(transform: Transform, grid: Grid) -> Volume:
    """The determinant of the transform's Jacobian at every voxel of `grid`, by central differences, float32.

    It says by how much the moving image's tissue is larger (above 1) or smaller than the fixed image's, the affine part
    included; below zero the transform is folded (:func:`unmirrored`).
    """
    displacement = torch.from_numpy(unmirrored(on_grid(transform, grid).displacement))
    return Volume(jacobian_determinant(displacement[None], "central")[0].numpy(), grid.affine)


def unmirrored(displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """The displacement [3, D, H, W] in voxels, followed by a reflection if it mirrors as a whole.

    A right knee laid on a left one, or a scan whose array axes lie the other way round, has a determinant below zero
    everywhere and is no fold. Whether a field mirrors is told by the affine map that fits it best, which is there in
    every form of file, also in those that keep the affine part within the field.
    """
    if np.linalg.det(np.eye(3) + linear_part(displacement)) > 0:
        return displacement
    reflected = displacement.copy()
    last = displacement.shape[1] - 1
    reflected[0] = last - 2 * np.arange(last + 1, dtype=np.float32).reshape(-1, 1, 1) - displacement[0]
    return reflected
