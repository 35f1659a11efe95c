"""Regularity of a deformation."""

from __future__ import annotations

from torch import Tensor

from spnet.fields.jacobian import Differences, jacobian_determinant


def percent_folding(displacement: Tensor, differences: Differences = "forward") -> float:
    """Jab: percentage of voxels whose Jacobian determinant is not positive (paper, section 4.2).

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels.
    differences: forward differences give the magnitude of the paper's Table 3, central ones do not.
    """
    determinant = jacobian_determinant(displacement, differences)
    return 100 * (determinant <= 0).double().mean().item()
