"""Differences between two methods, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from spnet.analysis.summarise import subject_interval
from spnet.errors import DataError

PAIR = ["moving", "fixed"]


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


def paired(first: pd.Series, second: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Both series, indexed by moving and fixed, in one order.

    Raises
    ------
    DataError: they are not of the same pairs.
    """
    if len(first) != len(second) or not first.index.sort_values().equals(second.index.sort_values()):
        raise DataError(
            f"two methods were not scored on the same pairs ({len(first)} and {len(second)})",
            remedy="Delete the run's evaluation folder and start again",
        )
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
