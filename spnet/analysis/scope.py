"""The scores that a claim is about, turned into checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spnet.analysis.differences import paired
from spnet.analysis.evidence import Evidence, NotTestedError
from spnet.analysis.findings import Check
from spnet.errors import DataError

# Makes a check of two methods' values; the label is of both, the unit of what is counted.
Maker = Callable[[pd.Series, pd.Series, str, str], Check]
# Checks, and why some could not be made.
Gathered = tuple[list[Check], list[str]]


@dataclass(frozen=True)
class Scope:
    """The scores that a claim is about.

    Attributes
    ----------
    structures: None for every region of an experiment's label set.
    as_experiment: of the rivals, if it is another.
    """

    evidence: Evidence
    experiments: list[str]
    metric: str
    structures: list[str] | None = None
    as_experiment: str | None = None

    def places(self, missing: list[str]) -> Iterator[tuple[str, str]]:
        """Every experiment that the run has, with every structure of it; `missing` is told of the others."""
        for experiment in self.experiments:
            try:
                structures = self.structures or self.evidence.structures(experiment)
            except NotTestedError as reason:
                missing.append(str(reason))
                continue
            for structure in structures:
                yield experiment, structure

    def compare(self, methods: list[str], rivals: list[str], make: Maker, by_rival: bool = False) -> Gathered:
        """A check of every method against every rival in every place, and why some could not be made.

        Parameters
        ----------
        by_rival: what is counted are rivals, else structures.
        """
        checks: list[Check] = []
        missing: list[str] = []
        for method in methods:
            for experiment, structure in self.places(missing):
                for rival in rivals:
                    try:
                        first, second, on = self._paired(experiment, structure, method, rival)
                    except NotTestedError as reason:
                        missing.append(str(reason))
                        continue
                    label = f"{experiment} {structure}: {method} {first.mean():.3f}, {rival} {second.mean():.3f}{on}"
                    checks.append(make(first, second, label, rival if by_rival else structure))
        return checks, missing

    def _paired(self, experiment: str, structure: str, method: str, rival: str) -> tuple[pd.Series, pd.Series, str]:
        """Values of the pairs that have one of both methods, and on how many, where one has more."""
        ends = (experiment, method), (self.as_experiment or experiment, rival)
        values = [self.evidence.pairs(*end, self.metric, structure) for end in ends]
        scored = tuple(self.evidence.scored(*end) for end in ends)
        place = f"{experiment} {structure}: {method} and {rival}"
        try:
            first, second = paired(*values, scored)
        except DataError as error:
            raise NotTestedError(f"{place}: {error.problem}") from error
        if first.empty:
            raise NotTestedError(f"{place} have no pair in common with {self.metric}")
        fewer = len(first) < max(map(len, values))
        return first, second, f" (on {len(first)} of {len(scored[0])} pairs)" if fewer else ""

    def examine(self, methods: list[str], make: Callable[[pd.Series, str], Check]) -> Gathered:
        """A check of every method by itself in every place, likewise."""
        return self._each(methods, self.evidence.pairs, make)

    def examine_seeds(self, methods: list[str], make: Callable[[list[float], str], Check]) -> Gathered:
        """The same by the means of every seed."""
        return self._each(methods, self.evidence.seeds, make)

    def _each(self, methods: list[str], values_of: Callable[..., Any], make: Callable[[Any, str], Check]) -> Gathered:
        checks: list[Check] = []
        missing: list[str] = []
        for experiment, structure in self.places(missing):
            for method in methods:
                try:
                    values = values_of(experiment, method, self.metric, structure)
                except NotTestedError as reason:
                    missing.append(str(reason))
                    continue
                checks.append(make(values, f"{experiment} {structure}: {method}"))
        return checks, missing
