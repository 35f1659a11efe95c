"""ICNet: inverse-consistent network (Zhang 2018), after the author's program, and the U-Net that SYMNet shares with it.

The modules carry the names of the authors' checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnet.fields import warp
from spnet.losses import antifold, gradient_smoothness, inverse_consistency, local_ncc
from spnet.methods.base import Method, Registration
from spnet.methods.convolution import Conv3d, Float32Conv3d
from spnet.methods.options import check_choice, check_not_negative, check_positive

# Layers of each level and how many channels they give, as multiples of the width; level 0 is at full resolution.
_ENCODER = (
    {"eninput": 1, "ec1": 1},
    {"ec2": 2, "ec3": 2},
    {"ec4": 4, "ec5": 4},
    {"ec6": 8, "ec7": 8},
    {"ec8": 16, "ec9": 8},
)
_DECODER = (
    {"up1": 8, "dc1": 8, "dc2": 4},
    {"up2": 4, "dc3": 4, "dc4": 2},
    {"up3": 2, "dc5": 4, "dc6": 2},
    {"up4": 2, "dc7": 2, "dc8": 2},
)


class UNetLayers(nn.Module):
    """ICNet's U-Net, for a method to inherit; `add_layers` makes it."""

    def add_layers(self, width: int, bias: bool) -> None:
        """Make all layers but the heads.

        Parameters
        ----------
        width: channels at full resolution (the authors' start_channel); features come out with twice as many.
        bias: of the convolutions; the transposed ones always have one.
        """
        inputs, skips = 2, []
        for level, layers in enumerate(_ENCODER):
            for index, (name, channels) in enumerate(layers.items()):
                stride = 2 if level and index == 0 else 1
                convolution = Conv3d(inputs, channels * width, 3, stride, padding=1, bias=bias)
                self.add_module(name, nn.Sequential(convolution, nn.ReLU(inplace=True)))
                inputs = channels * width
            skips.append(inputs)
        skips.pop()
        for layers in _DECODER:
            for index, (name, channels) in enumerate(layers.items()):
                if index == 0:
                    convolution = nn.ConvTranspose3d(inputs, channels * width, 2, stride=2)
                else:
                    convolution = Conv3d(inputs, channels * width, 3, padding=1, bias=bias)
                self.add_module(name, nn.Sequential(convolution, nn.ReLU(inplace=True)))
                inputs = channels * width + (skips.pop() if index == 0 else 0)

    def features(self, first: Tensor, second: Tensor) -> Tensor:
        """Two images [B, 1, D, H, W], sizes divisible by 16 -> features [B, 2 width, D, H, W]."""
        maps, found = [], torch.cat([first, second], dim=1)
        for layers in _ENCODER:
            for name in layers:
                found = self.get_submodule(name)(found)
            maps.append(found)
        maps.pop()
        for up, *convolutions in _DECODER:
            found = torch.cat([self.get_submodule(up)(found), maps.pop()], dim=1)
            for name in convolutions:
                found = self.get_submodule(name)(found)
        return found


@dataclass(frozen=True)
class ICNetOptions:
    """Hyper-parameters; the defaults are the author's.

    Attributes
    ----------
    largest: bound of every component of the displacement, in voxels.
    similarity: ``mse``, of images brought to mean 0 and deviation 1, or ``lncc`` (9^3 local cross-correlation).
    """

    start_channel: int = 8
    largest: float = 7.0
    similarity: str = "mse"
    inverse_weight: float = 0.05
    antifold_weight: float = 100_000.0
    smoothness_weight: float = 0.5

    def __post_init__(self) -> None:
        check_choice("similarity", self.similarity, ("mse", "lncc"))
        check_positive(self, "start_channel", "largest")
        check_not_negative(self, "inverse_weight", "antifold_weight", "smoothness_weight")


class ICNet(Method, UNetLayers):
    """One network run both ways, its two fields held to undo each other."""

    Options = ICNetOptions
    sampler = "exact_zeros"
    multiple = 16

    def __init__(self, options: ICNetOptions) -> None:
        super().__init__(options)
        self.add_layers(options.start_channel, bias=False)
        self.dc9 = nn.Sequential(Float32Conv3d(2 * options.start_channel, 3, 1, bias=False), nn.Tanh())

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Displacement of the moving image; the other direction is another pass of the same network."""
        bounded = self.dc9(self.features(standardise(moving), standardise(fixed)))
        return Registration(self.options.largest * bounded.flip(1))  # the author's channel 0 moves the last axis

    def training_loss(self, images: Sequence[Tensor]) -> dict[str, Tensor]:
        """The terms of both passes."""
        moving, fixed = images
        forward, backward = self(moving, fixed).forward, self(fixed, moving).forward
        return self.loss(Registration(forward, backward), moving, fixed)

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Similarity both ways, inverse consistency, anti-folding and smoothness of both fields."""
        options, fields = self.options, (registration.forward, registration.backward)
        if options.similarity == "mse":
            moving, fixed = standardise(moving), standardise(fixed)
            dissimilarity = F.mse_loss
        else:
            dissimilarity = _negative_ncc
        images = zip((moving, fixed), fields, strict=True)
        onto_fixed, onto_moving = (warp(image, field, self.sampler) for image, field in images)
        return {
            "similarity": dissimilarity(fixed, onto_fixed) + dissimilarity(moving, onto_moving),
            "inverse": options.inverse_weight * inverse_consistency(*fields, self.sampler),
            "antifold": options.antifold_weight * sum(antifold(field) for field in fields),
            "smoothness": options.smoothness_weight * sum(gradient_smoothness(field) for field in fields),
        }


def standardise(image: Tensor) -> Tensor:
    """Each image of [B, 1, D, H, W] to mean 0 and standard deviation 1, as the author's loader; flat ones to 0."""
    axes = (1, 2, 3, 4)
    centred = image - image.mean(axes, keepdim=True)
    return centred / centred.square().mean(axes, keepdim=True).sqrt().clamp_min(1e-6)


def _negative_ncc(fixed: Tensor, warped: Tensor) -> Tensor:
    return -local_ncc(fixed, warped)
