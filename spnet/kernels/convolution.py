"""Three-dimensional convolutions of few channels, as products of matrices that are never written down.

cuDNN has no fast kernels for such layers: at full resolution, with 8 to 32 channels, most of a training's time goes
into the gradients of them. Volumes are channels last here, so that the inputs of one output voxel along the last axis
are neighbours in memory; a row of the matrix holds them for one or for all offsets of the cubic window.
"""

from __future__ import annotations

from typing import Literal

import torch
import triton
import triton.language as tl
from torch import Tensor

Precision = Literal["ieee", "tf32"]

# Inputs of one output voxel up to which they fit one row of the matrix.
_ONE_ROW = 64
# Voxels, and inputs of a voxel, that a program takes at once: what was fastest on an H100.
_VOXELS, _VOXELS_OF_GRADIENT, _INPUTS_OF_GRADIENT = 128, 64, 64
_PROGRAMS = 2112  # of a weight gradient: sixteen for each multiprocessor of an H100


def convolve(
    volume: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, precision: Precision
) -> Tensor:
    """``conv3d`` with a cubic kernel.

    Parameters
    ----------
    volume: [B, C, D, H, W] on a CUDA device. weight: [O, C, K, K, K], same precision. bias: [O] in float32, or None.
    precision: of the products of a float32 volume; sums are in float32.

    Returns
    -------
    [B, O, ...], channels last.
    """
    volume = volume.contiguous(memory_format=torch.channels_last_3d)
    outputs, channels, kernel = weight.shape[:3]
    batch, _, *size = volume.shape
    found = [(length + 2 * padding - kernel) // stride + 1 for length in size]
    result = torch.empty(
        (batch, outputs, *found), dtype=volume.dtype, device=volume.device, memory_format=torch.channels_last_3d
    )
    voxels = result[:, 0].numel()
    rows = weight.permute(2, 3, 4, 1, 0).reshape(-1, outputs).contiguous()
    one_row = kernel**3 * channels <= _ONE_ROW
    per_row = (kernel**3 if one_row else kernel) * channels
    _convolve[(triton.cdiv(voxels, _VOXELS),)](
        volume,
        rows,
        rows if bias is None else bias,
        result,
        voxels,
        *size,
        *found,
        CHANNELS=channels,
        OUTPUTS=outputs,
        WIDTH=_power_of_two(outputs),
        KERNEL=kernel,
        STRIDE=stride,
        PADDING=padding,
        ONE_ROW=one_row,
        VOXELS=_VOXELS,
        INPUTS=_inputs_at_once(per_row),
        BIAS=bias is not None,
        PRECISION=precision,
        num_warps=4,
        num_stages=2,
    )
    return result


def input_gradient(gradient: Tensor, weight: Tensor, padding: int, precision: Precision) -> Tensor:
    """Gradient to the volume of a convolution of stride 1, from the one to its result."""
    mirrored = weight.flip(2, 3, 4).transpose(0, 1)
    return convolve(gradient, mirrored, None, 1, weight.shape[2] - 1 - padding, precision)


def weight_gradient(
    volume: Tensor, gradient: Tensor, kernel: int, stride: int, padding: int, precision: Precision
) -> Tensor:
    """Gradient to the weight [O, C, K, K, K] of a convolution of `volume`, from the one to its result."""
    volume, gradient = (each.contiguous(memory_format=torch.channels_last_3d) for each in (volume, gradient))
    channels, outputs = volume.shape[1], gradient.shape[1]
    voxels = gradient[:, 0].numel()
    one_row = kernel**3 * channels <= _ONE_ROW
    per_row = (kernel**3 if one_row else kernel) * channels
    pieces = triton.cdiv(per_row, _INPUTS_OF_GRADIENT) * (1 if one_row else kernel**2)
    splits = max(1, min(triton.cdiv(voxels, _VOXELS_OF_GRADIENT), _PROGRAMS // pieces))
    parts = torch.empty((splits, kernel**3 * channels, outputs), dtype=torch.float32, device=volume.device)
    _sum_weights[(pieces, splits)](
        volume,
        gradient,
        parts,
        voxels,
        *volume.shape[2:],
        *gradient.shape[2:],
        CHANNELS=channels,
        OUTPUTS=outputs,
        WIDTH=_power_of_two(outputs),
        KERNEL=kernel,
        STRIDE=stride,
        PADDING=padding,
        ONE_ROW=one_row,
        VOXELS=_VOXELS_OF_GRADIENT,
        INPUTS=_INPUTS_OF_GRADIENT,
        PRECISION=precision,
        num_warps=4,
        num_stages=2,
    )
    return parts.sum(0).reshape(kernel, kernel, kernel, channels, outputs).permute(4, 3, 0, 1, 2)


def _power_of_two(number: int) -> int:
    """Next one, at least the 16 that tensor cores multiply by."""
    return max(16, triton.next_power_of_2(number))


def _inputs_at_once(per_row: int) -> int:
    """16 or 32, whichever leaves fewer empty places in the last step along a row, 32 where they are equal."""
    return 16 if -per_row % 16 < -per_row % 32 else 32


@triton.jit
def _inputs(
    volume,
    voxel,
    voxels,
    row,
    place,
    per_row: tl.constexpr,
    depth,
    height,
    width,
    out_depth,
    out_height,
    out_width,
    CHANNELS: tl.constexpr,
    KERNEL: tl.constexpr,
    STRIDE: tl.constexpr,
    PADDING: tl.constexpr,
    ONE_ROW: tl.constexpr,
):
    """Inputs of output voxels [V] at the places [I] of a row: [V, I], zero outside the volume."""
    w = voxel % out_width * STRIDE - PADDING
    rest = voxel // out_width
    h = rest % out_height * STRIDE - PADDING
    rest = rest // out_height
    d = rest % out_depth * STRIDE - PADDING
    batch = rest // out_depth
    offset = place // CHANNELS
    inside = (voxel < voxels)[:, None] & (place < per_row)[None, :]
    if ONE_ROW:
        ds = d[:, None] + (offset // (KERNEL * KERNEL))[None, :]
        hs = h[:, None] + (offset // KERNEL % KERNEL)[None, :]
        ws = w[:, None] + (offset % KERNEL)[None, :]
        inside = inside & (ds >= 0) & (ds < depth) & (hs >= 0) & (hs < height) & (ws >= 0) & (ws < width)
        at = ((batch[:, None] * depth + ds) * height + hs) * width + ws
        return tl.load(volume + at * CHANNELS + (place % CHANNELS)[None, :], mask=inside, other=0.0)
    else:
        d = d + row // KERNEL
        h = h + row % KERNEL
        ws = w[:, None] + offset[None, :]
        line = (d >= 0) & (d < depth) & (h >= 0) & (h < height)
        inside = inside & line[:, None] & (ws >= 0) & (ws < width)
        at = (((batch * depth + d) * height + h) * width + w) * CHANNELS
        return tl.load(volume + at[:, None] + place[None, :], mask=inside, other=0.0)


@triton.jit
def _rounded(values, PRECISION: tl.constexpr):
    """float32 rounded to the nearest TF32, which tensor cores would cut off instead."""
    if PRECISION == "tf32" and values.dtype == tl.float32:
        return ((values.to(tl.int32, bitcast=True) + 0x1000) & -0x2000).to(tl.float32, bitcast=True)
    else:
        return values


@triton.jit
def _convolve(
    volume,
    rows,
    bias,
    result,
    voxels,
    depth,
    height,
    width,
    out_depth,
    out_height,
    out_width,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    WIDTH: tl.constexpr,
    KERNEL: tl.constexpr,
    STRIDE: tl.constexpr,
    PADDING: tl.constexpr,
    ONE_ROW: tl.constexpr,
    VOXELS: tl.constexpr,
    INPUTS: tl.constexpr,
    BIAS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    per_row: tl.constexpr = (KERNEL * KERNEL * KERNEL if ONE_ROW else KERNEL) * CHANNELS
    all_rows: tl.constexpr = 1 if ONE_ROW else KERNEL * KERNEL
    voxel = tl.program_id(0) * VOXELS + tl.arange(0, VOXELS)
    output = tl.arange(0, WIDTH)
    total = tl.zeros([VOXELS, WIDTH], tl.float32)
    for row in range(all_rows):
        for step in tl.static_range((per_row + INPUTS - 1) // INPUTS):
            place = step * INPUTS + tl.arange(0, INPUTS)
            inputs = _inputs(
                volume,
                voxel,
                voxels,
                row,
                place,
                per_row,
                depth,
                height,
                width,
                out_depth,
                out_height,
                out_width,
                CHANNELS,
                KERNEL,
                STRIDE,
                PADDING,
                ONE_ROW,
            )
            weights = tl.load(
                rows + (row * per_row + place)[:, None] * OUTPUTS + output[None, :],
                mask=(place < per_row)[:, None] & (output < OUTPUTS)[None, :],
                other=0.0,
            )
            total = tl.dot(_rounded(inputs, PRECISION), _rounded(weights, PRECISION), total, input_precision=PRECISION)
    if BIAS:
        total += tl.load(bias + output, mask=output < OUTPUTS, other=0.0)[None, :]
    tl.store(
        result + voxel[:, None] * OUTPUTS + output[None, :],
        total,
        mask=(voxel < voxels)[:, None] & (output < OUTPUTS)[None, :],
    )


@triton.jit
def _sum_weights(
    volume,
    gradient,
    parts,
    voxels,
    depth,
    height,
    width,
    out_depth,
    out_height,
    out_width,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    WIDTH: tl.constexpr,
    KERNEL: tl.constexpr,
    STRIDE: tl.constexpr,
    PADDING: tl.constexpr,
    ONE_ROW: tl.constexpr,
    VOXELS: tl.constexpr,
    INPUTS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    per_row: tl.constexpr = (KERNEL * KERNEL * KERNEL if ONE_ROW else KERNEL) * CHANNELS
    steps: tl.constexpr = (per_row + INPUTS - 1) // INPUTS
    row = tl.program_id(0) // steps
    place = tl.program_id(0) % steps * INPUTS + tl.arange(0, INPUTS)
    split = tl.program_id(1)
    output = tl.arange(0, WIDTH)
    total = tl.zeros([INPUTS, WIDTH], tl.float32)
    for block in range(split, tl.cdiv(voxels, VOXELS), tl.num_programs(1)):
        voxel = block * VOXELS + tl.arange(0, VOXELS)
        inputs = _inputs(
            volume,
            voxel,
            voxels,
            row,
            place,
            per_row,
            depth,
            height,
            width,
            out_depth,
            out_height,
            out_width,
            CHANNELS,
            KERNEL,
            STRIDE,
            PADDING,
            ONE_ROW,
        )
        gradients = tl.load(
            gradient + voxel[:, None] * OUTPUTS + output[None, :],
            mask=(voxel < voxels)[:, None] & (output < OUTPUTS)[None, :],
            other=0.0,
        )
        inputs, gradients = _rounded(inputs, PRECISION), _rounded(gradients, PRECISION)
        total = tl.dot(tl.trans(inputs), gradients, total, input_precision=PRECISION)
    all_places: tl.constexpr = KERNEL * KERNEL * KERNEL * CHANNELS
    tl.store(
        parts + (split * all_places + row * per_row + place)[:, None] * OUTPUTS + output[None, :],
        total,
        mask=(place < per_row)[:, None] & (output < OUTPUTS)[None, :],
    )
