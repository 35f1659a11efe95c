"""Refinement of a network's answer on the pair itself, by gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from spnet.fields import compose, crop, integrate, mended, pad_to_multiple, upsample, warp
from spnet.losses import gradient_smoothness, local_ncc
from spnet.metrics.regularity import percent_folding

# A choice, in voxels of the half-size grid: larger steps leave the valley, smaller ones need more of them.
_LEARNING_RATE = 0.05
_INTEGRATION_STEPS = 5
_BACKTRACKS = 4


@dataclass(frozen=True)
class Objective:
    """What a pair is refined for: the terms that the methods are trained with, on images of half the size.

    Attributes
    ----------
    window: of the local cross-correlation, in voxels of the half-size grid.
    smoothness_weight: of the displacement's mean squared forward difference.
    """

    window: int = 7
    smoothness_weight: float = 1.0

    @classmethod
    def of(cls, options: Any) -> Objective:
        """The method's own window and weight where its options have them; at half the size SPnet's window is 2 less."""
        windows = getattr(options, "windows", None) or [getattr(options, "window", 9)]
        return cls(max(windows[0] - 2, 3), float(getattr(options, "smoothness_weight", 1.0)))

    def __call__(self, moving: Tensor, fixed: Tensor, forward: Tensor, backward: Tensor) -> Tensor:
        """The loss of a pair and its displacements both ways."""
        alike = local_ncc(fixed, warp(moving, forward), self.window) + local_ncc(
            moving, warp(fixed, backward), self.window
        )
        rough = gradient_smoothness(forward) + gradient_smoothness(backward)
        return (self.smoothness_weight * rough - alike) / 2


@dataclass(frozen=True)
class Refined:
    """Displacements [1, 3, D, H, W] both ways, and the loss at every step; `scale` of the residual was taken."""

    forward: Tensor
    backward: Tensor
    losses: tuple[float, ...]
    scale: float


def refine(
    moving: Tensor, fixed: Tensor, forward: Tensor, backward: Tensor, steps: int, objective: Objective
) -> Refined:
    """Improve the displacements of a pair for its own images.

    A stationary velocity on a grid of half the size, zero at first, is found by Adam; its exponential is laid before
    the given deformation and its inverse behind the given inverse, so the two stay as inverse to each other as they
    were. What the given fields compress already may fold then: it is mended (:func:`spnet.fields.mended`). If the
    result still folds more than the given fields did, less of the velocity is taken: a half, a quarter and so on, at
    last nothing.

    Parameters
    ----------
    moving, fixed: [1, 1, D, H, W].
    forward, backward: [1, 3, D, H, W] in voxels, for the ``exact`` sampler.
    """
    (moving, margins), (fixed, _), (forward, _), (backward, _) = (
        pad_to_multiple(volume, 2) for volume in (moving, fixed, forward, backward)
    )
    halves = [F.avg_pool3d(image, 2) for image in (moving, fixed)]
    given = [F.avg_pool3d(field, 2) / 2 for field in (forward, backward)]
    velocity = torch.zeros_like(given[0], requires_grad=True)
    optimiser = torch.optim.Adam([velocity], lr=_LEARNING_RATE)
    losses, best = [], velocity.detach().clone()
    for _ in tqdm(range(steps), disable=None, unit="step", desc="refining", leave=False):
        optimiser.zero_grad()
        loss = objective(*halves, *_apply(velocity, *given, size=1))
        losses.append(loss.item())
        if losses[-1] <= min(losses):
            best = velocity.detach().clone()
        loss.backward()
        optimiser.step()
    forward, backward, scale = _without_more_folding(best, forward, backward)
    return Refined(crop(forward, margins), crop(backward, margins), tuple(losses), scale)


@torch.no_grad()
def _without_more_folding(velocity: Tensor, forward: Tensor, backward: Tensor) -> tuple[Tensor, Tensor, float]:
    allowed = [percent_folding(field) for field in (forward, backward)]
    for attempt in range(_BACKTRACKS):
        scale = 0.5**attempt
        fields = tuple(mended(field) for field in _apply(scale * velocity, forward, backward, size=2))
        if all(percent_folding(field) <= most for field, most in zip(fields, allowed, strict=True)):
            return *fields, scale
    return forward, backward, 0.0


def _apply(velocity: Tensor, forward: Tensor, backward: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Both deformations with exp(v) before and exp(-v) behind, on a grid `size` times finer than the velocity's."""
    before, behind = (integrate(sign * velocity, _INTEGRATION_STEPS) for sign in (1, -1))
    if size > 1:
        before, behind = upsample(before, size), upsample(behind, size)
    return compose(forward, before), compose(behind, backward)
