"""From a figure's entry in the configuration to its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spnet.analysis.collapsed import collapses, marked
from spnet.analysis.collect import read_scores
from spnet.analysis.study import Study
from spnet.analysis.summarise import per_pair
from spnet.figures import FIGURES, style
from spnet.figures.loading import read_pair
from spnet.figures.material import Material, ShownDataset
from spnet.registry import load, look_up


def draw_figure(
    specification: Mapping[str, Any],
    study: Study,
    datasets: Mapping[str, Mapping[str, str]],
    metrics: str | Path | Sequence[str | Path],
    outputs: Mapping[str, str | Path],
    shown: Iterable[tuple[str | Path, str | Path]] = (),
    prepared: str | Path = "",
) -> None:
    """Draw the figure of `specification` (its entry in the study) to outputs pdf and png.

    Parameters
    ----------
    datasets: title and plane of every dataset.
    metrics: tables of scores (Parquet), of what is shown at least.
    shown: the files of :func:`spnet.evaluation.shown.register_shown`, fields and facts of each pair.
    prepared: folder with a folder per dataset, in it one per prepared subject.
    """
    kind = look_up(FIGURES, specification["kind"], "kind of figure")
    material = gather(specification, study, datasets, metrics, shown, prepared)
    style.apply()
    style.save(load(kind.draw)(material), [outputs["pdf"], outputs["png"]])


def gather(
    specification: Mapping[str, Any],
    study: Study,
    datasets: Mapping[str, Mapping[str, str]],
    metrics: str | Path | Sequence[str | Path],
    shown: Iterable[tuple[str | Path, str | Path]] = (),
    prepared: str | Path = "",
) -> Material:
    """What a figure is drawn from; parameters as for :func:`draw_figure`."""
    names, labels = specification["experiments"], study.labels()
    scores = study.scores_of(read_scores(metrics), names)
    collapsed = {method for _, method in collapses(scores)}
    titles = {row.method: marked(row.title, row.method in collapsed) for row in study.rows(names)}
    titles = {method: titles[method] for method in specification.get("methods", titles)}
    return Material(
        per_pair(scores, labels),
        titles,
        {
            name: ShownDataset(datasets[name]["title"], datasets[name]["plane"], labels[name])
            for name in study.datasets(names)
        },
        [read_pair(fields, facts, prepared, labels) for fields, facts in shown],
    )
