"""Distribution of registration accuracy by method (the paper's Fig. 7)."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import pandas as pd
import seaborn as sns
from matplotlib import pyplot
from matplotlib.figure import Figure

from spnet.data.labels import AVERAGE, DICE
from spnet.figures import style

# Letters of a method's title that fit under its box.
_TITLE_WIDTH = 11


def draw(values: pd.DataFrame, titles: Mapping[str, str], dataset_titles: Mapping[str, str]) -> Figure:
    """Boxplots of the average Dice per pair, a panel per dataset, with the methods that were scored on it.

    Parameters
    ----------
    values: per-pair values from :func:`spnet.analysis.summarise.per_pair`.
    titles: methods to show, in order, with what the reader sees.
    dataset_titles: datasets to show, likewise.
    """
    style.apply()
    dice = values[(values["metric"] == DICE) & (values["structure"] == AVERAGE) & values["method"].isin(titles)]
    figure, panels = pyplot.subplots(
        len(dataset_titles),
        1,
        figsize=(1.6 + 0.75 * len(titles), 3.6 * len(dataset_titles)),
        squeeze=False,
        layout="constrained",
    )
    for panel, (dataset, title) in zip(panels[:, 0], dataset_titles.items(), strict=True):
        shown = dice[dice["dataset"] == dataset]
        present = {method: "\n".join(wrap(title, _TITLE_WIDTH)) for method, title in titles.items()}
        present = {method: label for method, label in present.items() if method in set(shown["method"])}
        sns.boxplot(
            shown.assign(Method=shown["method"].map(present)),
            x="Method",
            y="value",
            order=list(present.values()),
            color=style.BOX,  # the axis names the methods, which are more than colours to tell apart
            ax=panel,
            width=0.6,
            linewidth=1,
            fliersize=2,
        )
        pairs = shown.groupby("method").size().max()
        panel.set(xlabel="", ylabel="Dice, average over labels", title=f"{title} ({pairs} ordered pairs)")
    return figure
