"""From the configuration's entries to the rows and columns of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spnet.analysis.collapsed import collapse_notes, collapses
from spnet.analysis.summarise import count_absent_labels, count_one_sided_labels, per_pair, summarise
from spnet.analysis.tables import Column, Row, Source, build_table
from spnet.config.lookups import CONTROL, trained_on
from spnet.data.labels import LabelSet, label_set
from spnet.metrics import METRICS


@dataclass(frozen=True)
class Study:
    """The parts of a configuration that tables and figures need.

    Attributes
    ----------
    experiments, methods: entries of a study by name.
    label_sets: definition of every dataset's label set.
    part: of the subjects that were scored; the paper has numbers for ``test`` only.
    notes: sentences under every table, before its own.
    """

    experiments: Mapping[str, Mapping[str, Any]]
    methods: Mapping[str, Mapping[str, Any]]
    label_sets: Mapping[str, Any]
    part: str = "test"
    notes: Sequence[str] = ()

    def titles(self) -> dict[str, str]:
        """What a reader sees of every method."""
        return {name: entry["title"] for name, entry in self.methods.items()}

    def labels(self) -> dict[str, LabelSet]:
        """Label set of every dataset."""
        return {dataset: label_set(definition) for dataset, definition in self.label_sets.items()}

    def rows(self, experiments: Sequence[str], chosen: Sequence[Mapping[str, str]] | None = None) -> list[Row]:
        """Every method of these experiments once, in order; or those of `chosen` (entry `rows` of a table)."""
        names = dict.fromkeys(method for name in experiments for method in self.experiments[name]["methods"])
        return [self._row(row) for row in chosen or [{"method": name} for name in names]]

    def _row(self, row: Mapping[str, str]) -> Row:
        entry = self.methods[row["method"]]
        return Row(
            row["method"],
            row.get("title", entry["title"]),
            entry["published_as"],
            entry["recreated"],
            row.get("trained_on"),
            self.is_control(row["method"]),
        )

    def is_control(self, method: str) -> bool:
        """Whether the method registers nothing."""
        return self.methods[method].get("implementation") == CONTROL

    def columns(self, experiments: Sequence[str], quantities: Sequence[Mapping[str, Any]]) -> list[Column]:
        """Every quantity (`columns` of a table) on every dataset of the experiments, or of those that it names."""
        sources: dict[tuple[str, str, str], list[Source]] = {}
        for name in experiments:
            experiment = self.experiments[name]
            source = Source(experiment["trained_on"], self.weights(experiment))
            for quantity in quantities:
                if name in quantity.get("experiments", experiments):
                    for structure in quantity["structures"]:
                        key = (experiment["dataset"], quantity["metric"], structure)
                        sources.setdefault(key, []).append(source)
        return [Column(*key, tuple(found)) for key, found in sources.items()]

    def weights(self, experiment: Mapping[str, Any]) -> dict[str, str]:
        """Where the weights of each of the experiment's methods come from."""
        return {method: trained_on(experiment, self.methods[method]) for method in experiment["methods"]}

    def datasets(self, experiments: Sequence[str]) -> list[str]:
        """The datasets that these experiments are tested on, in order."""
        return list(dict.fromkeys(self.experiments[name]["dataset"] for name in experiments))

    def scores_of(self, scores: pd.DataFrame, experiments: Sequence[str]) -> pd.DataFrame:
        """The scores of these experiments' rows on their datasets."""
        wanted = [
            (source, experiment["dataset"], method)
            for experiment in (self.experiments[name] for name in experiments)
            for method, source in self.weights(experiment).items()
        ]
        keys = pd.MultiIndex.from_frame(scores[["trained_on", "dataset", "method"]])
        return scores[keys.isin(wanted)]


def assemble_table(
    name: str,
    specification: Mapping[str, Any],
    study: Study,
    scores: pd.DataFrame,
    paper: pd.DataFrame,
    gaps: bool = False,
) -> tuple[pd.DataFrame, list[str]]:
    """Table `name` and the notes under it.

    Parameters
    ----------
    paper: from :func:`spnet.analysis.published.read_published`.
    gaps: what was not scored is left open; else it is an error.
    """
    names = specification["experiments"]
    scores = study.scores_of(scores, names)
    label_sets = study.labels()
    columns = study.columns(names, specification["columns"])
    summary = summarise(per_pair(scores, label_sets))
    collapsed = collapses(scores)
    notes = [*study.notes, *specification["notes"], *_seed_notes(scores, study), *_absent_notes(scores, label_sets)]
    metrics = dict.fromkeys(column.metric for column in columns)
    notes += [METRICS[metric].note for metric in metrics if METRICS[metric].note]
    notes += [note for metric in metrics if METRICS[metric].both_volumes for note in _one_sided_notes(scores, metric)]
    if study.part != "test":
        paper, notes = paper[:0], [*notes, f"Scored on the {study.part} subjects: the paper has no counterpart."]
    table = build_table(summary, paper, name, study.rows(names, specification.get("rows")), columns, collapsed, gaps)
    shown = set(zip(table["trained_on"], table["method"], strict=True))
    notes += collapse_notes({key: how for key, how in collapsed.items() if key in shown}, study.titles())
    return table, notes


def _seed_notes(scores: pd.DataFrame, study: Study) -> list[str]:
    trained = [name for name, entry in study.methods.items() if entry["kind"] == "trained"]
    own = scores[scores["method"].isin(trained)]
    counts = own.groupby(["method", "trained_on", "dataset"])["seed"].nunique().groupby("method").max()
    several = counts[counts > 1]
    if several.empty:
        return []
    if counts.nunique() == 1:
        return [f"Every pair's score is first averaged over the trainings, {counts.iloc[0]} seeds."]
    named = ", ".join(f"{title}: {several[name]} seeds" for name, title in study.titles().items() if name in several)
    return [f"Every pair's score is first averaged over the trainings of methods that have several ({named})."]


def _absent_notes(scores: pd.DataFrame, label_sets: Mapping[str, LabelSet]) -> list[str]:
    return [
        f"{dataset}: in {absent} (pair, label) cases neither volume has the label; they do not count"
        " (the authors' program counts them as 0)."
        for dataset, absent in count_absent_labels(scores, label_sets).items()
        if absent
    ]


def _one_sided_notes(scores: pd.DataFrame, metric: str) -> list[str]:
    return [
        f"{dataset}: in {without} of {cases} (method, pair, label) cases one of the two volumes lacks the label: Dice"
        f" 0, and no {METRICS[metric].title}, which then does not count."
        for dataset, (without, cases) in count_one_sided_labels(scores, metric).items()
        if without
    ]
