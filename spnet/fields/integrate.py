"""Exponential of a stationary velocity field."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from spnet import kernels
from spnet.fields.warp import Sampler, check_field, from_normalised, sample, sample_backward, to_normalised


def integrate(velocity: Tensor, steps: int = 7, sampler: Sampler = "exact") -> Tensor:
    """Integrate a stationary velocity over unit time by scaling and squaring (paper, Eq. 3 and section 3.3.4).

    Parameters
    ----------
    velocity: [B, 3, D, H, W] in voxels per unit time.
    steps: number of squarings; the paper's T = 7.
    sampler: see :mod:`spnet.fields`.

    Returns
    -------
    The displacement exp(v) - id, [B, 3, D, H, W] in voxels.
    """
    check_field(velocity)
    if kernels.usable(velocity):
        return _SquaringsOnCuda.apply(velocity.contiguous() / 2**steps, steps, sampler)
    # All squarings stay in grid_sample's own units: converting once instead of at every step halves the time.
    return from_normalised(_Squarings.apply(to_normalised(velocity) / 2**steps, steps, sampler))


class _Squarings(torch.autograd.Function):
    """u -> u + u o (id + u), `steps` times, keeping one field a step for the backward pass where autograd keeps two."""

    @staticmethod
    def forward(ctx: FunctionCtx, field: Tensor, steps: int, sampler: Sampler) -> Tensor:
        fields = []
        for _ in range(steps):
            fields.append(field)
            field = sample(field, field, sampler).add_(field)
        ctx.save_for_backward(*fields)
        ctx.sampler = sampler
        return field

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        for field in reversed(ctx.saved_tensors):
            to_volume, to_displacement = sample_backward(gradient, field, field, ctx.sampler)
            gradient = to_volume.add_(to_displacement).add_(gradient)
        return gradient, None, None


class _SquaringsOnCuda(torch.autograd.Function):
    """The same by our kernels, in voxels. They are so fast that only the first field is kept."""

    @staticmethod
    def forward(ctx: FunctionCtx, field: Tensor, steps: int, sampler: Sampler) -> Tensor:
        from spnet.kernels.sampling import square

        ctx.save_for_backward(field)
        ctx.steps, ctx.sampler = steps, sampler
        for _ in range(steps):
            field = square(field, sampler)
        return field

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        from spnet.kernels.sampling import square, square_gradient

        fields = list(ctx.saved_tensors)
        while len(fields) < ctx.steps:
            fields.append(square(fields[-1], ctx.sampler))
        while fields:
            gradient = square_gradient(gradient, fields.pop(), ctx.sampler)
        return gradient, None, None
