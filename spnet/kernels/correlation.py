"""The local cross-correlation and its gradients in three passes each, one along every axis.

What :class:`spnet.losses.ncc._LocalNcc` says of the formula holds here: window sums by adding the neighbours, products
formed as they are read, and the same five maps kept for the backward pass.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_VOXELS = 256


def correlate(image_1: Tensor, image_2: Tensor, window: int, epsilon: float) -> tuple[Tensor, Tensor]:
    """Mean of the map over all voxels, and what :func:`gradients` needs.

    Parameters
    ----------
    image_1, image_2: [B, C, D, H, W] in float32, contiguous.

    Returns
    -------
    A scalar, and [5, B, C, D, H, W]: both window means, and the map's derivatives by cross and both variances.
    """
    *_, depth, height, width = image_1.shape
    voxels = image_1.numel()
    grid = (triton.cdiv(voxels, _VOXELS),)
    sums, lines = (image_1.new_empty((5, *image_1.shape)) for _ in range(2))
    _sum_moments[grid](image_1, image_2, sums, voxels, width, WINDOW=window, VOXELS=_VOXELS)
    _sum_lines[(*grid, 5)](sums, lines, voxels, height, width, WINDOW=window, VOXELS=_VOXELS)
    totals = image_1.new_empty(grid)
    _finish_correlation[grid](
        lines, sums, totals, voxels, depth, height * width, epsilon, WINDOW=window, VOXELS=_VOXELS
    )
    return totals.sum() / voxels, sums


def gradients(
    image_1: Tensor, image_2: Tensor, maps: Tensor, scale: Tensor, window: int, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of :func:`correlate`'s value times `scale` to the wanted images, from the maps that it returned."""
    *_, depth, height, width = image_1.shape
    voxels = image_1.numel()
    grid = (triton.cdiv(voxels, _VOXELS),)
    number = 1 + 2 * sum(wanted)
    sums, lines = (image_1.new_empty((number, *image_1.shape)) for _ in range(2))
    _sum_derivatives[grid](maps, sums, voxels, width, WINDOW=window, VOXELS=_VOXELS, FIRST=wanted[0], SECOND=wanted[1])
    _sum_lines[(*grid, number)](sums, lines, voxels, height, width, WINDOW=window, VOXELS=_VOXELS)
    found = [torch.empty_like(image_1) if each else None for each in wanted]
    _finish_gradients[grid](
        image_1,
        image_2,
        lines,
        image_1 if found[0] is None else found[0],
        image_2 if found[1] is None else found[1],
        scale,
        voxels,
        depth,
        height * width,
        WINDOW=window,
        VOXELS=_VOXELS,
        FIRST=wanted[0],
        SECOND=wanted[1],
    )
    return found[0], found[1]


@triton.jit
def _sum_moments(image_1, image_2, sums, voxels, size, WINDOW: tl.constexpr, VOXELS: tl.constexpr):
    """Sums along the last axis of both images, both squares and the product."""
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    place = voxel % size
    zero = tl.zeros([VOXELS], tl.float32)
    sum_1, sum_2, square_1, square_2, cross = zero, zero, zero, zero, zero
    for offset in tl.static_range(-(WINDOW // 2), WINDOW // 2 + 1):
        inside = (voxel < voxels) & (place + offset >= 0) & (place + offset < size)
        value_1 = tl.load(image_1 + voxel + offset, mask=inside, other=0.0)
        value_2 = tl.load(image_2 + voxel + offset, mask=inside, other=0.0)
        sum_1 += value_1
        sum_2 += value_2
        square_1 += value_1 * value_1
        square_2 += value_2 * value_2
        cross += value_1 * value_2
    inside = voxel < voxels
    at = sums + voxel
    tl.store(at, sum_1, mask=inside)
    tl.store(at + voxels, sum_2, mask=inside)
    tl.store(at + 2 * voxels, square_1, mask=inside)
    tl.store(at + 3 * voxels, square_2, mask=inside)
    tl.store(at + 4 * voxels, cross, mask=inside)


@triton.jit
def _line(values, voxel, voxels, size, stride, WINDOW: tl.constexpr):
    """Sum of `values` over the window along the axis of that size and stride."""
    place = voxel // stride % size
    total = tl.zeros(voxel.shape, tl.float32)
    for offset in tl.static_range(-(WINDOW // 2), WINDOW // 2 + 1):
        inside = (voxel < voxels) & (place + offset >= 0) & (place + offset < size)
        total += tl.load(values + voxel + offset * stride, mask=inside, other=0.0)
    return total


@triton.jit
def _sum_lines(values, sums, voxels, size, stride, WINDOW: tl.constexpr, VOXELS: tl.constexpr):
    """Sums of every map along one axis."""
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    start = tl.program_id(1).to(tl.int64) * voxels
    total = _line(values + start, voxel, voxels, size, stride, WINDOW)
    tl.store(sums + start + voxel, total, mask=voxel < voxels)


@triton.jit
def _finish_correlation(lines, maps, totals, voxels, size, stride, epsilon, WINDOW: tl.constexpr, VOXELS: tl.constexpr):
    """Sums along the first axis, and from them the correlation and its derivatives."""
    count: tl.constexpr = WINDOW * WINDOW * WINDOW
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    mean_1 = _line(lines, voxel, voxels, size, stride, WINDOW) / count
    mean_2 = _line(lines + voxels, voxel, voxels, size, stride, WINDOW) / count
    variance_1 = _line(lines + 2 * voxels, voxel, voxels, size, stride, WINDOW) - count * mean_1 * mean_1
    variance_2 = _line(lines + 3 * voxels, voxel, voxels, size, stride, WINDOW) - count * mean_2 * mean_2
    cross = _line(lines + 4 * voxels, voxel, voxels, size, stride, WINDOW) - count * mean_1 * mean_2
    variance_1 = tl.maximum(variance_1, 0.0)
    variance_2 = tl.maximum(variance_2, 0.0)
    bound = tl.sqrt(variance_1 * variance_2)
    cross = tl.minimum(tl.maximum(cross, -bound), bound)
    ratio = cross / (bound * bound + epsilon)
    square = ratio * ratio
    inside = voxel < voxels
    at = maps + voxel
    tl.store(at, mean_1, mask=inside)
    tl.store(at + voxels, mean_2, mask=inside)
    tl.store(at + 2 * voxels, 2 * ratio, mask=inside)
    tl.store(at + 3 * voxels, -variance_2 * square, mask=inside)
    tl.store(at + 4 * voxels, -variance_1 * square, mask=inside)
    tl.store(totals + tl.program_id(0), tl.sum(tl.where(inside, cross * ratio, 0.0), axis=0))


@triton.jit
def _sum_derivatives(
    maps, sums, voxels, size, WINDOW: tl.constexpr, VOXELS: tl.constexpr, FIRST: tl.constexpr, SECOND: tl.constexpr
):
    """Sums along the last axis of the derivatives by cross, and for each wanted image of its constant and its slope."""
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    place = voxel % size
    zero = tl.zeros([VOXELS], tl.float32)
    sum_cross, constant_1, slope_1, constant_2, slope_2 = zero, zero, zero, zero, zero
    for offset in tl.static_range(-(WINDOW // 2), WINDOW // 2 + 1):
        inside = (voxel < voxels) & (place + offset >= 0) & (place + offset < size)
        at = maps + voxel + offset
        mean_1 = tl.load(at, mask=inside, other=0.0)
        mean_2 = tl.load(at + voxels, mask=inside, other=0.0)
        by_cross = tl.load(at + 2 * voxels, mask=inside, other=0.0)
        sum_cross += by_cross
        if FIRST:
            by_variance = tl.load(at + 3 * voxels, mask=inside, other=0.0)
            constant_1 += by_cross * mean_2 + 2 * by_variance * mean_1
            slope_1 += by_variance
        if SECOND:
            by_variance = tl.load(at + 4 * voxels, mask=inside, other=0.0)
            constant_2 += by_cross * mean_1 + 2 * by_variance * mean_2
            slope_2 += by_variance
    inside = voxel < voxels
    at = sums + voxel
    tl.store(at, sum_cross, mask=inside)
    if FIRST:
        tl.store(at + voxels, constant_1, mask=inside)
        tl.store(at + 2 * voxels, slope_1, mask=inside)
        at += 2 * voxels
    if SECOND:
        tl.store(at + voxels, constant_2, mask=inside)
        tl.store(at + 2 * voxels, slope_2, mask=inside)


@triton.jit
def _finish_gradients(
    image_1,
    image_2,
    lines,
    gradient_1,
    gradient_2,
    scale,
    voxels,
    size,
    stride,
    WINDOW: tl.constexpr,
    VOXELS: tl.constexpr,
    FIRST: tl.constexpr,
    SECOND: tl.constexpr,
):
    """Sums along the first axis, and from them the gradients."""
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    inside = voxel < voxels
    factor = tl.load(scale) / voxels
    value_1 = tl.load(image_1 + voxel, mask=inside, other=0.0)
    value_2 = tl.load(image_2 + voxel, mask=inside, other=0.0)
    sum_cross = _line(lines, voxel, voxels, size, stride, WINDOW)
    if FIRST:
        constant = _line(lines + voxels, voxel, voxels, size, stride, WINDOW)
        slope = _line(lines + 2 * voxels, voxel, voxels, size, stride, WINDOW)
        tl.store(gradient_1 + voxel, (value_2 * sum_cross + 2 * value_1 * slope - constant) * factor, mask=inside)
        lines += 2 * voxels
    if SECOND:
        constant = _line(lines + voxels, voxel, voxels, size, stride, WINDOW)
        slope = _line(lines + 2 * voxels, voxel, voxels, size, stride, WINDOW)
        tl.store(gradient_2 + voxel, (value_1 * sum_cross + 2 * value_2 * slope - constant) * factor, mask=inside)
