"""The convolutions all methods are built from: torch's own, kept from its slow kernels on the CPU and on CUDA.

Which form computes a layer is chosen here alone, by device and shape; all agree up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from spnet import kernels
from spnet.device import convolution_precision

# One volume of at most so many channels x depth x height goes to torch's plain kernel instead of oneDNN's
# (`ConvParams::use_mkldnn` in its Convolution.cpp), however wide; batches and kernels of 4 or more never do.
_PLAIN_KERNEL_UP_TO = 20480
# What follows was measured on an H100. cuDNN's kernels for a number of channels that is no multiple of this are up to
# twice as slow.
_CHANNELS = 4
# Our kernels are the faster ones from so many voxels on, up to so many channels times kernel width; for the gradient to
# the weight, up to so many inputs of one voxel.
_VOXELS_FROM, _WIDTH_UP_TO, _FLOAT32_WIDTH_UP_TO, _ONE_ROW_UP_TO = 100_000, 48, 96, 64
# Up to so many channels, cuDNN finds the gradient to the weight sooner from pairs of voxels.
_FOLDED_UP_TO = 8


class Conv3d(nn.Conv3d):
    """``nn.Conv3d`` with a cubic kernel, by whichever form is the fastest; the result is the same up to rounding."""

    def _conv_forward(self, volume: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if volume.is_cuda:
            return self._on_cuda(*_as_autocast(volume, weight), bias)
        rows = (volume.shape[2] + 2 * self.padding[0] - self.kernel_size[0]) // self.stride[0] + 1
        if rows % 2 or not self._would_be_slow(volume):
            return super()._conv_forward(volume, weight, bias)
        return self._in_halves(volume, weight, bias, rows)

    def _on_cuda(self, volume: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.kernel_size[0] == 1 or volume[:, 0].numel() < _VOXELS_FROM or not kernels.usable(volume, weight):
            return super()._conv_forward(volume, weight, bias if bias is None else bias.to(volume.dtype))
        return _Convolution.apply(volume, weight, bias, self.stride[0], self.padding[0])

    def _in_halves(self, volume: Tensor, weight: Tensor, bias: Tensor | None, rows: int) -> Tensor:
        """A small volume alone as a batch of its two overlapping halves along the first axis: three to ten times sooner
        at the coarse levels of a pyramid.
        """
        padded = F.pad(volume, [width for padding in reversed(self.padding) for width in (padding, padding)])
        taken = (rows // 2 - 1) * self.stride[0] + self.kernel_size[0]
        start = rows // 2 * self.stride[0]
        halves = torch.cat([padded[:, :, :taken], padded[:, :, start : start + taken]])
        found = F.conv3d(halves, weight, bias, self.stride)
        return torch.cat([found[:1], found[1:]], dim=2)

    def _would_be_slow(self, volume: Tensor) -> bool:
        return (
            volume.device.type == "cpu"
            and volume.dtype == torch.float32
            and volume.shape[0] == 1
            and 1 < self.kernel_size[1] <= 3
            and volume.shape[1:4].numel() <= _PLAIN_KERNEL_UP_TO
        )


class Float32Conv3d(Conv3d):
    """The same in float32 under any autocast: the last convolution before a field, whose rounding would move voxels."""

    def forward(self, volume: Tensor) -> Tensor:
        with torch.autocast(volume.device.type, enabled=False):
            return super().forward(widened(volume))


def convolve_together(layers: Sequence[Conv3d], volume: Tensor) -> tuple[Tensor, ...]:
    """What layers of one form, without biases, make of the same volume, by one convolution for all of them."""
    with torch.autocast(volume.device.type, enabled=False):
        weight = torch.cat([layer.weight for layer in layers])
        found = layers[0]._conv_forward(widened(volume), weight, None)
    return found.split([layer.out_channels for layer in layers], dim=1)


class Upsampling3d(nn.ConvTranspose3d):
    """Transposed convolution with a kernel of 4^3, a stride of 2 and a padding of 1: twice the grid.

    On CUDA it is done as a convolution of 3^3 that gives the eight voxels of a cell as channels, since cuDNN's gradient
    to the weight of the transposed one is slow: a fifth of a training step of SPnet on an H100.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 4, stride=2, padding=1)

    def forward(self, volume: Tensor) -> Tensor:
        return upsample_by_cells(volume, self.weight, self.bias) if volume.is_cuda else super().forward(volume)


def upsample_by_cells(volume: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """``conv_transpose3d`` of kernel 4, stride 2 and padding 1, [B, I, D, H, W] -> [B, O, 2D, 2H, 2W].

    Of one axis, the even voxel of cell i sees the input at i - 1 through the kernel's last weight and at i through its
    second, the odd one the inputs at i and i + 1 through its third and first.
    """
    inputs, outputs = weight.shape[:2]
    for axis in (2, 3, 4):
        first, second, third, last = weight.split(1, dim=axis)
        nothing = torch.zeros_like(first)
        weight = torch.cat([last, second, nothing, nothing, third, first], dim=axis)
    # [I, O, 2 x 3, 2 x 3, 2 x 3]: for each of the eight voxels of a cell, a kernel of 3^3.
    cells = weight.reshape(inputs, outputs, 2, 3, 2, 3, 2, 3).permute(2, 4, 6, 1, 0, 3, 5, 7)
    cells = cells.reshape(8 * outputs, inputs, 3, 3, 3).contiguous(memory_format=torch.channels_last_3d)
    found = F.conv3d(volume, cells, bias.repeat(8), padding=1).permute(0, 2, 3, 4, 1)
    batch, depth, height, width, _ = found.shape
    found = found.reshape(batch, depth, height, width, 2, 2, 2, outputs).permute(0, 1, 4, 2, 5, 3, 6, 7)
    return found.reshape(batch, 2 * depth, 2 * height, 2 * width, outputs).permute(0, 4, 1, 2, 3)


class _Convolution(torch.autograd.Function):
    """A convolution on CUDA; result and gradients each by our kernel or by cuDNN's, whichever is faster."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, volume: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
    ) -> Tensor:
        ctx.biased, ctx.stride, ctx.padding = bias is not None, stride, padding
        if weight.shape[0] <= 16 and weight.shape[2] == 3 and _is_narrow(volume, weight):
            from spnet.kernels.convolution import convolve

            ctx.save_for_backward(volume, weight)
            return convolve(volume, weight, bias, stride, padding, convolution_precision())
        volume = with_channels(volume, _CHANNELS)
        ctx.save_for_backward(volume, weight)
        wide = _wide(weight, volume.shape[1], weight.shape[0])
        return F.conv3d(volume, wide, bias if bias is None else bias.to(volume.dtype), stride, padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        volume, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last_3d)
        to_volume = to_weight = to_bias = None
        if ctx.needs_input_grad[0]:
            to_volume = _input_gradient(gradient, volume, weight, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            to_weight = _weight_gradient(gradient, volume, weight, ctx.stride, ctx.padding).to(weight.dtype)
        if ctx.biased and ctx.needs_input_grad[2]:
            to_bias = gradient.sum((0, 2, 3, 4), dtype=torch.float32)
        return to_volume, to_weight, to_bias, None, None


def _input_gradient(gradient: Tensor, volume: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    if stride == 1 and _is_narrow(gradient, weight):
        from spnet.kernels.convolution import input_gradient

        inputs = weight.shape[1] if weight.shape[1] <= 2 else weight.shape[1] + -weight.shape[1] % _CHANNELS
        wide = _wide(weight, inputs, weight.shape[0])
        return input_gradient(gradient, wide, padding, convolution_precision())[:, : weight.shape[1]]
    wide = _wide(weight, volume.shape[1], weight.shape[0])
    found = _convolution_gradient(gradient, volume, wide, stride, padding, to_volume=True)
    return found[:, : weight.shape[1]]


def _weight_gradient(gradient: Tensor, volume: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    outputs, inputs, kernel = weight.shape[:3]
    exact = convolution_precision() == "ieee" and gradient.dtype == torch.float32
    if exact or kernel**3 * inputs <= _ONE_ROW_UP_TO:
        from spnet.kernels.convolution import weight_gradient

        found = weight_gradient(volume, gradient, kernel, stride, padding, convolution_precision())
    elif max(outputs, inputs) <= _FOLDED_UP_TO and (kernel, stride, padding) == (3, 1, 1) and volume.shape[4] % 2 == 0:
        found = weight_gradient_of_pairs(volume, gradient)
    else:
        volume, gradient = with_channels(volume, _CHANNELS), with_channels(gradient, _CHANNELS)
        wide = _wide(weight, volume.shape[1], gradient.shape[1])
        found = _convolution_gradient(gradient, volume, wide, stride, padding, to_volume=False)
    return found[:outputs, :inputs]


def weight_gradient_of_pairs(volume: Tensor, gradient: Tensor) -> Tensor:
    """Gradient to the weight of a convolution of kernel 3 and padding 1, from pairs of voxels along the last axis.

    A pair of voxels becomes one of twice the channels, for which cuDNN's kernels are faster. The weight
    that leads from voxel b of a pair to voxel a of the pair t further left is the one at 2 t + b - a.

    Parameters
    ----------
    volume: [B, I, D, H, W] with an even W. gradient: [B, O, D, H, W]. Both channels last.
    """
    inputs, outputs = volume.shape[1], gradient.shape[1]
    pairs, pair_gradient = (_in_pairs(each) for each in (volume, gradient))
    shape = (2 * outputs, 2 * inputs, 3, 3, 3)
    like = torch.empty(shape, dtype=volume.dtype, device=volume.device, memory_format=torch.channels_last_3d)
    found = _convolution_gradient(pair_gradient, pairs, like, 1, 1, to_volume=False)
    parts = found.reshape(2, outputs, 2, inputs, 3, 3, 3)
    total = [0, 0, 0]
    for to in range(2):
        for source in range(2):
            for step in range(3):
                offset = 2 * (step - 1) + source - to
                if abs(offset) <= 1:
                    total[offset + 1] = total[offset + 1] + parts[to, :, source, :, :, :, step]
    return torch.stack(total, dim=-1)


def _in_pairs(volume: Tensor) -> Tensor:
    """[B, C, D, H, W] channels last -> [B, 2 C, D, H, W / 2] of the same memory."""
    batch, channels, depth, height, width = volume.shape
    last = volume.permute(0, 2, 3, 4, 1).contiguous()
    return last.reshape(batch, depth, height, width // 2, 2 * channels).permute(0, 4, 1, 2, 3)


def _convolution_gradient(
    gradient: Tensor, volume: Tensor, weight: Tensor, stride: int, padding: int, to_volume: bool
) -> Tensor:
    """Gradient to the volume, or to the weight, by torch."""
    wanted = [to_volume, not to_volume, False]
    steps, margins = [stride] * 3, [padding] * 3
    found = torch.ops.aten.convolution_backward(
        gradient, volume, weight, None, steps, margins, [1] * 3, False, [0] * 3, 1, wanted
    )
    return found[0] if to_volume else found[1]


def with_channels(volume: Tensor, multiple: int) -> Tensor:
    """The volume, channels last, with channels of zeros up to a multiple; as it is where it has such a number."""
    missing = -volume.shape[1] % multiple
    if volume.shape[1] <= 2 or not missing:
        return volume
    shape = (volume.shape[0], volume.shape[1] + missing, *volume.shape[2:])
    wide = torch.empty(shape, dtype=volume.dtype, device=volume.device, memory_format=torch.channels_last_3d)
    wide[:, : volume.shape[1]] = volume
    wide[:, volume.shape[1] :] = 0
    return wide


def _wide(weight: Tensor, inputs: int, outputs: int) -> Tensor:
    """The weight with zeros for channels that were added."""
    if weight.shape[:2] == (outputs, inputs):
        return weight
    wide = F.pad(weight, [0] * 6 + [0, inputs - weight.shape[1], 0, outputs - weight.shape[0]])
    return wide.contiguous(memory_format=torch.channels_last_3d)


def _is_narrow(volume: Tensor, weight: Tensor) -> bool:
    """Whether our kernel convolves a volume of so many channels faster than cuDNN's."""
    exact = convolution_precision() == "ieee" and volume.dtype == torch.float32
    return volume.shape[1] * weight.shape[2] <= (_FLOAT32_WIDTH_UP_TO if exact else _WIDTH_UP_TO)


def _as_autocast(volume: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Both in the type that autocast asks of a convolution."""
    if not torch.is_autocast_enabled(volume.device.type):
        return volume, weight
    wanted = torch.get_autocast_dtype(volume.device.type)
    return volume.to(wanted), weight.to(wanted)


def widened(tensor: Tensor) -> Tensor:
    """bfloat16 as float32; anything else as it is."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor
