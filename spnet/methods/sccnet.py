"""SCCnet: inverse and cycle consistency as a training strategy (Gu et al. 2020), re-created from its description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from spnet.fields import warp
from spnet.losses import (
    cycle_consistency,
    gradient_smoothness,
    inverse_consistency,
    local_ncc,
    negative_jacobian,
)
from spnet.methods.base import Registration, Stage
from spnet.methods.options import check_not_negative, check_positive
from spnet.methods.voxelmorph import VoxelMorph, VoxelMorphOptions


@dataclass(frozen=True)
class SCCnetOptions(VoxelMorphOptions):
    """VoxelMorph's, and the weights of the consistencies, which the SPnet paper does not give.

    Attributes
    ----------
    inverse_weight, cycle_weight: of mean squared displacements, in squared voxels, left after going forward and
        backward, and after the triplet's cycles.
    cycle_every: the cycle term, which costs four more passes, enters every so many steps, as many times as heavy.
    """

    inverse_weight: float = 1.0
    cycle_weight: float = 0.5
    cycle_every: int = 4
    folding_weight: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(self, "cycle_every")
        check_not_negative(self, "inverse_weight", "cycle_weight", "folding_weight")


class SCCnet(VoxelMorph):
    """VoxelMorph run both ways on pairs of a triplet of images."""

    Options = SCCnetOptions
    images_per_step = 3

    def __init__(self, options: SCCnetOptions) -> None:
        super().__init__(options)
        self._with_cycle = True

    def begin_step(self, stage: Stage, step: int) -> bool:
        """Choose whether this step follows the triplet's cycles."""
        self._with_cycle = step % self.options.cycle_every == 0
        return self._with_cycle

    def training_loss(self, images: Sequence[Tensor]) -> dict[str, Tensor]:
        """The pair's terms for the first two images, and the cycle term of all three."""
        first, second, third = images
        forward, backward = self(first, second).forward, self(second, first).forward
        terms = self.loss(Registration(forward, backward), first, second)
        if self._with_cycle and self.options.cycle_weight:
            # A field that warps A onto B leads from B's grid to A: both ways round the triplet, from the first image.
            one_way = [self(third, first).forward, self(second, third).forward, forward]
            other_way = [backward, self(third, second).forward, self(first, third).forward]
            cycles = sum(cycle_consistency(fields, self.sampler) for fields in (one_way, other_way))
            terms["cycle"] = self.options.cycle_weight * self.options.cycle_every * cycles
        return terms

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Similarity and smoothness both ways, and inverse consistency of the two fields."""
        options, fields = self.options, (registration.forward, registration.backward)
        images = zip((moving, fixed), fields, strict=True)
        onto_fixed, onto_moving = (warp(image, field, self.sampler) for image, field in images)
        terms = {
            "similarity": -local_ncc(fixed, onto_fixed, options.window)
            - local_ncc(moving, onto_moving, options.window),
            "smoothness": options.smoothness_weight * sum(gradient_smoothness(field) for field in fields),
            "inverse": options.inverse_weight * inverse_consistency(*fields, self.sampler),
        }
        if options.folding_weight:
            terms["folding"] = options.folding_weight * sum(negative_jacobian(field) for field in fields)
        return terms
