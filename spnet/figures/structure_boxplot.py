"""Accuracy of every structure by method (the paper's Fig. 5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spnet.figures import style
from spnet.figures.material import Material

_BOXES_PER_ROW = 36


def draw(material: Material) -> Figure:
    """Boxplots of the Dice per pair of every structure, the methods side by side, datasets below each other.

    A structure's Dice is the mean over its labels, left and right, as in the tables.
    """
    dice = material.dice()
    rows = [
        (name, structures)
        for name, dataset in material.datasets.items()
        for structures in _in_rows(list(dataset.labels.regions), len(material.titles))
    ]
    figure, panels = pyplot.subplots(
        len(rows), 1, figsize=(style.PAGE_WIDTH, 2.4 * len(rows) + 0.3), squeeze=False, layout="constrained"
    )
    for panel, (dataset, structures) in zip(panels[:, 0], rows, strict=True):
        _draw_row(panel, dice[dice["dataset"] == dataset], structures, material)
    first = panels[0, 0]
    handles, labels = first.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    titled = set()
    for panel, (dataset, _) in zip(panels[:, 0], rows, strict=True):
        panel.get_legend().remove()
        if dataset not in titled:
            pairs = dice[dice["dataset"] == dataset].groupby(["method", "structure"]).size().max()
            panel.set_title(f"{material.datasets[dataset].title} ({pairs} ordered pairs)")
            titled.add(dataset)
    return figure


def _in_rows(structures: list[str], methods: int) -> list[list[str]]:
    """Structures dealt out to as few rows as hold their boxes, of equal length."""
    count = max(1, int(np.ceil(len(structures) * methods / _BOXES_PER_ROW)))
    return [list(part) for part in np.array_split(np.array(structures), count)]


def _draw_row(panel: Axes, dice: pd.DataFrame, structures: list[str], material: Material) -> None:
    sns.boxplot(
        dice[dice["structure"].isin(structures)].assign(Method=lambda rows: rows["method"].map(material.titles)),
        x="structure",
        y="value",
        hue="Method",
        order=structures,
        hue_order=list(material.titles.values()),
        palette=style.ranks(len(material.titles)),
        saturation=1,
        ax=panel,
        width=0.8,
        linewidth=0.6,
        fliersize=1,
    )
    for place in range(1, len(structures)):
        panel.axvline(place - 0.5, color="0.85", linewidth=0.6, zorder=0)
    panel.set(xlabel="", ylabel="Dice", xlim=(-0.5, len(structures) - 0.5))
