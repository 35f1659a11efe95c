"""Symmetric pyramid registration (paper, section 3), and its ablations (section 4.5) by its options."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from spnet.fields import integrate, upsample, warp
from spnet.losses import gradient_smoothness, inverse_consistency, local_ncc
from spnet.methods.base import LevelView, Method, Prepared, Registration
from spnet.methods.spnet.backbones import make_backbone
from spnet.methods.spnet.directions import DIRECTIONS
from spnet.methods.spnet.network import PyramidLayers
from spnet.methods.spnet.options import SPnetOptions


@dataclass(frozen=True)
class Level:
    """What one pyramid level found; fields [B, 3, ...] on its own grid, in voxels of that grid.

    Attributes
    ----------
    forward_velocity: of the forward way; with ``field: displacement`` the displacement itself.
    forward: displacement of that way.
    backward: displacement of the backward way, None without one.
    backward_velocity: of the backward way, where it is an estimate of its own; else None.
    """

    forward_velocity: Tensor
    forward: Tensor
    backward: Tensor | None
    backward_velocity: Tensor | None = None


@dataclass(frozen=True)
class Coarser:
    """What one direction takes over from the next coarser level, still on that one's grid.

    Attributes
    ----------
    hidden: features behind its estimate.
    displacement: [B, 3, ...] in voxels.
    """

    hidden: Tensor
    displacement: Tensor

    @staticmethod
    def together(first: Coarser, second: Coarser) -> Coarser:
        """Both as one batch."""
        return Coarser(torch.cat([first.hidden, second.hidden]), torch.cat([first.displacement, second.displacement]))


@dataclass(frozen=True)
class Estimate:
    """What an estimator gave: a field [B, 3, ...] and the hidden features behind it."""

    field: Tensor
    hidden: Tensor

    def split(self) -> tuple[Estimate, Estimate]:
        """The halves of a batch."""
        first, second = zip(self.field.chunk(2), self.hidden.chunk(2), strict=True)
        return Estimate(*first), Estimate(*second)


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
        self._bias = not self.directions.bias_cancels
        self.sampler = options.sampler
        self.multiple = 2 ** (self.levels - 1)

    def forward(self, moving: Tensor, fixed: Tensor) -> Registration:
        if not self.compute.batches(moving):
            return super().forward(moving, fixed)
        both = self.prepare(torch.cat([moving, fixed]))
        pyramids = zip(*(features.chunk(2) for features in both.features), strict=True)
        return self.match(*(Prepared(pyramid, both.margins) for pyramid in pyramids))

    def extract(self, image: Tensor) -> list[Tensor]:
        """Feature pyramid, finest first."""
        return self.encode(image_pyramid(image, self.levels))

    def register(self, moving: list[Tensor], fixed: list[Tensor]) -> Registration:
        """`details` are the levels, finest first, on the padded grid.

        The backward field of a network that estimates the forward way alone is left to a second pass, as the paper must
        have done: its ICE of SS in Table 4 is far above that of exp(v) and exp(-v).
        """
        levels = self._find_levels(moving, fixed)
        backward = levels[0].backward if self.directions.estimates_backward else None
        return Registration(levels[0].forward, backward, levels)

    @torch.no_grad()
    def inspect(self, moving: Tensor, fixed: Tensor) -> tuple[LevelView, ...]:
        features = self.prepare(moving).features, self.prepare(fixed).features
        levels = self._find_levels(*features)
        coarser = [*(upsample(level.forward) for level in levels[1:]), None]
        views: list[LevelView] = []
        for level, field, source, target in zip(levels, coarser, *features, strict=True):
            warps = self.options.feature_warping and field is not None
            warped = _similarity(warp(source, field, self.sampler), target) if warps else None
            views.append(LevelView(level.forward, _similarity(source, target), warped))
        return tuple(views)

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
                both_ends = inverse_consistency(level.forward, level.backward, self.sampler)
                terms[f"inverse_{index + 1}"] = weight * self.options.inverse_weight * both_ends / 2
        return terms

    def _similarity_loss(self, level: Level, moving: Tensor, fixed: Tensor, window: int) -> Tensor:
        """Negative squared local cross-correlation, the mean of the directions that the level has."""
        if level.backward is None:
            return -self._likeness(fixed, moving, level.forward, window)
        if self.compute.batches(moving):
            fields = torch.cat([level.forward, level.backward])
            return -self._likeness(torch.cat([fixed, moving]), torch.cat([moving, fixed]), fields, window)
        forward = self._likeness(fixed, moving, level.forward, window)
        return -(forward + self._likeness(moving, fixed, level.backward, window)) / 2

    def _likeness(self, target: Tensor, source: Tensor, displacement: Tensor, window: int) -> Tensor:
        return local_ncc(target, warp(source, displacement, self.sampler), window)

    def _find_levels(self, moving: list[Tensor], fixed: list[Tensor]) -> list[Level]:
        """Feature pyramids -> levels, finest first, found from the coarsest to the finest."""
        found: list[Level] = []
        coarser: tuple[Coarser | None, Coarser | None] = None, None
        for level in reversed(range(self.levels)):
            forward, backward = self._estimate_ways(level, moving[level], fixed[level], *coarser)
            found.append(self._deform(forward.field, backward.field if backward else None))
            if level == 0:
                break
            coarser = (
                Coarser(forward.hidden, found[-1].forward),
                Coarser(backward.hidden, found[-1].backward) if backward else None,
            )
        return found[::-1]

    def _estimate_ways(
        self, level: int, moving: Tensor, fixed: Tensor, forward: Coarser | None, backward: Coarser | None
    ) -> tuple[Estimate, Estimate | None]:
        """What the estimator of one level says of the forward way, and of the backward way where it is asked."""
        if not self.directions.estimates_backward:
            return self._estimate_way(level, moving, fixed, forward), None
        if not self.compute.batches(moving):
            return self._estimate_way(level, moving, fixed, forward), self._estimate_way(level, fixed, moving, backward)
        coarser = Coarser.together(forward, backward) if forward else None
        both = self._estimate_way(level, torch.cat([moving, fixed]), torch.cat([fixed, moving]), coarser)
        return both.split()

    def _estimate_way(self, level: int, source: Tensor, target: Tensor, coarser: Coarser | None) -> Estimate:
        """The same for one way, from the features `source` to `target`."""
        if coarser is None:
            return Estimate(*self.compute.run(self.estimate, level, [source, target], self._bias))
        return Estimate(*self.compute.run(self._estimate_further, level, source, target, coarser))

    def _estimate_further(self, level: int, source: Tensor, target: Tensor, coarser: Coarser) -> tuple[Tensor, Tensor]:
        """:meth:`estimate` from what the next coarser level found."""
        feature, displacement = self.global_feature(level + 1, coarser.hidden), upsample(coarser.displacement)
        if self.options.feature_warping:
            source = warp(source, displacement, self.sampler)  # Eq. 6
        return self.estimate(level, [source, target, feature, displacement], self._bias)

    def _deform(self, forward: Tensor, backward: Tensor | None) -> Level:
        """The level that the fields estimated of one or both ways lead to."""
        forward, backward = self.directions.combine(forward, backward)
        if not self.directions.mirrored:
            return Level(
                forward,
                self._to_displacement(forward),
                None if backward is None else self._to_displacement(backward),
                backward,
            )
        if self.compute.batches(forward):
            return Level(forward, *self._to_displacement(torch.cat([forward, -forward])).chunk(2))
        return Level(forward, self._to_displacement(forward), self._to_displacement(-forward))

    def _to_displacement(self, field: Tensor) -> Tensor:
        if self.options.field == "displacement":
            return field
        return self.compute.run(integrate, field, self.options.integration_steps, self.sampler)


def image_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """The image and its down-sampled versions, finest first: every 2nd, 4th, 8th voxel, as the authors' nearest
    interpolation.
    """
    return [image[..., :: 2**level, :: 2**level, :: 2**level] for level in range(levels)]


def _smoothness_loss(level: Level) -> Tensor:
    """Mean over the level's estimates; a mirrored velocity would add nothing."""
    forward = gradient_smoothness(level.forward_velocity)
    if level.backward_velocity is None:
        return forward
    return (forward + gradient_smoothness(level.backward_velocity)) / 2


def _similarity(features: Tensor, others: Tensor) -> Tensor:
    """Cosine similarity over channels, [B, C, ...] -> [B, 1, ...]."""
    return F.cosine_similarity(features, others, dim=1).unsqueeze(1)
