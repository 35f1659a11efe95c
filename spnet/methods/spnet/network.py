"""Layers of SPnet: the pyramid encoder (paper, section 3.2 and Fig. 3) and the velocity estimators (section 3.3).

Level 0 is the finest here (the paper's level 1). The modules lie flat and carry the names of the authors' checkpoint,
so that their published file loads unchanged and a file of ours loads in their program. Facts that only their program
states: LeakyReLU slope .1, the residual addition in the estimator, 4^3 transposed convolutions, the N(0, 1e-5)
initialisation of the velocity heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spnet.methods.layers import flow_head

GLOBAL_CHANNELS = 8
SLOPE = 0.1


class PyramidLayers(nn.Module):
    """Encoder and estimators of SPnet, for a method to inherit; `add_layers` makes them."""

    levels: int
    image_channels: int

    def add_layers(self, channels: tuple[int, ...], image_channels: int, estimator_channels: tuple[int, ...]) -> None:
        """Make all layers.

        Parameters
        ----------
        channels: of the two-convolution block of each level, finest first.
        image_channels: of the additional convolution on the down-sampled image, all levels but the finest; 0 for none.
        estimator_channels: of each level's estimator, finest first.
        """
        self.levels = len(channels)
        self.image_channels = image_channels
        feature_channels = self._add_encoder(channels, image_channels)
        for level in reversed(range(self.levels)):
            bottom = level == self.levels - 1
            inputs = 2 * feature_channels[level] + (0 if bottom else GLOBAL_CHANNELS + 3)
            self._add_estimator(level, inputs, estimator_channels[level])

    def encode(self, images: list[Tensor]) -> list[Tensor]:
        """Image pyramid, finest first, each [B, 1, ...] -> feature pyramid, finest first (Eq. 5)."""
        features: list[Tensor] = []
        for level, image in enumerate(images):
            feature = self._layer(f"conv{level}a")(features[-1] if level else image)
            feature = self._layer(f"conv{level}b")(feature)
            if level and self.image_channels:
                feature = torch.cat([feature, self._layer(f"conv_img{level}")(image)], dim=1)
            features.append(feature)
        return features

    def estimate(self, level: int, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps to concatenate -> velocity [B, 3, ...] in voxels, and the hidden features behind it (Eq. 7).

        Forward and backward estimation share these weights.
        """
        hidden = self._layer(f"conv{level}_0")(torch.cat(inputs, dim=1))
        hidden = hidden + self._layer(f"conv{level}_1")(hidden)
        return self._layer(f"predict_flow{level}")(hidden), hidden

    def global_feature(self, level: int, hidden: Tensor) -> Tensor:
        """Hidden features of `level`, up-sampled for the next finer one."""
        return self._layer(f"upfeat{level}")(hidden)

    def _layer(self, name: str) -> nn.Module:
        return self.get_submodule(name)

    def _add_encoder(self, channels: tuple[int, ...], image_channels: int) -> list[int]:
        feature_channels: list[int] = []
        for level, width in enumerate(channels):
            inputs = feature_channels[-1] if level else 1
            self.add_module(f"conv{level}a", _convolution(inputs, width, stride=2 if level else 1))
            self.add_module(f"conv{level}b", _convolution(width, width))
            if level and image_channels:
                self.add_module(f"conv_img{level}", _convolution(1, image_channels))
            feature_channels.append(width + (image_channels if level else 0))
        return feature_channels

    def _add_estimator(self, level: int, inputs: int, width: int) -> None:
        self.add_module(f"conv{level}_0", _convolution(inputs, width))
        self.add_module(f"conv{level}_1", _convolution(width, width))
        self.add_module(f"predict_flow{level}", flow_head(width))
        if level:
            self.add_module(f"upfeat{level}", nn.ConvTranspose3d(width, GLOBAL_CHANNELS, 4, stride=2, padding=1))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(SLOPE))
