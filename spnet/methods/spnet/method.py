"""Symmetric pyramid registration (paper, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from spnet.fields import Sampler, integrate, upsample, warp
from spnet.losses import gradient_smoothness, local_ncc
from spnet.methods.base import Method, Registration
from spnet.methods.options import (
    as_tuples,
    check_levels,
    check_not_negative,
    check_positive,
    check_sampler,
    check_window,
)
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
        as_tuples(self, "channels", "estimator_channels", "windows")
        check_levels(self, "channels", "estimator_channels", "windows")
        check_window(*self.windows)
        check_positive(self, "channels", "estimator_channels", "integration_steps")
        check_not_negative(self, "image_channels", "smoothness_weight")
        check_sampler(self.sampler)


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
        self.multiple = 2 ** (self.levels - 1)

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Both fields from one pass; `details` are the levels, finest first, on the padded grid."""
        levels = self._find_levels(*(self.encode(image_pyramid(image, self.levels)) for image in (moving, fixed)))
        return Registration(levels[0].displacement, levels[0].inverse, levels)

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Symmetric multi-scale similarity and smoothness (Eq. 10).

        As in the authors' program, both lie inside the level's weight: twice the paper's 1/2^i, since the two
        similarities are averaged and the smoothness of v and of -v is the same.
        """
        terms: dict[str, Tensor] = {}
        pyramids = (image_pyramid(self._pad(image)[0], self.levels) for image in (moving, fixed))
        for index, (level, level_moving, level_fixed) in enumerate(zip(registration.details, *pyramids, strict=True)):
            weight = 0.5**index
            window = self.options.windows[index]
            forward = local_ncc(level_fixed, warp(level_moving, level.displacement, self.sampler), window)
            backward = local_ncc(level_moving, warp(level_fixed, level.inverse, self.sampler), window)
            terms[f"similarity_{index + 1}"] = -weight * (forward + backward) / 2
            smoothness = gradient_smoothness(level.velocity)
            terms[f"smoothness_{index + 1}"] = weight * self.options.smoothness_weight * smoothness
        return terms

    def _find_levels(self, moving: list[Tensor], fixed: list[Tensor]) -> list[Level]:
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


def image_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """The image and its down-sampled versions, finest first: every 2nd, 4th, 8th voxel, as the authors' nearest
    interpolation.
    """
    return [image[..., :: 2**level, :: 2**level, :: 2**level] for level in range(levels)]
