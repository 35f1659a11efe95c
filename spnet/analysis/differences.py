"""Differences between two methods, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from spnet.analysis.summarise import subject_interval
from spnet.errors import DataError

PAIR = ["moving", "fixed"]
_SCORED = ["trained_on", "dataset", "method"]
Scored = tuple[str, str, str]
Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Estimate:
    """A mean over ordered pairs with the 95 % interval that resamples subjects."""

    mean: float
    low: float
    high: float


def estimate(values: pd.Series) -> Estimate:
    """Mean and interval of values indexed by moving and fixed."""
    low, high = subject_interval(values.rename("value").reset_index())
    return Estimate(float(values.mean()), low, high)


def scored_pairs(values: pd.Series) -> dict[Scored, Pairs]:
    """The pairs that have a value of anything, by training, dataset and method.

    Parameters
    ----------
    values: indexed by these, moving and fixed, and more.
    """
    pairs = values.index.to_frame(index=False)[[*_SCORED, *PAIR]].drop_duplicates()
    return {key: frozenset(own[PAIR].itertuples(index=False, name=None)) for key, own in pairs.groupby(_SCORED)}


def paired(first: pd.Series, second: pd.Series, scored: tuple[Pairs, Pairs]) -> tuple[pd.Series, pd.Series]:
    """Both series, indexed by moving and fixed, of the pairs that have a value in both, in one order.

    Where one method warps a label away that the fixed scan lacks, and another keeps a voxel of it, a region of that
    label alone has a Dice for the second only.

    Parameters
    ----------
    scored: the pairs that each method has any value of.

    Raises
    ------
    DataError: the methods were scored on other pairs.
    """
    if scored[0] != scored[1]:
        raise DataError(
            f"two methods were not scored on the same pairs ({len(scored[0])} and {len(scored[1])})",
            remedy="Delete the run's evaluation folder and start again",
        )
    first = first[first.index.isin(second.index)]
    return first, second.reindex(first.index)


def signed_rank(differences: ArrayLike) -> tuple[float, float]:
    """Wilcoxon's signed-rank test, two-sided, and the matched-pairs rank-biserial correlation.

    Pairs without a difference do not count; if none has one, p is 1 and the correlation 0.

    Returns
    -------
    p, and the sum of ranks of positive differences less that of negative ones, of the sum of all: 1 if all are
    positive, -1 if all are negative.
    """
    # Late, since importing it takes a second, and the workflow reads in every job which statistics there are.
    from scipy.stats import rankdata, wilcoxon

    nonzero = np.asarray(differences, dtype=float)
    nonzero = nonzero[nonzero != 0]
    if not len(nonzero):
        return 1.0, 0.0
    ranks = rankdata(np.abs(nonzero))
    return float(wilcoxon(nonzero).pvalue), float((np.sign(nonzero) * ranks).sum() / ranks.sum())


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down correction of the p-values of one family, in their order."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    corrected = np.empty_like(p)
    corrected[order] = stepped
    return corrected
