"""Penalties on deformations that fold."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from spnet.fields import jacobian_determinant
from spnet.fields.warp import check_field


def negative_jacobian(displacement: Tensor) -> Tensor:
    """Mean of ``max(0, -det J(id + u))`` by forward differences; [B, 3, D, H, W] in voxels.

    The orientation term of SYMNet (Mok and Chung 2020) and LapIRN.
    """
    return F.relu(-jacobian_determinant(displacement, "forward")).mean()


def antifold(displacement: Tensor) -> Tensor:
    """Mean over the axes of ``max(0, -du/dx - 1)^3`` by forward differences; [B, 3, D, H, W] in voxels.

    The anti-folding constraint of ICNet (Zhang 2018). As in the author's program, every component is held along every
    axis, where the paper's text holds only the component along its own axis.
    """
    check_field(displacement)
    return sum(F.relu(-displacement.diff(dim=axis) - 1).pow(3).mean() for axis in (2, 3, 4)) / 3
