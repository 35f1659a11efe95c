"""SPnet and its training loss as one would first write them down: one image and one direction at a time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.reference.fields import integrate, warp
from benchmarks.reference.ncc import local_ncc

# Finest level first: the paper's section 3.2, its Fig. 3 and the layer names of the published weights.
CHANNELS = (8, 16, 32, 32)
ESTIMATOR_CHANNELS = (16, 16, 32, 32)
WINDOWS = (9, 7, 5, 3)
IMAGE_CHANNELS = GLOBAL_CHANNELS = 8
SLOPE = 0.1
LEVELS = range(4)

# Velocity, displacement and inverse of every level, finest first; [B, 3, ...] in voxels of the level's grid.
Levels = list[tuple[Tensor, Tensor, Tensor]]


class PlainSPnet(nn.Module):
    """Layers of the full model under the names of its weights, on contiguous memory; fills itself from `weights`."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        inputs, features = 1, []
        for level in LEVELS:
            width, stride = CHANNELS[level], 2 if level else 1
            self.add_module(f"conv{level}a", _convolution(inputs, width, stride))
            self.add_module(f"conv{level}b", _convolution(width, width))
            if level:
                self.add_module(f"conv_img{level}", _convolution(1, IMAGE_CHANNELS))
            inputs = width + (IMAGE_CHANNELS if level else 0)
            features.append(inputs)
        for level in LEVELS:
            coarser, width = level + 1 in LEVELS, ESTIMATOR_CHANNELS[level]
            joined = 2 * features[level] + (GLOBAL_CHANNELS + 3 if coarser else 0)
            self.add_module(f"conv{level}_0", _convolution(joined, width))
            self.add_module(f"conv{level}_1", _convolution(width, width))
            self.add_module(f"predict_flow{level}", nn.Conv3d(width, 3, 3, padding=1))
            if level:
                self.add_module(f"upfeat{level}", nn.ConvTranspose3d(width, GLOBAL_CHANNELS, 4, 2, padding=1))
        self.load_state_dict({name: tensor.contiguous() for name, tensor in weights.items()})

    def forward(self, moving: Tensor, fixed: Tensor) -> Levels:
        """Two images [B, 1, D, H, W], sizes multiples of 8 -> what every level found."""
        moving_features, fixed_features = self._encode(moving), self._encode(fixed)
        found: Levels = []
        forward_extra: list[Tensor] = []
        backward_extra: list[Tensor] = []
        for level in reversed(LEVELS):
            there, forward_hidden = self._estimate(level, moving_features[level], fixed_features[level], forward_extra)
            back, backward_hidden = self._estimate(level, fixed_features[level], moving_features[level], backward_extra)
            velocity = (there - back) / 2
            displacement, inverse = integrate(velocity), integrate(-velocity)
            found.insert(0, (velocity, displacement, inverse))
            if level:
                up = self.get_submodule(f"upfeat{level}")
                forward_extra = [up(forward_hidden), _upsample(displacement)]
                backward_extra = [up(backward_hidden), _upsample(inverse)]
        return found

    def _encode(self, image: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for level in LEVELS:
            below = features[-1] if level else image
            found = self.get_submodule(f"conv{level}b")(self.get_submodule(f"conv{level}a")(below))
            if level:
                found = torch.cat([found, self.get_submodule(f"conv_img{level}")(_downsample(image, level))], dim=1)
            features.append(found)
        return features

    def _estimate(self, level: int, source: Tensor, target: Tensor, extra: list[Tensor]) -> tuple[Tensor, Tensor]:
        if extra:
            source = warp(source, extra[1])
        hidden = self.get_submodule(f"conv{level}_0")(torch.cat([source, target, *extra], dim=1))
        hidden = hidden + self.get_submodule(f"conv{level}_1")(hidden)
        return self.get_submodule(f"predict_flow{level}")(hidden), hidden


def spnet_loss(levels: Levels, moving: Tensor, fixed: Tensor) -> Tensor:
    """The paper's Eq. 10, lambda = 1: symmetric similarity and smoothness of each level, weighted 1, 1/2, 1/4, 1/8."""
    total = moving.new_zeros(())
    for level, (velocity, displacement, inverse) in enumerate(levels):
        level_moving, level_fixed = _downsample(moving, level), _downsample(fixed, level)
        there = -local_ncc(level_fixed, warp(level_moving, displacement), WINDOWS[level])
        back = -local_ncc(level_moving, warp(level_fixed, inverse), WINDOWS[level])
        total = total + 0.5**level * ((there + back) / 2 + smoothness(velocity))
    return total


def smoothness(field: Tensor) -> Tensor:
    """Mean squared forward difference of a field [B, 3, D, H, W], averaged over the axes."""
    along_d = (field[:, :, 1:] - field[:, :, :-1]).pow(2).mean()
    along_h = (field[:, :, :, 1:] - field[:, :, :, :-1]).pow(2).mean()
    along_w = (field[..., 1:] - field[..., :-1]).pow(2).mean()
    return (along_d + along_h + along_w) / 3


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(SLOPE))


def _downsample(image: Tensor, level: int) -> Tensor:
    return F.interpolate(image, scale_factor=0.5**level, mode="nearest") if level else image


def _upsample(displacement: Tensor) -> Tensor:
    return 2 * F.interpolate(displacement, scale_factor=2, mode="trilinear", align_corners=False)
