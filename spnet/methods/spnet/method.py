"""Symmetric pyramid registration (paper, section 3), and its ablations (section 4.5) by its options."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spnet.fields import integrate, upsample, warp
from spnet.losses import gradient_smoothness, inverse_consistency, local_ncc
from spnet.methods.base import LevelView, Method, Registration
from spnet.methods.spnet.backbones import make_backbone
from spnet.methods.spnet.directions import DIRECTIONS
from spnet.methods.spnet.network import PyramidLayers
from spnet.methods.spnet.options import SPnetOptions


@dataclass(frozen=True)
class Level:
    """What one pyramid level found; fields [B, 3, ...] on its own grid, in voxels of that grid.

    Attributes
    ----------
    velocity: of the way there; with ``field: displacement`` that displacement itself.
    displacement: of the way there.
    inverse: displacement of the way back, None without one.
    inverse_velocity: of the way back, where it is an estimate of its own; else None.
    """

    velocity: Tensor
    displacement: Tensor
    inverse: Tensor | None
    inverse_velocity: Tensor | None = None


@dataclass(frozen=True)
class Coarser:
    """What one direction takes over from the next coarser level, brought to the finer grid.

    Attributes
    ----------
    feature: the global feature, [B, 8, ...].
    displacement: [B, 3, ...] in voxels of the finer grid.
    """

    feature: Tensor
    displacement: Tensor


class SPnet(Method, PyramidLayers):
    """With the default options: both directions from one pass; swapping the inputs swaps the fields exactly.

    Source: the paper, and the authors' program (commit dd4c77e) wherever the paper is silent.
    """

    Options = SPnetOptions

    def __init__(self, options: SPnetOptions) -> None:
        super().__init__(options)
        backbone = make_backbone(options.backbone, options.image_channels)
        self.add_layers(backbone, options.channels, options.estimator_channels)
        self.directions = DIRECTIONS[options.directions]
        self.sampler = options.sampler
        self.multiple = 2 ** (self.levels - 1)

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """`details` are the levels, finest first, on the padded grid.

        The inverse of a network that estimates the way there alone is left to a second pass, as the paper must have
        done: its ICE of SS in Table 4 is far above that of exp(v) and exp(-v).
        """
        levels = self._find_levels(*self._encode_both(moving, fixed))
        inverse = levels[0].inverse if self.directions.estimates_back else None
        return Registration(levels[0].displacement, inverse, levels)

    @torch.no_grad()
    def inspect(self, moving: Tensor, fixed: Tensor) -> tuple[LevelView, ...]:
        (moving, _), (fixed, _) = self._pad(moving), self._pad(fixed)
        features = self._encode_both(moving, fixed)
        levels = self._find_levels(*features)
        coarser = [*(upsample(level.displacement) for level in levels[1:]), None]
        return tuple(
            LevelView(
                level.displacement,
                _similarity(source, target),
                _similarity(warp(source, field, self.sampler), target) if self._warps_by(field) else None,
            )
            for level, field, source, target in zip(levels, coarser, *features, strict=True)
        )

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Multi-scale similarity and smoothness, symmetric where there are fields both ways (Eq. 10).

        As in the authors' program, both lie inside the level's weight: twice the paper's 1/2^i, since the two
        similarities are averaged and the smoothness of v and of -v is the same. One direction alone keeps that
        proportion of similarity and smoothness; so does inverse consistency, the mean of both ends.
        """
        terms: dict[str, Tensor] = {}
        pyramids = (image_pyramid(self._pad(image)[0], self.levels) for image in (moving, fixed))
        for index, (level, level_moving, level_fixed) in enumerate(zip(registration.details, *pyramids, strict=True)):
            weight = 0.5**index
            similarity = self._similarity_loss(level, level_moving, level_fixed, self.options.windows[index])
            terms[f"similarity_{index + 1}"] = weight * similarity
            terms[f"smoothness_{index + 1}"] = weight * self.options.smoothness_weight * _smoothness_loss(level)
            if self.options.inverse_weight:
                both_ends = inverse_consistency(level.displacement, level.inverse, self.sampler)
                terms[f"inverse_{index + 1}"] = weight * self.options.inverse_weight * both_ends / 2
        return terms

    def _similarity_loss(self, level: Level, moving: Tensor, fixed: Tensor, window: int) -> Tensor:
        """Negative squared local cross-correlation, the mean of the directions that the level has."""
        there = local_ncc(fixed, warp(moving, level.displacement, self.sampler), window)
        if level.inverse is None:
            return -there
        return -(there + local_ncc(moving, warp(fixed, level.inverse, self.sampler), window)) / 2

    def _encode_both(self, moving: Tensor, fixed: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Feature pyramids of both images, finest first."""
        return self.encode(image_pyramid(moving, self.levels)), self.encode(image_pyramid(fixed, self.levels))

    def _find_levels(self, moving: list[Tensor], fixed: list[Tensor]) -> list[Level]:
        """Feature pyramids -> levels, finest first, found from the coarsest to the finest."""
        found: list[Level] = []
        forward_coarser = backward_coarser = backward = None
        for level in reversed(range(self.levels)):
            forward, forward_hidden = self._estimate_way(level, moving[level], fixed[level], forward_coarser)
            if self.directions.estimates_back:
                backward, backward_hidden = self._estimate_way(level, fixed[level], moving[level], backward_coarser)
            found.append(self._deform(*self.directions.combine(forward, backward)))
            if level == 0:
                break
            forward_coarser = self._hand_over(level, forward_hidden, found[-1].displacement)
            if self.directions.estimates_back:
                backward_coarser = self._hand_over(level, backward_hidden, found[-1].inverse)
        return found[::-1]

    def _estimate_way(
        self, level: int, source: Tensor, target: Tensor, coarser: Coarser | None
    ) -> tuple[Tensor, Tensor]:
        """Field [B, 3, ...] from the features `source` to `target` of one level, and the hidden features behind it."""
        if coarser is None:
            return self.estimate(level, [source, target])
        if self._warps_by(coarser.displacement):
            source = warp(source, coarser.displacement, self.sampler)  # Eq. 6
        return self.estimate(level, [source, target, coarser.feature, coarser.displacement])

    def _warps_by(self, coarser_displacement: Tensor | None) -> bool:
        """Whether a level's estimator sees warped features: never at the coarsest."""
        return self.options.feature_warping and coarser_displacement is not None

    def _deform(self, there: Tensor, back: Tensor | None) -> Level:
        """The level that `combine` of the directions leads to."""
        displacement = self._to_displacement(there)
        if self.directions.mirrored:
            return Level(there, displacement, self._to_displacement(-there))
        return Level(there, displacement, None if back is None else self._to_displacement(back), back)

    def _to_displacement(self, field: Tensor) -> Tensor:
        if self.options.field == "displacement":
            return field
        return integrate(field, self.options.integration_steps, self.sampler)

    def _hand_over(self, level: int, hidden: Tensor, displacement: Tensor) -> Coarser:
        return Coarser(self.global_feature(level, hidden), upsample(displacement))


def image_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """The image and its down-sampled versions, finest first: every 2nd, 4th, 8th voxel, as the authors' nearest
    interpolation.
    """
    return [image[..., :: 2**level, :: 2**level, :: 2**level] for level in range(levels)]


def _smoothness_loss(level: Level) -> Tensor:
    """Mean over the level's estimates; a mirrored velocity would add nothing."""
    there = gradient_smoothness(level.velocity)
    if level.inverse_velocity is None:
        return there
    return (there + gradient_smoothness(level.inverse_velocity)) / 2


def _similarity(features: Tensor, others: Tensor) -> Tensor:
    """Cosine similarity over channels, [B, C, ...] -> [B, 1, ...]."""
    return F.cosine_similarity(features, others, dim=1).unsqueeze(1)
