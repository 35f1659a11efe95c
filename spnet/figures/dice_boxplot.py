"""Distribution of registration accuracy by method (the paper's Fig. 7)."""

from __future__ import annotations

from textwrap import wrap

import seaborn as sns
from matplotlib import pyplot
from matplotlib.figure import Figure

from spnet.data.labels import AVERAGE
from spnet.figures import style
from spnet.figures.material import Material

# Letters of a method's title that fit under its box, of this many boxes side by side.
_LETTERS = 110


def draw(material: Material) -> Figure:
    """Boxplots of the average Dice per pair, a panel per dataset, with the methods that were scored on it."""
    titles, dice = material.titles, material.dice()
    dice = dice[dice["structure"] == AVERAGE]
    figure, panels = pyplot.subplots(
        len(material.datasets),
        1,
        figsize=(style.PAGE_WIDTH, 2.5 * len(material.datasets)),
        squeeze=False,
        layout="constrained",
    )
    for panel, (dataset, about) in zip(panels[:, 0], material.datasets.items(), strict=True):
        shown = dice[dice["dataset"] == dataset]
        present = [method for method in titles if method in set(shown["method"])]
        letters = max(7, _LETTERS // max(len(present), 1))
        labels = {method: "\n".join(wrap(titles[method], letters)) for method in present}
        sns.boxplot(
            shown.assign(Method=shown["method"].map(labels)),
            x="Method",
            y="value",
            order=list(labels.values()),
            color=style.BOX,  # the axis names the methods, which are more than colours to tell apart
            ax=panel,
            width=0.6,
            linewidth=0.8,
            fliersize=1.5,
        )
        pairs = shown.groupby("method").size().max()
        panel.set(xlabel="", ylabel="Dice, average over labels", title=f"{about.title} ({pairs} ordered pairs)")
    return figure
