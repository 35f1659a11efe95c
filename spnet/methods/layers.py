"""Convolutions that several methods are built from."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnet.methods.convolution import Conv3d, Float32Conv3d, widened


class FlowHead(Float32Conv3d):
    """The last convolution before a field."""

    def without_bias(self, features: Tensor) -> Tensor:
        """For a field whose bias cancels against another's: a gradient of rounding alone would train it at random."""
        with torch.autocast(features.device.type, enabled=False):
            return self._conv_forward(widened(features), self.weight, None)


def flow_head(inputs: int, std: float = 1e-5, bias: float = 0.0) -> FlowHead:
    """Convolution to the three components of a field, nearly zero at the start: weights N(0, std)."""
    head = FlowHead(inputs, 3, 3, padding=1)
    nn.init.normal_(head.weight, std=std)
    nn.init.constant_(head.bias, bias)
    return head


def leaky_relu(slope: float) -> nn.LeakyReLU:
    """A leaky ReLU in place of its input: the backward pass needs what comes out alone, so half as much is kept."""
    return nn.LeakyReLU(slope, inplace=True)


class StridedSame(Conv3d):
    """Convolution of stride 2 with TensorFlow's "same" padding for even sizes: the odd voxel goes to the far side."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel, stride=2)
        missing = kernel - 2
        self._padding = [missing // 2, missing - missing // 2] * 3

    def forward(self, volume: Tensor) -> Tensor:
        return super().forward(F.pad(volume, self._padding))


def start(network: nn.Module, draw: Callable[[Tensor], object]) -> None:
    """Start all convolutions of a network by `draw`, which fills a weight, with zero biases."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            draw(module.weight)
            nn.init.zeros_(module.bias)


def he_normal(weight: Tensor) -> None:
    """Keras' initialisation of that name, but for its truncation at two standard deviations."""
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def uniform_scaling(weight: Tensor) -> None:
    """Tflearn's initialisation of that name: a variance of one over the number of inputs."""
    nn.init.kaiming_uniform_(weight, nonlinearity="linear")
