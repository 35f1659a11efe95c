"""Regularity of a deformation."""

from __future__ import annotations

import torch
from torch import Tensor

from spnet.fields.jacobian import Differences, jacobian_determinant

# What Learn2Reg's program does before the logarithm: add, then cut; and the voxels that it leaves out at every border.
LEARN2REG_SHIFT = 3.0
_LOWEST, _HIGHEST = 1e-9, 1e9
_BORDER = 2


def percent_folding(displacement: Tensor, differences: Differences = "forward") -> float:
    """Jab: percentage of voxels whose Jacobian determinant is not positive (paper, section 4.2).

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels.
    differences: forward differences give the magnitude of the paper's Table 3, central ones do not.
    """
    determinant = jacobian_determinant(displacement, differences)
    return 100 * int((determinant <= 0).sum()) / determinant.numel()


def sd_log_jacobian(displacement: Tensor, shift: float = LEARN2REG_SHIFT) -> float:
    """SDlogJ: standard deviation of the logarithm of the Jacobian determinant.

    ``std(log(clip(|J| + shift, 1e-9, 1e9)))`` over all voxels (divided by n) but two at every border, |J| by central
    differences. That is Learn2Reg's program (github.com/MDL-UzL/L2R, commit 00106df, ``evaluation/evaluation.py`` and
    ``utils.py``), which adds 3 and does not say why (its issue 7). So it hardly minds folds, and near the identity it
    is about a quarter of what its name says. With ``shift=0`` it is that: a folded voxel then counts as log 1e-9, -21.

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels, each side 5 or more. The spacing does not matter: it cancels in |J|.
    shift: 3 for figures that compare with Learn2Reg's, 0 for the logarithm of the determinant itself.
    """
    if min(displacement.shape[2:], default=0) <= 2 * _BORDER:
        raise ValueError(f"sides of {2 * _BORDER + 1} voxels or more are needed, not {tuple(displacement.shape[2:])}")
    inside = slice(_BORDER, -_BORDER)
    determinant = jacobian_determinant(displacement, "central")[:, inside, inside, inside].double()
    return torch.log((determinant + shift).clamp(_LOWEST, _HIGHEST)).std(correction=0).item()
