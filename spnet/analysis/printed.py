"""The paper's printed means as evidence: whether a claim holds on the paper's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from spnet.analysis.collapsed import Collapses
from spnet.analysis.differences import PAIR, Pairs
from spnet.analysis.evidence import Evidence, NotTestedError

if TYPE_CHECKING:
    from spnet.methods.base import Method

# Two ordered pairs with the printed mean each: what is compared pair by pair then has an interval without width.
_PAIRS = pd.MultiIndex.from_tuples([("first", "second"), ("second", "first")], names=PAIR)


@dataclass(frozen=True)
class PrintedEvidence(Evidence):
    """Means that the paper prints, in place of a run's scores.

    Attributes
    ----------
    published: from :func:`spnet.analysis.published.read_published`.
    """

    published: pd.DataFrame | None = None

    @property
    def collapsed(self) -> Collapses:
        """None of the paper's trainings."""
        return {}

    def pairs(self, experiment: str, method: str, metric: str, structure: str) -> pd.Series:
        """The printed mean, for each of two pairs."""
        entry = self.experiment(experiment)
        place = {"trained_on": entry["trained_on"], "dataset": entry["dataset"], "method": method}
        place |= {"metric": metric, "structure": structure}
        rows = self.published[(self.published[list(place)] == pd.Series(place)).all(axis=1)]
        if rows.empty:
            raise NotTestedError(f"no {metric} of {structure} is printed for {method} in {experiment}")
        return pd.Series(float(rows["mean"].iloc[0]), index=_PAIRS)

    def scored(self, experiment: str, method: str) -> Pairs:
        """The same two pairs for every method."""
        return frozenset(_PAIRS)

    def seeds(self, experiment: str, method: str, metric: str, structure: str) -> list[float]:
        """The printed mean."""
        return [float(self.pairs(experiment, method, metric, structure).iloc[0])]

    def build(self, method: str, options: Mapping[str, Any] | None = None) -> Method:
        """No network is printed."""
        raise NotTestedError("the paper prints no network")

    def cost_of(self, experiment: str, method: str, quantity: str, device: str | None) -> tuple[float, str]:
        """No cost is printed."""
        raise NotTestedError("the paper prints no cost")
