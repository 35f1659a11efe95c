"""From the configuration's entries to the rows and columns of a table, and the table's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.published import read_published
from spnet.analysis.summarise import count_absent_labels, per_pair, summarise
from spnet.analysis.tables import Column, Row, build_table, to_latex, to_markdown
from spnet.configuration import trained_on
from spnet.data.labels import LabelSet, label_set
from spnet.files import atomic_path, write_text


@dataclass(frozen=True)
class Study:
    """The parts of a configuration that tables and figures need.

    Attributes
    ----------
    experiments, methods: entries of experiments.yaml and methods.yaml by name.
    label_sets: definition of every dataset's label set.
    part: of the subjects that were scored; the paper has numbers for ``test`` only.
    notes: sentences under every table, before its own.
    """

    experiments: Mapping[str, Mapping[str, Any]]
    methods: Mapping[str, Mapping[str, Any]]
    label_sets: Mapping[str, Any]
    part: str = "test"
    notes: Sequence[str] = ()

    def labels(self) -> dict[str, LabelSet]:
        """Label set of every dataset."""
        return {dataset: label_set(definition) for dataset, definition in self.label_sets.items()}

    def rows(self, experiments: Sequence[str]) -> list[Row]:
        """Every method of these experiments once, in order."""
        names = dict.fromkeys(method for name in experiments for method in self.experiments[name]["methods"])
        return [
            Row(name, entry["title"], entry["published_as"], entry["recreated"])
            for name, entry in ((name, self.methods[name]) for name in names)
        ]

    def columns(self, experiments: Sequence[str], quantities: Sequence[Mapping[str, Any]]) -> list[Column]:
        """Every quantity (entry `columns` of a table) of every experiment, or of those that it names itself."""
        return [
            Column(
                experiment["trained_on"],
                experiment["dataset"],
                quantity["metric"],
                structure,
                self._weights(experiment),
            )
            for name, experiment in ((name, self.experiments[name]) for name in experiments)
            for quantity in quantities
            if name in quantity.get("experiments", experiments)
            for structure in quantity["structures"]
        ]

    def _weights(self, experiment: Mapping[str, Any]) -> dict[str, str]:
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
            for method, source in self._weights(experiment).items()
        ]
        keys = pd.MultiIndex.from_frame(scores[["trained_on", "dataset", "method"]])
        return scores[keys.isin(wanted)]


def write_table(
    name: str,
    specification: Mapping[str, Any],
    study: Study,
    metrics: str | Path,
    published: str | Path,
    outputs: Mapping[str, str | Path],
) -> None:
    """Write table `name` (its entry in experiments.yaml is `specification`) to outputs csv, markdown and latex."""
    names = specification["experiments"]
    scores = study.scores_of(pd.read_parquet(metrics), names)
    label_sets = study.labels()
    columns = study.columns(names, specification["columns"])
    summary = summarise(per_pair(scores, label_sets))
    paper = read_published(published)
    notes = [*study.notes, *specification["notes"], *_absent_notes(scores, label_sets)]
    if study.part != "test":
        paper, notes = paper[:0], [*notes, f"Scored on the {study.part} subjects: the paper has no counterpart."]
    table = build_table(summary, paper, name, study.rows(names), columns)
    with atomic_path(outputs["csv"]) as temporary:
        table.to_csv(temporary, index=False)
    write_text(outputs["markdown"], to_markdown(table, specification["title"], notes))
    write_text(outputs["latex"], to_latex(table, specification["title"], notes))


def _absent_notes(scores: pd.DataFrame, label_sets: Mapping[str, LabelSet]) -> list[str]:
    return [
        f"{dataset}: in {absent} (pair, label) cases neither volume has the label; they do not count"
        " (the authors' program counts them as 0)."
        for dataset, absent in count_absent_labels(scores, label_sets).items()
        if absent
    ]
