"""Hyper-parameters of SPnet and of its ablations."""

from __future__ import annotations

from dataclasses import dataclass

from spnet.fields import Sampler
from spnet.methods.options import (
    as_tuples,
    check_choice,
    check_levels,
    check_not_negative,
    check_positive,
    check_sampler,
    check_window,
)
from spnet.methods.spnet.backbones import BACKBONES
from spnet.methods.spnet.directions import DIRECTIONS


@dataclass(frozen=True)
class SPnetOptions:
    """Finest level first; the defaults are the paper's (section 4.2), the alternatives those of its Tables 4 and 5.

    Attributes
    ----------
    backbone: encoder (:mod:`spnet.methods.spnet.backbones`): ``mie``, ``plain``, ``residual`` or ``inception``.
    channels: of the encoder's layers at each level; their number is the number of levels.
    image_channels: of the features of the down-sampled images, which only ``mie`` has.
    feature_warping: the estimator sees features warped by the coarser level's field (Eq. 6), else as they are.
    directions: what is made of estimates both ways (:mod:`spnet.methods.spnet.directions`): ``averaged``, ``both``
        kept apart, or only forward, the negative velocity being backward (``shared``) or none at all
        (``forward``).
    field: what the estimator's output is, a stationary ``velocity`` or a ``displacement``.
    inverse_weight: of the inverse consistency loss, in squared voxels.
    """

    backbone: str = "mie"
    channels: tuple[int, ...] = (8, 16, 32, 32)
    image_channels: int = 8
    estimator_channels: tuple[int, ...] = (16, 16, 32, 32)
    feature_warping: bool = True
    directions: str = "averaged"
    field: str = "velocity"
    integration_steps: int = 7
    windows: tuple[int, ...] = (9, 7, 5, 3)
    smoothness_weight: float = 1.0
    inverse_weight: float = 0.0
    sampler: Sampler = "official"

    def __post_init__(self) -> None:
        as_tuples(self, "channels", "estimator_channels", "windows")
        check_levels(self, "channels", "estimator_channels", "windows")
        check_window(*self.windows)
        check_positive(self, "channels", "image_channels", "estimator_channels", "integration_steps")
        check_not_negative(self, "smoothness_weight", "inverse_weight")
        check_sampler(self.sampler)
        check_choice("backbone", self.backbone, tuple(BACKBONES))
        check_choice("directions", self.directions, tuple(DIRECTIONS))
        check_choice("field", self.field, ("velocity", "displacement"))
        self._check_combinations()

    def _check_combinations(self) -> None:
        directions = DIRECTIONS[self.directions]
        if self.field == "displacement" and directions.mirrored:
            raise ValueError(f"directions '{self.directions}' negates fields, which inverts velocities alone")
        if self.inverse_weight and not (directions.estimates_backward or directions.mirrored):
            raise ValueError(f"inverse_weight needs fields both ways, which directions '{self.directions}' has not")
        if self.backbone == "inception" and any(width % 4 for width in self.channels):
            raise ValueError("channels must be multiples of 4, in which backbone 'inception' splits them")
