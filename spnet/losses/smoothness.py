"""Smoothness of a velocity or displacement field."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from spnet.fields.warp import check_field

_AXES = (2, 3, 4)
Factors = tuple[float, float, float]


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
    counts = (field.numel() // field.shape[axis] * (field.shape[axis] - 1) for axis in _AXES)
    return _SquaredDifferences.apply(field, tuple(1 / (3 * max(count, 1)) for count in counts))


def roughness(field: Tensor) -> Tensor:
    """Half the sum of squared forward differences over the number of elements, as RCnet's authors regularise.

    `field` is [B, 3, D, H, W] in voxels.
    """
    check_field(field)
    return _SquaredDifferences.apply(field, (1 / (2 * field.numel()),) * 3)


class _SquaredDifferences(torch.autograd.Function):
    """Sums of squared forward differences, a factor an axis; nothing but the field is kept for the backward pass."""

    @staticmethod
    def forward(ctx: FunctionCtx, field: Tensor, factors: Factors) -> Tensor:
        ctx.save_for_backward(field)
        ctx.factors = factors
        total = field.new_zeros(())
        for axis, factor in zip(_AXES, factors, strict=True):
            total.add_(field.diff(dim=axis).square_().sum(), alpha=factor)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        (field,) = ctx.saved_tensors
        total = torch.zeros_like(field)
        for axis, factor in zip(_AXES, ctx.factors, strict=True):
            difference, length = field.diff(dim=axis), field.shape[axis] - 1
            total.narrow(axis, 1, length).add_(difference, alpha=2 * factor)
            total.narrow(axis, 0, length).sub_(difference, alpha=2 * factor)
        return total.mul_(gradient), None
