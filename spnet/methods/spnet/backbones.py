"""Encoders of SPnet: the paper's multi-scale image encoding (section 3.2) and the backbones of its Table 5.

A backbone makes the layers of one level and says how features come out of them. The layers themselves lie flat in the
network, under the names of the authors' checkpoint, so a backbone is no module and is handed a way to find them. Apart
from the layers, backbones differ in nothing: level 0 is the finest, every other one halves the grid in its first layer.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnet.methods.convolution import Conv3d
from spnet.methods.layers import leaky_relu

SLOPE = 0.1

FindLayer = Callable[[str], nn.Module]


class Plain:
    """Two convolutions a level, "Baseline" of Table 5 and "w/o MIE" of Table 4."""

    def make(self, level: int, inputs: int, width: int) -> dict[str, nn.Module]:
        """Layers of `level` by name, from `inputs` channels to `width` of them."""
        return {
            f"conv{level}a": convolution(inputs, width, _stride(level)),
            f"conv{level}b": convolution(width, width),
        }

    def channels(self, level: int, width: int) -> int:
        """Channels of the features of `level`."""
        return width

    def encode(self, layer: FindLayer, level: int, below: Tensor, image: Tensor) -> Tensor:
        """Features of `level`, [B, `channels`, ...].

        Parameters
        ----------
        below: features of the next finer level; at the finest the image.
        image: down-sampled to the grid of `level`, [B, 1, ...].
        """
        return layer(f"conv{level}b")(layer(f"conv{level}a")(below))


class MultiScale(Plain):
    """Plain, with features of the down-sampled image beside each level's own (Eq. 5), all levels but the finest."""

    def __init__(self, image_channels: int) -> None:
        self._image_channels = image_channels

    def make(self, level: int, inputs: int, width: int) -> dict[str, nn.Module]:
        layers = super().make(level, inputs, width)
        if level:
            layers[f"conv_img{level}"] = convolution(1, self._image_channels)
        return layers

    def channels(self, level: int, width: int) -> int:
        return width + (self._image_channels if level else 0)

    def encode(self, layer: FindLayer, level: int, below: Tensor, image: Tensor) -> Tensor:
        features = super().encode(layer, level, below, image)
        return torch.cat([features, layer(f"conv_img{level}")(image)], dim=1) if level else features


class Residual(Plain):
    """A residual module a level (He et al. 2016): a 1^3 projection joins before the last activation.

    Without normalisation, which no other part of the network has.
    """

    def make(self, level: int, inputs: int, width: int) -> dict[str, nn.Module]:
        stride = _stride(level)
        return {
            f"conv{level}a": convolution(inputs, width, stride),
            f"conv{level}b": Conv3d(width, width, 3, padding=1),
            f"shortcut{level}": Conv3d(inputs, width, 1, stride),
        }

    def encode(self, layer: FindLayer, level: int, below: Tensor, image: Tensor) -> Tensor:
        features = super().encode(layer, level, below, image)
        return F.leaky_relu(features + layer(f"shortcut{level}")(below), SLOPE)


class Inception(Plain):
    """Plain, with an inception module (Szegedy et al. 2015) in place of every convolution."""

    def make(self, level: int, inputs: int, width: int) -> dict[str, nn.Module]:
        return {
            f"conv{level}a": InceptionModule(inputs, width, _stride(level)),
            f"conv{level}b": InceptionModule(width, width),
        }


class InceptionModule(nn.Module):
    """Kernels of 1^3, 3^3 and 5^3 side by side, which make a quarter, a half and a quarter of the channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        widths = {1: outputs // 4, 3: outputs // 2, 5: outputs // 4}
        self.branches = nn.ModuleList(
            Conv3d(inputs, width, kernel, stride, padding=kernel // 2) for kernel, width in widths.items()
        )

    def forward(self, features: Tensor) -> Tensor:
        return F.leaky_relu(torch.cat([branch(features) for branch in self.branches], dim=1), SLOPE, inplace=True)


def make_backbone(name: str, image_channels: int) -> Plain:
    """The backbone of that name, one of `BACKBONES`."""
    return BACKBONES[name](image_channels)


BACKBONES: dict[str, Callable[[int], Plain]] = {
    "mie": MultiScale,
    "plain": lambda _: Plain(),
    "residual": lambda _: Residual(),
    "inception": lambda _: Inception(),
}


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """A 3^3 convolution and its activation, as everywhere in the authors' program."""
    return nn.Sequential(Conv3d(inputs, outputs, 3, stride, padding=1), leaky_relu(SLOPE))


def _stride(level: int) -> int:
    return 2 if level else 1
