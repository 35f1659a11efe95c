"""The convolution all methods are built from: torch's own, kept from its slow kernel on the CPU."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# One volume of at most so many channels x depth x height goes to torch's plain kernel instead of oneDNN's
# (`ConvParams::use_mkldnn` in its Convolution.cpp), however wide; batches and kernels of 4 or more never do.
_PLAIN_KERNEL_UP_TO = 20480


class Conv3d(nn.Conv3d):
    """``nn.Conv3d``; a small volume alone is computed as a batch of its two overlapping halves along the first axis.

    The result is the same up to rounding, three to ten times sooner at the coarse levels of a pyramid.
    """

    def _conv_forward(self, volume: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        rows = (volume.shape[2] + 2 * self.padding[0] - self.kernel_size[0]) // self.stride[0] + 1
        if rows % 2 or not self._would_be_slow(volume):
            return super()._conv_forward(volume, weight, bias)
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


def widened(tensor: Tensor) -> Tensor:
    """bfloat16 as float32; anything else as it is."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor
