"""Whether a training fell apart: every number of it is finite, and yet its network is worth nothing.

A stage has collapsed if the middle loss of its last fiftieth (ten steps at least) lies above the best earlier fiftieth
by more than half of what the stage had gained and by more than four times its loss's scatter from step to step; so has
a training whose last stage did, or never came back from one that did. A network has collapsed if it moves no voxel, all
voxels alike or two pairs of scans alike, to a thousandth of a voxel. A stage of under 100 steps, or a network after
fewer than 50, is too young to be judged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from spnet.data.nifti import read_image
from spnet.methods.base import Method

log = logging.getLogger(__name__)

YOUNGEST_STAGE = 100
YOUNGEST_NETWORK = 50

_FIFTIETH, _FEWEST = 50, 10  # of its steps are judged together, but no fewer than these
_SCATTERS = 4.0
_STILL = 1e-3  # voxels
_NORMAL_95 = 1.96  # standard deviations that hold 95 % of a normal distribution


def find_collapse(
    history: Sequence[Mapping[str, float | str]], method: Method, images: Sequence[str | Path]
) -> str | None:
    """How a training collapsed, by its history and by what its network answers to training scans; None if it did not.

    What is found is also logged, as a warning.
    """
    found = [collapse_of_losses(pd.DataFrame(history))]
    if len(history) >= YOUNGEST_NETWORK:
        found.append(collapse_of_fields(*(_field(method, *pair) for pair in _two_pairs(images))))
    told = "; ".join(filter(None, found)) or None
    if told:
        log.warning("this training collapsed: %s", told)
    return told


def collapse_of_losses(history: pd.DataFrame) -> str | None:
    """How the losses of a training (columns stage and loss, a row per step) collapsed; None if they did not."""
    losses = {str(name): steps["loss"].to_numpy() for name, steps in history.groupby("stage", sort=False)}
    last_stage = list(losses)[-1]
    end = _last_level(losses[last_stage])
    for stage in (_Stage.of(*each) for each in losses.items() if len(each[1]) >= YOUNGEST_STAGE):
        if min(stage.last, end) > stage.bound:
            return (
                f"the loss of stage '{stage.name}' had reached {stage.best:.4g} and ended at {stage.last:.4g}"
                f"{'' if stage.name == last_stage else ', and the last stage never came back to it'}"
            )
    return None


def collapse_of_fields(first: Tensor, second: Tensor) -> str | None:
    """How a network collapsed, by the displacements [1, 3, D, H, W] that it finds for two pairs; None if it did not."""
    if max(first.abs().max(), second.abs().max()) < _STILL:
        return "the network moves nothing"
    if max(_spread(first), _spread(second)) < _STILL:
        return "the network moves all voxels alike"
    return "the network moves two different pairs alike" if (first - second).abs().max() < _STILL else None


@dataclass(frozen=True)
class _Stage:
    """Middle losses of the best fiftieth but the last, of the last, and what the last must not lie above."""

    name: str
    best: float
    last: float
    bound: float

    @classmethod
    def of(cls, name: str, losses: np.ndarray) -> _Stage:
        steps, width = len(losses), _width(losses)
        starts = range(0, steps - 2 * width + 1, width)
        # Middle values: a spike, or a scan registered with itself, is no turn of the whole.
        levels = [float(np.median(losses[start : start + width])) for start in starts]
        best = min(levels)
        gained = float(np.median(losses[: steps // 10])) - best
        scatter = _scatter(losses[: starts[levels.index(best)] + width])
        return cls(name, best, _last_level(losses), best + max(gained / 2, _SCATTERS * scatter))


def _width(losses: np.ndarray) -> int:
    return max(_FEWEST, len(losses) // _FIFTIETH)


def _last_level(losses: np.ndarray) -> float:
    return float(np.median(losses[-_width(losses) :]))


def _scatter(losses: np.ndarray) -> float:
    """Standard deviation about the course, by the differences of neighbours, whatever one in twenty of them is.

    Of the next and the fourth neighbours those that differ less: a term that enters every second or fourth step, as
    SCCnet's, is no scatter.
    """
    least = min(float(np.quantile(np.abs(losses[lag:] - losses[:-lag]), 0.95)) for lag in (1, 4))
    return least / (_NORMAL_95 * np.sqrt(2))


def _spread(field: Tensor) -> Tensor:
    values = field.flatten(2)
    return (values.amax(dim=2) - values.amin(dim=2)).max()


def _two_pairs(images: Sequence[str | Path]) -> list[tuple[str | Path, str | Path]]:
    return [(images[0], images[1]), (images[1], images[2 % len(images)])]


def _field(method: Method, moving: str | Path, fixed: str | Path) -> Tensor:
    """What the network finds when it evaluates; it is left as it was."""
    pair = (torch.from_numpy(read_image(path).data)[None, None].to(method.device) for path in (moving, fixed))
    training = method.training
    try:
        with torch.no_grad():
            return method.eval()(*pair).forward.float()
    finally:
        method.train(training)
