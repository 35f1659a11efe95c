"""Local squared normalised cross-correlation with an analytic backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from spnet import kernels
from spnet.together import pays_together

# Of the authors' program; against products of un-normalised window sums.
EPSILON = 1e-5


def local_ncc(image_1: Tensor, image_2: Tensor, window: int = 9) -> Tensor:
    """Mean over all voxels of the squared local cross-correlation (paper, Eq. 9).

    The values are those of the authors' program: un-normalised sums over a `window`^3 cube, zeros outside the volume
    (so the cube always counts window^3 voxels, at the borders too), background voxels included in the mean.

    Unlike there, cross-correlation is bounded by [0, 1] even where rounding makes a variance negative, and only the
    window sums and three maps are kept for the backward pass. Sums are formed by shifting and adding, never as
    differences of running totals, which lose all precision in float32; nothing here can fall back to TF32.

    Parameters
    ----------
    image_1, image_2: [B, C, D, H, W] in float32 or float64, symmetric in their roles.
    window: odd edge length of the cube, in voxels.

    Returns
    -------
    A scalar in [0, 1]; its negative is the paper's similarity loss.
    """
    if window < 1 or window % 2 == 0:
        raise ValueError(f"the window of the local cross-correlation must be odd, not {window}")
    if image_1.shape != image_2.shape or image_1.ndim != 5:
        raise ValueError(
            f"images must be [B, C, D, H, W] of one shape, not {tuple(image_1.shape)} and {tuple(image_2.shape)}"
        )
    if kernels.usable(image_1, image_2) and image_1.dtype == image_2.dtype == torch.float32:
        return _LocalNccOnCuda.apply(image_1.contiguous(), image_2.contiguous(), window)
    return _LocalNcc.apply(image_1, image_2, window)


def box_sum(volume: Tensor, window: int) -> Tensor:
    """Sum over the `window`^3 cube around every voxel of [..., D, H, W], zeros outside."""
    sizes = volume.shape
    volume = F.pad(volume, [window // 2] * 6)
    for axis in (-1, -2, -3):
        volume = _line_sum(volume, window, axis, sizes[axis])
    return volume


def _box_sums(maps: Iterator[Tensor], window: int) -> Iterator[Tensor]:
    """Box sums of maps of one shape, small ones together; of large ones only one is made and summed at a time."""
    first = next(maps)
    if pays_together(first):
        yield from box_sum(torch.stack([first, *maps]), window)
    else:
        yield from map(partial(box_sum, window=window), chain([first], maps))


def _line_sum(padded: Tensor, window: int, axis: int, size: int) -> Tensor:
    """Sums over 1, 2, 4, ... neighbours by doubling; the window is put together from its binary digits."""
    total, doubled, offset, width = None, padded, 0, 1
    while width <= window:
        if window & width:
            part = _cut(doubled, axis, offset, size)
            total = part if total is None else total + part
            offset += width
        width *= 2
        if width <= window:
            length = doubled.shape[axis] - width // 2
            doubled = _cut(doubled, axis, 0, length) + _cut(doubled, axis, width // 2, length)
    return total


def _cut(volume: Tensor, axis: int, start: int, length: int) -> Tensor:
    """``volume.narrow(axis, start, length)`` for one of the last axes, by one operator less."""
    return volume[(..., slice(start, start + length), *[slice(None)] * (-axis - 1))]


class _LocalNcc(torch.autograd.Function):
    """With S the window sum and n its number of voxels, the map is C^2 / (A B + eps), where

    A = S(II) - S(I)^2/n, B = S(JJ) - S(J)^2/n, C = S(IJ) - S(I) S(J)/n.

    Since dC(p)/dI(q) = J(q) - S(J)(p)/n and dA(p)/dI(q) = 2 (I(q) - S(I)(p)/n) for q in the window of p, the gradient
    to I is a combination of I, J and window sums of a few maps.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, image_1: Tensor, image_2: Tensor, window: int) -> Tensor:
        sums = _box_sums(_images_and_products(image_1, image_2), window)
        sum_1, sum_2, variance_1, variance_2, cross = sums
        variance_1.addcmul_(sum_1, sum_1, value=-1 / window**3)
        variance_2.addcmul_(sum_2, sum_2, value=-1 / window**3)
        cross.addcmul_(sum_1, sum_2, value=-1 / window**3)
        variance_1.clamp_(min=0)
        variance_2.clamp_(min=0)
        # Cauchy-Schwarz holds for the true sums; rounding may break it where an image is flat.
        bound = (variance_1 * variance_2).sqrt_()
        torch.minimum(torch.maximum(cross, -bound), bound, out=cross)
        denominator = bound.square_().add_(EPSILON)
        ratio = cross / denominator
        correlation = (cross * ratio).mean()
        # Derivatives of the map by cross, variance_1 and variance_2.
        square = ratio * ratio
        ctx.save_for_backward(
            image_1,
            image_2,
            sum_1,
            sum_2,
            ratio.mul_(2),
            variance_2.mul_(square).neg_(),
            variance_1.mul_(square).neg_(),
        )
        ctx.window = window
        return correlation

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        image_1, image_2, sum_1, sum_2, by_cross, by_variance_1, by_variance_2 = ctx.saved_tensors
        roles = (
            (sum_1, sum_2, by_variance_1),
            (sum_2, sum_1, by_variance_2),
        )

        def maps() -> Iterator[Tensor]:
            yield by_cross
            for (own, other, by_variance), wanted in zip(roles, ctx.needs_input_grad, strict=False):
                if wanted:
                    yield (by_cross * other).addcmul_(by_variance, own, value=2)
                    yield by_variance

        scale = gradient / image_1.numel()
        sums = _box_sums(maps(), ctx.window)
        sum_cross = next(sums)

        def gradient_to(image: Tensor, other: Tensor) -> Tensor:
            constant, slope = next(sums), next(sums)
            return (
                (other * sum_cross).addcmul_(image, slope, value=2).sub_(constant, alpha=1 / ctx.window**3).mul_(scale)
            )

        gradient_1 = gradient_to(image_1, image_2) if ctx.needs_input_grad[0] else None
        gradient_2 = gradient_to(image_2, image_1) if ctx.needs_input_grad[1] else None
        return gradient_1, gradient_2, None


def _images_and_products(image_1: Tensor, image_2: Tensor) -> Iterator[Tensor]:
    yield from (image_1, image_2)
    for first, second in ((image_1, image_1), (image_2, image_2), (image_1, image_2)):
        yield first * second


class _LocalNccOnCuda(torch.autograd.Function):
    """The same by our kernels."""

    @staticmethod
    def forward(ctx: FunctionCtx, image_1: Tensor, image_2: Tensor, window: int) -> Tensor:
        from spnet.kernels.correlation import correlate

        correlation, maps = correlate(image_1, image_2, window, EPSILON)
        ctx.save_for_backward(image_1, image_2, maps)
        ctx.window = window
        return correlation

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        from spnet.kernels.correlation import gradients

        image_1, image_2, maps = ctx.saved_tensors
        return *gradients(image_1, image_2, maps, gradient, ctx.window, ctx.needs_input_grad[:2]), None
