"""Mending a deformation where it folds."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from spnet.fields.jacobian import jacobian_determinant

_ROUNDS = 20
_REACH = 2  # voxels around a fold that are smoothed with it


@torch.no_grad()
def mended(displacement: Tensor) -> Tensor:
    """The displacement without its folds, as good as untouched away from them.

    Where the Jacobian determinant (forward differences) is not positive, and `_REACH` voxels around, the field is mixed
    with its mean over 3 x 3 x 3 voxels; again, up to `_ROUNDS` times, while anything is folded. A fold as large as the
    field itself may outlast that.

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels; a field without folds comes back as it is.
    """
    for _ in range(_ROUNDS):
        folded = (jacobian_determinant(displacement, "forward") <= 0)[:, None].to(displacement.dtype)
        if not folded.any():
            break
        # A forward difference belongs to its lower voxel; the last of each axis has none.
        near = F.max_pool3d(F.pad(folded, (0, 1) * 3), 2 * _REACH + 1, stride=1, padding=_REACH)
        share = F.avg_pool3d(near, 3, stride=1, padding=1)
        mean = F.avg_pool3d(F.pad(displacement, (1,) * 6, mode="replicate"), 3, stride=1)
        displacement = displacement + share * (mean - displacement)
    return displacement
