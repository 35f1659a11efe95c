"""Symmetric pyramid registration (paper, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from torch import Tensor

from spnet.fields import Sampler, crop, integrate, pad_to_multiple, upsample, warp
from spnet.fields.resize import Margins
from spnet.losses import gradient_smoothness, local_ncc
from spnet.methods.base import Method, Registration
from spnet.methods.spnet.network import PyramidLayers


@dataclass(frozen=True)
class SPnetOptions:
    """Hyper-parameters, finest level first; the defaults are the paper's (section 4.2)."""

    channels: tuple[int, ...] = (8, 16, 32, 32)
    image_channels: int = 8
    estimator_channels: tuple[int, ...] = (16, 16, 32, 32)
    integration_steps: int = 7
    windows: tuple[int, ...] = (9, 7, 5, 3)
    smoothness_weight: float = 1.0
    sampler: Sampler = "official"

    def __post_init__(self) -> None:
        for name in ("channels", "estimator_channels", "windows"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not len(self.channels) == len(self.estimator_channels) == len(self.windows):
            raise ValueError("channels, estimator_channels and windows need one entry per pyramid level each")
        if self.sampler not in get_args(Sampler):
            raise ValueError(f"sampler '{self.sampler}' is none of {', '.join(get_args(Sampler))}")


@dataclass(frozen=True)
class Level:
    """What one pyramid level found, on its own grid, in voxels of that grid."""

    velocity: Tensor
    displacement: Tensor
    inverse: Tensor


class SPnet(Method, PyramidLayers):
    """Both directions from one pass; swapping the inputs swaps the fields exactly.

    Source: the paper, and the authors' program (commit dd4c77e) wherever the paper is silent.
    """

    Options = SPnetOptions

    def __init__(self, options: SPnetOptions) -> None:
        super().__init__(options)
        self.add_layers(options.channels, options.image_channels, options.estimator_channels)
        self.sampler = options.sampler

    def forward(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Register two images [B, 1, D, H, W]; any size (padded to a multiple of 8 inside and cropped back)."""
        moving, margins = self._pad(moving)
        fixed, _ = self._pad(fixed)
        levels = self._register(self.encode(self._pyramid(moving)), self.encode(self._pyramid(fixed)))
        return Registration(crop(levels[0].displacement, margins), crop(levels[0].inverse, margins), levels)

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Symmetric multi-scale similarity and smoothness (Eq. 10).

        As in the authors' program, both lie inside the level's weight: twice the paper's 1/2^i, since the two
        similarities are averaged and the smoothness of v and of -v is the same.
        """
        terms: dict[str, Tensor] = {}
        pyramids = (self._pyramid(self._pad(image)[0]) for image in (moving, fixed))
        for index, (level, level_moving, level_fixed) in enumerate(zip(registration.details, *pyramids, strict=True)):
            weight = 0.5**index
            window = self.options.windows[index]
            forward = local_ncc(level_fixed, warp(level_moving, level.displacement, self.sampler), window)
            backward = local_ncc(level_moving, warp(level_fixed, level.inverse, self.sampler), window)
            terms[f"similarity_{index + 1}"] = -weight * (forward + backward) / 2
            smoothness = gradient_smoothness(level.velocity)
            terms[f"smoothness_{index + 1}"] = weight * self.options.smoothness_weight * smoothness
        return terms

    def _register(self, moving: list[Tensor], fixed: list[Tensor]) -> list[Level]:
        """Feature pyramids -> levels, finest first, found from the coarsest to the finest."""
        found: list[Level] = []
        forward_inputs: list[Tensor] = []
        backward_inputs: list[Tensor] = []
        warped_moving, warped_fixed = moving[-1], fixed[-1]
        for level in reversed(range(self.levels)):
            forward, forward_hidden = self.estimate(level, [warped_moving, fixed[level], *forward_inputs])
            backward, backward_hidden = self.estimate(level, [warped_fixed, moving[level], *backward_inputs])
            velocity = (forward - backward) / 2  # Eq. 8
            found.append(
                Level(
                    velocity,
                    integrate(velocity, self.options.integration_steps, self.sampler),
                    integrate(-velocity, self.options.integration_steps, self.sampler),
                )
            )
            if level == 0:
                break
            displacement, inverse = upsample(found[-1].displacement), upsample(found[-1].inverse)
            warped_moving = warp(moving[level - 1], displacement, self.sampler)  # Eq. 6
            warped_fixed = warp(fixed[level - 1], inverse, self.sampler)
            forward_inputs = [self.global_feature(level, forward_hidden), displacement]
            backward_inputs = [self.global_feature(level, backward_hidden), inverse]
        return found[::-1]

    def _pad(self, image: Tensor) -> tuple[Tensor, Margins]:
        return pad_to_multiple(image, 2 ** (self.levels - 1))

    def _pyramid(self, image: Tensor) -> list[Tensor]:
        """The image and its down-sampled versions: every 2nd, 4th, 8th voxel, as the authors' nearest interpolation."""
        return [image[..., :: 2**level, :: 2**level, :: 2**level] for level in range(self.levels)]
