"""What a run offers to judge a claim by, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from spnet.analysis.collapsed import Collapses, collapses
from spnet.analysis.differences import PAIR, Pairs, Scored, scored_pairs
from spnet.analysis.study import Study
from spnet.analysis.summarise import CELL, per_pair
from spnet.config.lookups import UNTRAINED, settings, trained_on
from spnet.errors import ConfigError
from spnet.methods import build_method

if TYPE_CHECKING:
    from spnet.methods.base import Method


class NotTestedError(Exception):
    """The run holds nothing to judge a claim, or a part of it, by; the message says why."""


@dataclass(frozen=True)
class Evidence:
    """Scores, costs and methods of a run.

    Attributes
    ----------
    study: with the experiments that the run scored, no others.
    scores: from :func:`spnet.analysis.collect.collect`.
    cost: from :func:`spnet.analysis.cost.measure_cost`.
    figures: titles of the run's figures by name.
    """

    study: Study
    scores: pd.DataFrame
    cost: pd.DataFrame
    figures: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def values(self) -> pd.Series:
        """Every pair's value, indexed by training, dataset, method, metric, structure and pair."""
        return per_pair(self.scores, self.study.labels()).set_index([*CELL, *PAIR])["value"].sort_index()

    @cached_property
    def _scored(self) -> dict[Scored, Pairs]:
        return scored_pairs(self.values)

    @cached_property
    def collapsed(self) -> Collapses:
        """The trainings that collapsed, of which nothing is graded."""
        return collapses(self.scores)

    def experiment(self, name: str) -> Mapping[str, Any]:
        """The entry of an experiment that was scored."""
        if name not in self.study.experiments:
            raise NotTestedError(f"experiment {name} is not in the run")
        return self.study.experiments[name]

    def method_in(self, experiment: str, method: str) -> str:
        """Key of the method in an experiment: itself, or published weights of the same row of the paper."""
        entry = self.experiment(experiment)
        if method in entry["methods"]:
            return method
        for other in entry["methods"]:
            candidate = self.study.methods[other]
            here = trained_on(entry, candidate) in (UNTRAINED, entry["trained_on"])
            if candidate["kind"] == "published" and candidate["published_as"] == method and here:
                return other
        raise NotTestedError(f"{method} is not in experiment {experiment}")

    def pairs(self, experiment: str, method: str, metric: str, structure: str) -> pd.Series:
        """Values of a method's pairs, indexed by moving and fixed."""
        entry = self.experiment(experiment)
        found, source = self.source_of(experiment, method)
        try:
            return self.values.loc[(source, entry["dataset"], found, metric, structure)]
        except KeyError:
            raise NotTestedError(f"no {metric} of {structure} was measured for {method} in {experiment}") from None

    def scored(self, experiment: str, method: str) -> Pairs:
        """The pairs that a method has any value of."""
        found, source = self.source_of(experiment, method)
        return self._scored[source, self.experiment(experiment)["dataset"], found]

    def seeds(self, experiment: str, method: str, metric: str, structure: str) -> list[float]:
        """Mean over the pairs of each seed's training, or of the one pass of a method without."""
        self.pairs(experiment, method, metric, structure)
        found, source = self.source_of(experiment, method)
        dataset = self.experiment(experiment)["dataset"]
        ours = self.scores[
            (self.scores["method"] == found)
            & (self.scores["dataset"] == dataset)
            & (self.scores["trained_on"] == source)
            & (self.scores["metric"] == metric)
        ]
        means = []
        for _, rows in ours.groupby("seed"):
            values = per_pair(rows, self.study.labels())
            means.append(float(values.loc[values["structure"] == structure, "value"].mean()))
        return means

    def source_of(self, experiment: str, method: str) -> tuple[str, str]:
        """Key of the method in an experiment, and the dataset that its weights come from; of a sound training only."""
        found = self.method_in(experiment, method)
        source = trained_on(self.experiment(experiment), self.study.methods[found])
        if (source, found) in self.collapsed:
            raise NotTestedError(f"the training of {found} on {source} collapsed ({self.collapsed[source, found]})")
        return found, source

    def structures(self, experiment: str) -> list[str]:
        """Regions of the experiment's label set."""
        return list(self.study.labels()[self.experiment(experiment)["dataset"]].regions)

    def build(self, method: str, options: Mapping[str, Any] | None = None) -> Method:
        """The method with the options that it is trained with where no dataset sets them apart, but for `options`."""
        if method not in self.study.methods:
            raise NotTestedError(f"{method} is not configured")
        entry = self.study.methods[method]
        try:
            return build_method(entry["implementation"], {**settings(entry, "options", ""), **(options or {})})
        except ConfigError as error:
            raise NotTestedError(f"{method} cannot be built: {error.problem}") from error

    def cost_of(self, experiment: str, method: str, quantity: str, device: str | None) -> tuple[float, str]:
        """A method's cost in an experiment and the device it was measured on, of that kind (None: any)."""
        entry = self.experiment(experiment)
        found, source = self.source_of(experiment, method)
        same = (self.cost["method"] == found) & (self.cost["quantity"] == quantity)
        same &= self.cost["trained_on"] == source
        rows = self.cost[same & self.cost["dataset"].isin([entry["dataset"], ""])].dropna(subset="value")
        if rows.empty:
            raise NotTestedError(f"{quantity} of {method} was not measured")
        if device is not None and set(rows["device"]) != {device}:
            raise NotTestedError(f"{quantity} of {method} was measured on {rows['device'].iloc[0]}, not on {device}")
        return float(rows["value"].mean()), ", ".join(sorted(set(rows["device"])))
