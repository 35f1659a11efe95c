"""Layers of SPnet: the pyramid encoder (paper, section 3.2 and Fig. 3) and the velocity estimators (section 3.3).

Level 0 is the finest here (the paper's level 1). The modules lie flat and carry the names of the authors' checkpoint,
so that their published file loads unchanged and a file of ours loads in their program. Facts that only their program
states: LeakyReLU slope .1, the residual addition in the estimator, 4^3 transposed convolutions, the N(0, 1e-5)
initialisation of the velocity heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from spnet.methods.compute import Compute
from spnet.methods.convolution import Upsampling3d
from spnet.methods.layers import flow_head
from spnet.methods.spnet.backbones import Plain, convolution

GLOBAL_CHANNELS = 8


class PyramidLayers(nn.Module):
    """Encoder and estimators of SPnet, for a method to inherit; `add_layers` makes them."""

    levels: int
    backbone: Plain
    compute: Compute

    def add_layers(self, backbone: Plain, channels: tuple[int, ...], estimator_channels: tuple[int, ...]) -> None:
        """Make all layers.

        Parameters
        ----------
        backbone: makes the layers of the encoder.
        channels: of the encoder's layers at each level, finest first.
        estimator_channels: of each level's estimator, finest first.
        """
        self.levels = len(channels)
        self.backbone = backbone
        feature_channels = self._add_encoder(channels)
        for level in reversed(range(self.levels)):
            bottom = level == self.levels - 1
            inputs = 2 * feature_channels[level] + (0 if bottom else GLOBAL_CHANNELS + 3)
            self._add_estimator(level, inputs, estimator_channels[level])

    def encode(self, images: list[Tensor]) -> list[Tensor]:
        """Image pyramid, finest first, each [B, 1, ...] -> feature pyramid, finest first (Eq. 5)."""
        features: list[Tensor] = []
        for level, image in enumerate(images):
            below = features[-1] if level else image
            features.append(self.compute.run(self.backbone.encode, self.get_submodule, level, below, image))
        return features

    def estimate(self, level: int, inputs: list[Tensor], bias: bool = True) -> tuple[Tensor, Tensor]:
        """Maps to concatenate -> field [B, 3, ...] in voxels, and the hidden features behind it (Eq. 7).

        Forward and backward estimation share these weights. `bias` is the head's.
        """
        # Maps of one layout are put together in it; of several, every convolution would rearrange the whole.
        together = torch.cat([each.contiguous(memory_format=torch.channels_last_3d) for each in inputs], dim=1)
        hidden = self.get_submodule(f"conv{level}_0")(together)
        hidden = hidden + self.get_submodule(f"conv{level}_1")(hidden)
        head = self.get_submodule(f"predict_flow{level}")
        return (head if bias else head.without_bias)(hidden), hidden

    def global_feature(self, level: int, hidden: Tensor) -> Tensor:
        """Hidden features of `level`, up-sampled for the next finer one."""
        return self.get_submodule(f"upfeat{level}")(hidden)

    def _add_encoder(self, channels: tuple[int, ...]) -> list[int]:
        feature_channels: list[int] = []
        for level, width in enumerate(channels):
            inputs = feature_channels[-1] if level else 1
            for name, layer in self.backbone.make(level, inputs, width).items():
                self.add_module(name, layer)
            feature_channels.append(self.backbone.channels(level, width))
        return feature_channels

    def _add_estimator(self, level: int, inputs: int, width: int) -> None:
        self.add_module(f"conv{level}_0", convolution(inputs, width))
        self.add_module(f"conv{level}_1", convolution(width, width))
        self.add_module(f"predict_flow{level}", flow_head(width))
        if level:
            self.add_module(f"upfeat{level}", Upsampling3d(width, GLOBAL_CHANNELS))
