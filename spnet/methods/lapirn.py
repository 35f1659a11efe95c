"""LapIRN: Laplacian pyramid image registration network (Mok and Chung 2020b), after the authors' program.

Inside, fields are in units of half the grid, last axis first, as the authors'; the modules carry the names of their
checkpoints. The method itself is the finest of three nested levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnet.errors import ConfigError
from spnet.fields import Orientation, integrate
from spnet.fields.warp import from_normalised, sample, to_normalised
from spnet.losses import gradient_smoothness, local_ncc, negative_jacobian
from spnet.methods.base import Method, Registration, Stage
from spnet.methods.convolution import Conv3d, Float32Conv3d
from spnet.methods.layers import leaky_relu
from spnet.methods.options import as_tuples, check_not_negative, check_positive

_SLOPE = 0.2
_BLOCKS = 5
_STAGES = ("level 1", "level 2", "level 3")
_SMOOTHNESS = {True: 3.5, False: 1.0}


@dataclass(frozen=True)
class LapIRNOptions:
    """Hyper-parameters; the defaults are the authors'.

    Attributes
    ----------
    diffeomorphic: velocities, integrated at every level (their "diff"); else displacements, summed ("disp").
    largest: bound of each level's correction, in half grids.
    smoothness_weight: 3.5 for velocities and 1 for displacements unless given.
    frozen_steps: at the start of the second and third stage, steps in which the coarser levels do not train.
    stage_shares: of all training steps, coarsest level first.
    axes, reversed_axes: how the arrays lay that the weights were trained on (:class:`spnet.fields.Orientation`).
    """

    diffeomorphic: bool = True
    start_channel: int = 7
    largest: float = 0.4
    integration_steps: int = 7
    window: int = 7
    smoothness_weight: float | None = None
    antifold_weight: float = 0.0
    frozen_steps: int = 2000
    stage_shares: tuple[float, ...] = (0.25, 0.25, 0.5)
    axes: tuple[int, ...] = (0, 1, 2)
    reversed_axes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        as_tuples(self, "stage_shares", "axes", "reversed_axes")
        Orientation(self.axes, self.reversed_axes)
        check_positive(self, "start_channel", "largest", "integration_steps")
        check_not_negative(self, "antifold_weight", "frozen_steps")
        if self.smoothness_weight is None:
            object.__setattr__(self, "smoothness_weight", _SMOOTHNESS[self.diffeomorphic])
        shares = self.stage_shares
        if len(shares) != len(_STAGES) or min(shares) <= 0 or not math.isclose(sum(shares), 1):
            raise ValueError(f"stage_shares are three positive numbers with sum 1, not {shares}")
        check_not_negative(self, "smoothness_weight")
        if self.window < 2 * len(_STAGES) + 1 or self.window % 2 == 0:
            raise ValueError(f"window is odd and at least 7, since each coarser grid takes 2 less, not {self.window}")


@dataclass(frozen=True)
class Found:
    """What the finest active level found, [B, 3, ...] of its grid, in half grids, last axis first."""

    field: Tensor  # velocity where the method is diffeomorphic, else displacement
    displacement: Tensor
    level: int


class ResidualBlock(nn.Module):
    """Activation before each of two convolutions, and the input added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = Conv3d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = Conv3d(channels, channels, 3, padding=1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        inner = self.conv1(F.leaky_relu(features, _SLOPE))
        return features + self.conv2(F.leaky_relu(inner, _SLOPE))


class LevelLayers(nn.Module):
    """Layers of one level, for a module to inherit; `add_layers` makes them."""

    def add_layers(self, inputs: int, channels: int) -> None:
        """Make all layers; `inputs` maps come in, all inner ones have `channels`."""
        self.input_encoder_lvl1 = nn.Sequential(
            _convolution(inputs, channels), leaky_relu(_SLOPE), _convolution(channels, channels)
        )
        self.down_conv = _convolution(channels, channels, stride=2)
        blocks = [(ResidualBlock(channels), leaky_relu(_SLOPE)) for _ in range(_BLOCKS)]
        self.resblock_group_lvl1 = nn.Sequential(*(module for block in blocks for module in block))
        self.up = nn.ConvTranspose3d(channels, channels, 2, stride=2, bias=False)
        self.output_lvl1 = nn.Sequential(
            _convolution(2 * channels, channels),
            leaky_relu(_SLOPE),
            Float32Conv3d(channels, 3, 3, padding=1, bias=False),
            nn.Softsign(),
        )

    def estimate(self, inputs: list[Tensor], coarser: Tensor | None) -> tuple[Tensor, Tensor]:
        """Maps to concatenate, and the coarser level's features -> correction in [-1, 1], and own features."""
        features = self.input_encoder_lvl1(torch.cat(inputs, dim=1))
        deep = self.down_conv(features)
        if coarser is not None:
            deep = deep + coarser
        deep = self.up(self.resblock_group_lvl1(deep))
        return self.output_lvl1(torch.cat([deep, features], dim=1)), deep


class CoarseLevel(LevelLayers):
    """A level below the finest, with the next coarser one inside if there is one."""

    def __init__(self, inputs: int, channels: int, inner: CoarseLevel | None = None) -> None:
        super().__init__()
        if inner is not None:
            self.model_lvl1 = inner
        self.add_layers(inputs, channels)


class LapIRN(Method, LevelLayers):
    """Three levels, coarse to fine, trained one after the other."""

    Options = LapIRNOptions
    multiple = 8

    def __init__(self, options: LapIRNOptions) -> None:
        super().__init__(options)
        channels = 4 * options.start_channel
        self.model_lvl2 = CoarseLevel(5, channels, CoarseLevel(2, channels))
        self.add_layers(5, channels)
        self.orientation = Orientation(options.axes, options.reversed_axes)
        self._training_level = len(_STAGES)

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Displacement of the moving image; `details` say what the finest active level found."""
        moving, fixed = self.orientation.apply(moving), self.orientation.apply(fixed)
        active = self._training_level if self.training else len(_STAGES)
        levels = [self.model_lvl2.model_lvl1, self.model_lvl2, self][:active]
        pyramids = zip(_pyramid(moving, len(_STAGES)), _pyramid(fixed, len(_STAGES)), strict=True)
        found, deep = None, None
        for index, (layers, (level_moving, level_fixed)) in enumerate(zip(levels, pyramids, strict=False)):
            inputs, coarse_field = [level_moving, level_fixed], 0.0
            if found is not None:
                coarse_field = _double(found.field)
                warped = sample(level_moving, _double(found.displacement), self.sampler)
                inputs = [warped, level_fixed, coarse_field]
            correction, deep = layers.estimate(inputs, deep)
            found = self._find(correction * self.options.largest + coarse_field, index + 1)
        whole = found.displacement
        for _ in range(len(_STAGES) - active):
            whole = _double(whole)
        return Registration(self.orientation.restore(from_normalised(whole)), details=found)

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Of the finest active level: cross-correlation on it and all coarser grids, smoothness, anti-folding.

        As in the authors' program, the moving image of full resolution is sampled on the level's grid, while the fixed
        one is averaged.
        """
        options, found = self.options, registration.details
        moving, fixed = (self.orientation.apply(self._pad(image)[0]) for image in (moving, fixed))
        level_fixed = _pyramid(fixed, len(_STAGES))[found.level - 1]
        warped = sample(moving, found.displacement, self.sampler)
        terms = {}
        for scale in range(found.level):
            window = options.window - 2 * (len(_STAGES) - found.level + scale)
            terms[f"similarity_{scale + 1}"] = -local_ncc(warped, level_fixed, window) / 2**scale
            warped, level_fixed = _halve(warped), _halve(level_fixed)
        # Half grids times the size less one: twice the voxels, as theirs.
        smoothness = gradient_smoothness(2 * from_normalised(found.field))
        terms["smoothness"] = options.smoothness_weight * smoothness
        if options.antifold_weight:
            folding = negative_jacobian(from_normalised(found.displacement))
            terms["antifold"] = options.antifold_weight * folding
        return terms

    def stages(self, steps: int, learning_rate: float) -> tuple[Stage, ...]:
        """One stage per level, the coarsest first.

        Raises
        ------
        ConfigError: a later stage would end before the coarser levels begin to train with it.
        """
        shares = [round(share * steps) for share in self.options.stage_shares[:-1]]
        shares.append(steps - sum(shares))
        if min(shares[1:]) <= self.options.frozen_steps or shares[0] < 1:
            raise ConfigError(
                f"LapIRN's stages would have {', '.join(map(str, shares))} of {steps} steps, too few for"
                f" frozen_steps = {self.options.frozen_steps} at the start of the second and third",
                remedy="Train for more steps, or lower frozen_steps",
            )
        return tuple(Stage(name, share, learning_rate) for name, share in zip(_STAGES, shares, strict=True))

    def begin_step(self, stage: Stage, step: int) -> bool:
        """Train up to the stage's level, the coarser ones not before `frozen_steps`; whether they do."""
        self._training_level = _STAGES.index(stage.name) + 1
        coarser = [None, self.model_lvl2.model_lvl1, self.model_lvl2][self._training_level - 1]
        thawed = step >= self.options.frozen_steps
        if coarser is not None:
            coarser.requires_grad_(thawed)
        return thawed

    def _find(self, field: Tensor, level: int) -> Found:
        if not self.options.diffeomorphic:
            return Found(field, field, level)
        displacement = integrate(from_normalised(field), self.options.integration_steps, self.sampler)
        return Found(field, to_normalised(displacement), level)


def _pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """Image averaged once and twice, coarsest first."""
    images = [image]
    while len(images) < levels:
        images.append(_halve(images[-1]))
    return images[::-1]


def _halve(image: Tensor) -> Tensor:
    return F.avg_pool3d(image, 3, stride=2, padding=1, count_include_pad=False)


def _double(field: Tensor) -> Tensor:
    """To the grid twice as fine; half grids keep their values."""
    return F.interpolate(field, scale_factor=2, mode="trilinear", align_corners=False)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> Conv3d:
    return Conv3d(inputs, outputs, 3, stride, padding=1, bias=False)
