"""CFWnet: cascaded feature warping network (Zhang et al. 2021), re-created from the SPnet paper's description.

SPnet without its image branches, velocities and symmetry: one-directional feature warping from coarse to fine.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from spnet.fields import Sampler, compose, upsample, warp
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
from spnet.methods.spnet.backbones import Plain
from spnet.methods.spnet.method import image_pyramid
from spnet.methods.spnet.network import PyramidLayers


@dataclass(frozen=True)
class CFWnetOptions:
    """Hyper-parameters, finest level first.

    Attributes
    ----------
    residual: a level's output is composed with the up-sampled displacement of the coarser one; else it is the
        displacement itself.
    """

    residual: bool = True
    channels: tuple[int, ...] = (8, 16, 32, 32)
    estimator_channels: tuple[int, ...] = (16, 16, 32, 32)
    windows: tuple[int, ...] = (9, 7, 5, 3)
    smoothness_weight: float = 1.0
    sampler: Sampler = "official"

    def __post_init__(self) -> None:
        as_tuples(self, "channels", "estimator_channels", "windows")
        check_levels(self, "channels", "estimator_channels", "windows")
        check_window(*self.windows)
        check_positive(self, "channels", "estimator_channels")
        check_not_negative(self, "smoothness_weight")
        check_sampler(self.sampler)


@dataclass(frozen=True)
class CascadeLevel:
    """What one level found, [B, 3, ...] in voxels of its grid: its own output, and the displacement with the coarser
    levels'.
    """

    output: Tensor
    displacement: Tensor


class CFWnet(Method, PyramidLayers):
    """One direction only."""

    Options = CFWnetOptions

    def __init__(self, options: CFWnetOptions) -> None:
        super().__init__(options)
        self.add_layers(Plain(), options.channels, options.estimator_channels)
        self.sampler = options.sampler
        self.multiple = 2 ** (self.levels - 1)

    def extract(self, image: Tensor) -> list[Tensor]:
        """Feature pyramid, finest first."""
        return self.encode(image_pyramid(image, self.levels))

    def register(self, moving: list[Tensor], fixed: list[Tensor]) -> Registration:
        """Displacement of the moving image; `details` are the levels, finest first, on the padded grid."""
        found: list[CascadeLevel] = []
        warped, inputs, coarse = moving[-1], [], None
        for level in reversed(range(self.levels)):
            output, hidden = self.estimate(level, [warped, fixed[level], *inputs])
            composed = self.options.residual and coarse is not None
            displacement = compose(coarse, output, self.sampler) if composed else output
            found.append(CascadeLevel(output, displacement))
            if level:
                coarse = upsample(displacement)
                inputs = [self.global_feature(level, hidden), coarse]
                warped = warp(moving[level - 1], coarse, self.sampler)
        return Registration(found[-1].displacement, details=found[::-1])

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Similarity of every level, and smoothness of its own output, weighted 1, 1/2, 1/4, 1/8."""
        terms: dict[str, Tensor] = {}
        pyramids = (image_pyramid(self._pad(image)[0], self.levels) for image in (moving, fixed))
        for index, (level, level_moving, level_fixed) in enumerate(zip(registration.details, *pyramids, strict=True)):
            weight = 0.5**index
            warped = warp(level_moving, level.displacement, self.sampler)
            terms[f"similarity_{index + 1}"] = -weight * local_ncc(level_fixed, warped, self.options.windows[index])
            smoothness = gradient_smoothness(level.output)
            terms[f"smoothness_{index + 1}"] = weight * self.options.smoothness_weight * smoothness
        return terms
