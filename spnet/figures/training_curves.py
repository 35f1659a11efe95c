"""How the loss of every training fell: one small panel each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.figures import style

# Points that a panel can show; a training has up to a hundred thousand steps.
_POINTS = 300
# Percentiles of the losses between which a panel shows them.
_SHOWN = (1, 98)
# Share of the steps that the smooth line averages over, and how many at least.
_SMOOTH, _FEWEST = 0.05, 10


@dataclass(frozen=True)
class Curve:
    """The history of one training: the columns of its history.csv by step."""

    dataset: str
    method: str
    history: pd.DataFrame


def draw(curves: Sequence[Curve], methods: Mapping[str, str], datasets: Mapping[str, str]) -> Figure:
    """A row per method, a column per dataset; seeds share a panel.

    Parameters
    ----------
    methods, datasets: those to show, in order, with what the reader sees.
    """
    style.apply()
    figure, panels = pyplot.subplots(
        len(methods),
        len(datasets),
        figsize=(0.6 + 3.0 * len(datasets), 0.5 + 1.25 * len(methods)),
        squeeze=False,
        layout="constrained",
    )
    for row, (method, title) in enumerate(methods.items()):
        for column, (dataset, dataset_title) in enumerate(datasets.items()):
            panel = panels[row, column]
            here = [curve.history for curve in curves if (curve.dataset, curve.method) == (dataset, method)]
            if here:
                _draw_panel(panel, here)
            else:
                panel.set_axis_off()
            if row == 0:
                panel.set_title(dataset_title)
            # Where the first panel is empty, the row would have no name.
            panel.text(0.98, 0.92, title if here else "", ha="right", va="top", transform=panel.transAxes, size=8)
    for panel in panels[-1]:
        panel.set_xlabel("step")
    return figure


def _draw_panel(panel: Axes, histories: Sequence[pd.DataFrame]) -> None:
    smooth = [smoothed(history["loss"]) for history in histories]
    for history, line in zip(histories, smooth, strict=True):
        steps = np.arange(1, len(history) + 1)
        chosen = np.unique(np.linspace(0, len(history) - 1, min(_POINTS, len(history))).astype(int))
        panel.plot(steps[chosen], history["loss"].to_numpy()[chosen], color=style.BOX, linewidth=0.5)
        panel.plot(steps[chosen], line[chosen], color="#1f4e79", linewidth=1.2)
        for start in _stage_starts(history):
            panel.axvline(start + 0.5, color="#888", linewidth=0.6, linestyle=":")
    values = np.concatenate([history["loss"].to_numpy(dtype=float) for history in histories])
    # A few wild steps, as the first ones are, must not flatten all others.
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, _SHOWN) if len(values) else (0.0, 1.0)
    margin = 0.1 * (high - low) or 1.0
    panel.set_ylim(low - margin, high + 3 * margin)
    panel.grid(visible=False, axis="x")  # it would hide where stages begin
    panel.tick_params(labelsize=6, pad=0)
    panel.locator_params(axis="y", nbins=4)
    panel.xaxis.get_major_locator().set_params(integer=True)


def smoothed(loss: pd.Series) -> NDArray[np.float64]:
    """Mean of each step and those before it, a twentieth of the training long and ten steps at least."""
    window = max(_FEWEST, round(_SMOOTH * len(loss)))
    return loss.rolling(window, min_periods=1).mean().to_numpy(dtype=float)


def _stage_starts(history: pd.DataFrame) -> list[int]:
    """Numbers of finished steps at which a new stage begins; stages minimise other losses."""
    if "stage" not in history:
        return []
    stages = history["stage"].to_numpy()
    return (np.flatnonzero(stages[1:] != stages[:-1]) + 1).tolist()
