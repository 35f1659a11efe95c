"""Pictures of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from spnet.analysis.study import Study
from spnet.analysis.summarise import per_pair
from spnet.errors import ConfigError
from spnet.figures import dice_boxplot, style

# Kind of figure -> function of (per-pair values, method titles, dataset titles).
FIGURES: dict[str, Callable[[pd.DataFrame, Mapping[str, str], Mapping[str, str]], Figure]] = {
    "dice_boxplot": dice_boxplot.draw,
}


def draw_figure(
    specification: Mapping[str, Any],
    study: Study,
    dataset_titles: Mapping[str, str],
    metrics: str | Path,
    outputs: Mapping[str, str | Path],
) -> None:
    """Draw the figure of `specification` (its entry in experiments.yaml) to outputs pdf and png."""
    if specification["kind"] not in FIGURES:
        raise ConfigError(f"there is no kind of figure '{specification['kind']}'", remedy=f"Known: {list(FIGURES)}")
    names = specification["experiments"]
    values = per_pair(study.scores_of(pd.read_parquet(metrics), names), study.labels())
    titles = {row.method: row.title for row in study.rows(names)}
    datasets = {dataset: dataset_titles[dataset] for dataset in study.datasets(names)}
    figure = FIGURES[specification["kind"]](values, titles, datasets)
    style.save(figure, [outputs["pdf"], outputs["png"]])
