"""Smoothness of a velocity or displacement field."""

from __future__ import annotations

from torch import Tensor

from spnet.fields.warp import check_field


def gradient_smoothness(field: Tensor) -> Tensor:
    """Mean squared forward difference, averaged over the three axes (the norm in the paper's Eq. 10).

    Parameters
    ----------
    field: [B, 3, D, H, W] in voxels.

    Returns
    -------
    A scalar. The mean runs over channels and voxels, as in the authors' program.
    """
    check_field(field)
    return sum(field.diff(dim=axis).square().mean() for axis in (2, 3, 4)) / 3
