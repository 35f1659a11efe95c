"""VoxelMorph (Balakrishnan et al. 2018), and the U-Net that DIF-VM, RCnet and SCCnet share with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from spnet.fields import Sampler, warp
from spnet.losses import gradient_smoothness, local_ncc
from spnet.methods.base import Method, Registration
from spnet.methods.convolution import Conv3d
from spnet.methods.layers import StridedSame, flow_head, leaky_relu
from spnet.methods.options import as_tuples, check_not_negative, check_sampler, check_window

# After which decoder convolution the map is up-sampled and which encoder map (0: the images) joins it.
_JOINS = {0: 3, 1: 2, 2: 1, 4: 0}

Strided = Literal["legacy", "same"]


class UNet(nn.Module):
    """VoxelMorph's U-Net: four strided convolutions down, nearest up-sampling back up.

    With five decoder widths it ends at half resolution, with more at full resolution.

    Parameters
    ----------
    encoder: four widths. decoder: five or more widths.
    strided: ``legacy`` for the 4^3 convolutions of the authors' first PyTorch program, ``same`` for the 3^3 ones with
        TensorFlow's padding.
    slope: of the leaky ReLU after every convolution.
    """

    def __init__(self, encoder: tuple[int, ...], decoder: tuple[int, ...], strided: Strided, slope: float) -> None:
        super().__init__()
        widths = [2, *encoder]
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs in zip(widths, encoder, strict=False):
            legacy = strided == "legacy"
            down = Conv3d(inputs, outputs, 4, 2, padding=1) if legacy else StridedSame(inputs, outputs, 3)
            self.encoder.append(nn.Sequential(down, leaky_relu(slope)))
        inputs = encoder[-1]
        for index, outputs in enumerate(decoder):
            self.decoder.append(nn.Sequential(Conv3d(inputs, outputs, 3, padding=1), leaky_relu(slope)))
            inputs = outputs + (widths[_JOINS[index]] if index in _JOINS else 0)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Two images [B, 1, D, H, W], sizes divisible by 16 -> features."""
        # In the layout of all other maps, lest every one that is joined with it be rearranged.
        maps = [torch.cat([first, second], dim=1).contiguous(memory_format=torch.channels_last_3d)]
        for down in self.encoder:
            maps.append(down(maps[-1]))
        features = maps[-1]
        for index, convolution in enumerate(self.decoder):
            features = convolution(features)
            if index in _JOINS and index + 1 < len(self.decoder):
                features = torch.cat([interpolate(features, scale_factor=2), maps[_JOINS[index]]], dim=1)
        return features


def check_widths(encoder: tuple[int, ...], decoder: tuple[int, ...], full_size: bool) -> None:
    """Raise a ValueError unless :class:`UNet` has these widths and ends at full, or at half, resolution."""
    convolutions = len(_JOINS) + 1  # at half resolution
    fits = len(decoder) > convolutions if full_size else len(decoder) == convolutions
    if len(encoder) != len(_JOINS) or not fits or min(*encoder, *decoder) < 1:
        wanted = f"more than {convolutions}" if full_size else f"{convolutions}"
        raise ValueError(f"encoder needs {len(_JOINS)} widths and decoder {wanted}, not {encoder} and {decoder}")


@dataclass(frozen=True)
class VoxelMorphOptions:
    """Hyper-parameters; the defaults are those of VM-2 in the authors' first PyTorch program, with its README's weight
    for cross-correlation (its default of 0.01 is the one for squared differences).

    Attributes
    ----------
    encoder, decoder: channels of the U-Net's convolutions.
    window: edge of the cross-correlation's cube, in voxels.
    smoothness_weight: of the mean squared forward difference of the displacement, in voxels.
    """

    encoder: tuple[int, ...] = (16, 32, 32, 32)
    decoder: tuple[int, ...] = (32, 32, 32, 32, 32, 16, 16)
    window: int = 9
    smoothness_weight: float = 1.0
    sampler: Sampler = "official"

    def __post_init__(self) -> None:
        as_tuples(self, "encoder", "decoder")
        check_widths(self.encoder, self.decoder, full_size=True)
        check_window(self.window)
        check_not_negative(self, "smoothness_weight")
        check_sampler(self.sampler)


class VoxelMorph(Method):
    """One displacement at full resolution, no integration."""

    Options = VoxelMorphOptions
    multiple = 16

    def __init__(self, options: VoxelMorphOptions) -> None:
        super().__init__(options)
        self.unet = UNet(options.encoder, options.decoder, "legacy", slope=0.2)
        self.flow = flow_head(options.decoder[-1])
        self.sampler = options.sampler

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Displacement of the moving image; the other direction needs another pass."""
        return Registration(self.flow(self.unet(moving, fixed)))

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Local cross-correlation and smoothness of the displacement."""
        warped = warp(moving, registration.forward, self.sampler)
        return {
            "similarity": -local_ncc(fixed, warped, self.options.window),
            "smoothness": self.options.smoothness_weight * gradient_smoothness(registration.forward),
        }
