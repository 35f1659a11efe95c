"""Warping and squaring in one pass each, forward and backward, by displacements in voxels.

The same as torch's ``grid_sample`` at the same points, but the points are never written down. Samplers as in
:mod:`spnet.fields`. Gradients to a volume are added up in no fixed order, as torch's are on CUDA.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_VALUES = 128  # that a program takes at once
_WARPS = 4


def warp(volume: Tensor, displacement: Tensor, sampler: str) -> Tensor:
    """``volume(x + u(x))``; volume [B, C, D, H, W] in float32, displacement [B, 3, D, H, W] in voxels."""
    volume, displacement = _dense(volume), displacement.contiguous()
    return _sample(volume, displacement, sampler, add=False)


def warp_gradients(
    gradient: Tensor, volume: Tensor, displacement: Tensor, sampler: str, to_volume: bool
) -> tuple[Tensor | None, Tensor]:
    """Gradients to volume (where wanted) and displacement of :func:`warp`, from the one to its result."""
    volume, displacement = _dense(volume), displacement.contiguous()
    found = torch.zeros_like(volume) if to_volume else None
    to_field = torch.empty_like(displacement)
    _differentiate(gradient, volume, displacement, found, to_field, sampler, square=False)
    return found, to_field


def square(field: Tensor, sampler: str) -> Tensor:
    """``u(x) + u(x + u(x))`` of a displacement [B, 3, D, H, W] in voxels, contiguous."""
    return _sample(field, field, sampler, add=True)


def square_gradient(gradient: Tensor, field: Tensor, sampler: str) -> Tensor:
    """Gradient to the field of :func:`square`, from the one to its result."""
    found = gradient.clone(memory_format=torch.contiguous_format)
    _differentiate(gradient, field, field, found, found, sampler, square=True)
    return found


def _dense(volume: Tensor) -> Tensor:
    """As it is if the channels are first or last in memory, else with the channels first."""
    last = volume.is_contiguous(memory_format=torch.channels_last_3d)
    return volume if last else volume.contiguous()


def _sample(volume: Tensor, displacement: Tensor, sampler: str, add: bool) -> Tensor:
    result = torch.empty_like(volume)
    batch, channels, *size = volume.shape
    voxels = displacement[0, 0].numel()
    _sample_kernel[(triton.cdiv(voxels, _tile(volume)["VOXELS"]), batch)](
        volume,
        displacement,
        result,
        voxels,
        channels,
        volume.stride(0),
        volume.stride(1),
        volume.stride(4),
        *size,
        *_stretch(size, sampler),
        ADD=add,
        BORDER=sampler == "exact",
        OFFICIAL=sampler == "official",
        **_tile(volume),
        num_warps=_WARPS,
    )
    return result


def _differentiate(
    gradient: Tensor,
    volume: Tensor,
    displacement: Tensor,
    to_volume: Tensor | None,
    to_field: Tensor,
    sampler: str,
    square: bool,
) -> None:
    batch, channels, *size = volume.shape
    voxels = displacement[0, 0].numel()
    last = volume.stride(1) == 1 and channels > 1
    gradient = gradient.contiguous(memory_format=torch.channels_last_3d if last else torch.contiguous_format)
    _gradient_kernel[(triton.cdiv(voxels, _tile(volume)["VOXELS"]), batch)](
        gradient,
        volume,
        displacement,
        volume if to_volume is None else to_volume,
        to_field,
        voxels,
        channels,
        volume.stride(0),
        volume.stride(1),
        volume.stride(4),
        *size,
        *_stretch(size, sampler),
        TO_VOLUME=to_volume is not None,
        SQUARE=square,
        BORDER=sampler == "exact",
        OFFICIAL=sampler == "official",
        **_tile(volume),
        num_warps=_WARPS,
    )


def _tile(volume: Tensor) -> dict[str, int]:
    """How many channels and voxels a program takes at once: neighbours in memory, whichever those are."""
    channels = 1 if volume.stride(1) != 1 else min(triton.next_power_of_2(volume.shape[1]), 16)
    return {"CHANNELS": channels, "VOXELS": max(16, 2 * _VALUES // channels if channels > 1 else _VALUES)}


def _stretch(size: list[int], sampler: str) -> list[float]:
    """By how much the sampler's points move along every axis when x + u moves by one voxel."""
    if sampler == "official":
        return [length / max(length - 1, 1) for length in size]
    return [1.0 if length > 1 else 0.0 for length in size]


@triton.jit
def _axis(place, size, stretch, BORDER: tl.constexpr, OFFICIAL: tl.constexpr):
    """Lower neighbour of a point on one axis, its distance from there, and how it moves with the displacement."""
    point = place * stretch - 0.5 if OFFICIAL else place * stretch
    moves = tl.full(place.shape, 1.0, tl.float32) * stretch
    if BORDER:
        last = size - 1.0
        moves = tl.where((point > 0) & (point < last), moves, 0.0)
        point = tl.minimum(tl.maximum(point, 0.0), last)
    else:
        # Far outside nothing is found either way; near enough that the index is one of 32 bits.
        point = tl.minimum(tl.maximum(point, -4.0), size + 4.0)
    lower = tl.floor(point)
    return lower.to(tl.int32), point - lower, moves


@triton.jit
def _points(
    displacement,
    voxel,
    voxels,
    depth,
    height,
    width,
    stretch_d,
    stretch_h,
    stretch_w,
    BORDER: tl.constexpr,
    OFFICIAL: tl.constexpr,
):
    inside = voxel < voxels
    w = voxel % width
    h = voxel // width % height
    d = voxel // (width * height)
    place_d = d.to(tl.float32) + tl.load(displacement + voxel, mask=inside, other=0.0)
    place_h = h.to(tl.float32) + tl.load(displacement + voxels + voxel, mask=inside, other=0.0)
    place_w = w.to(tl.float32) + tl.load(displacement + 2 * voxels + voxel, mask=inside, other=0.0)
    low_d, far_d, move_d = _axis(place_d, depth, stretch_d, BORDER, OFFICIAL)
    low_h, far_h, move_h = _axis(place_h, height, stretch_h, BORDER, OFFICIAL)
    low_w, far_w, move_w = _axis(place_w, width, stretch_w, BORDER, OFFICIAL)
    return low_d, far_d, move_d, low_h, far_h, move_h, low_w, far_w, move_w


@triton.jit
def _sample_kernel(
    volume,
    displacement,
    result,
    voxels,
    channels,
    stride_batch,
    stride_channel,
    stride_voxel,
    depth,
    height,
    width,
    stretch_d,
    stretch_h,
    stretch_w,
    ADD: tl.constexpr,
    BORDER: tl.constexpr,
    OFFICIAL: tl.constexpr,
    CHANNELS: tl.constexpr,
    VOXELS: tl.constexpr,
):
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    batch = tl.program_id(1)
    valid = voxel < voxels
    low_d, far_d, _, low_h, far_h, _, low_w, far_w, _ = _points(
        displacement + batch * 3 * voxels,
        voxel,
        voxels,
        depth,
        height,
        width,
        stretch_d,
        stretch_h,
        stretch_w,
        BORDER,
        OFFICIAL,
    )
    for first in range(0, channels, CHANNELS):
        channel = first + tl.arange(0, CHANNELS)
        start = batch * stride_batch + (channel * stride_channel)[None, :]
        there = valid[:, None] & (channel < channels)[None, :]
        total = tl.zeros([VOXELS, CHANNELS], tl.float32)
        for corner in tl.static_range(8):
            d = low_d + corner // 4
            h = low_h + corner // 2 % 2
            w = low_w + corner % 2
            weight = (
                (far_d if corner // 4 else 1 - far_d)
                * (far_h if corner // 2 % 2 else 1 - far_h)
                * (far_w if corner % 2 else 1 - far_w)
            )
            inside = (d >= 0) & (d < depth) & (h >= 0) & (h < height) & (w >= 0) & (w < width)
            at = ((d * height + h) * width + w) * stride_voxel
            found = tl.load(volume + start + at[:, None], mask=there & inside[:, None], other=0.0)
            total += weight[:, None] * found
        own = start + (voxel * stride_voxel)[:, None]
        if ADD:
            total += tl.load(volume + own, mask=there, other=0.0)
        tl.store(result + own, total, mask=there)


@triton.jit
def _gradient_kernel(
    gradient,
    volume,
    displacement,
    to_volume,
    to_field,
    voxels,
    channels,
    stride_batch,
    stride_channel,
    stride_voxel,
    depth,
    height,
    width,
    stretch_d,
    stretch_h,
    stretch_w,
    TO_VOLUME: tl.constexpr,
    SQUARE: tl.constexpr,
    BORDER: tl.constexpr,
    OFFICIAL: tl.constexpr,
    CHANNELS: tl.constexpr,
    VOXELS: tl.constexpr,
):
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    batch = tl.program_id(1)
    valid = voxel < voxels
    low_d, far_d, move_d, low_h, far_h, move_h, low_w, far_w, move_w = _points(
        displacement + batch * 3 * voxels,
        voxel,
        voxels,
        depth,
        height,
        width,
        stretch_d,
        stretch_h,
        stretch_w,
        BORDER,
        OFFICIAL,
    )
    to_d = tl.zeros([VOXELS], tl.float32)
    to_h = tl.zeros([VOXELS], tl.float32)
    to_w = tl.zeros([VOXELS], tl.float32)
    for first in range(0, channels, CHANNELS):
        channel = first + tl.arange(0, CHANNELS)
        start = batch * stride_batch + (channel * stride_channel)[None, :]
        there = valid[:, None] & (channel < channels)[None, :]
        above = tl.load(gradient + start + (voxel * stride_voxel)[:, None], mask=there, other=0.0)
        for corner in tl.static_range(8):
            d = low_d + corner // 4
            h = low_h + corner // 2 % 2
            w = low_w + corner % 2
            part_d = far_d if corner // 4 else 1 - far_d
            part_h = far_h if corner // 2 % 2 else 1 - far_h
            part_w = far_w if corner % 2 else 1 - far_w
            inside = (d >= 0) & (d < depth) & (h >= 0) & (h < height) & (w >= 0) & (w < width)
            inside = there & inside[:, None]
            at = start + (((d * height + h) * width + w) * stride_voxel)[:, None]
            value = tl.sum(tl.load(volume + at, mask=inside, other=0.0) * above, axis=1)
            to_d += (value if corner // 4 else -value) * part_h * part_w
            to_h += (value if corner // 2 % 2 else -value) * part_d * part_w
            to_w += (value if corner % 2 else -value) * part_d * part_h
            if TO_VOLUME:
                tl.atomic_add(to_volume + at, (part_d * part_h * part_w)[:, None] * above, mask=inside, sem="relaxed")
    own = to_field + batch * 3 * voxels + voxel
    if SQUARE:
        tl.atomic_add(own, to_d * move_d, mask=valid, sem="relaxed")
        tl.atomic_add(own + voxels, to_h * move_h, mask=valid, sem="relaxed")
        tl.atomic_add(own + 2 * voxels, to_w * move_w, mask=valid, sem="relaxed")
    else:
        tl.store(own, to_d * move_d, mask=valid)
        tl.store(own + voxels, to_h * move_h, mask=valid)
        tl.store(own + 2 * voxels, to_w * move_w, mask=valid)
