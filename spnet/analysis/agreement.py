"""How far the order of methods is the paper's: rank correlation of their means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

_SAMPLES = 2000
_FEWEST = 4  # methods; the order of fewer says little


@dataclass(frozen=True)
class Agreement:
    """Spearman's correlation of our means with the paper's, with the 95 % interval that resamples our subjects."""

    methods: int
    correlation: float
    low: float
    high: float


def rank_agreement(values: pd.DataFrame, printed: Mapping[str, float]) -> Agreement | None:
    """Compare the order of the methods that have both; None for fewer than four.

    Parameters
    ----------
    values: one quantity's value of every pair: columns method, moving, fixed, value; the same pairs for all methods.
    printed: the paper's mean by method.
    """
    from scipy.stats import spearmanr  # late, as in spnet.analysis.differences

    methods = [method for method in printed if method in set(values["method"])]
    if len(methods) < _FEWEST:
        return None
    names = sorted({*values["moving"], *values["fixed"]})
    grids = np.full((len(methods), len(names), len(names)), np.nan)
    for index, method in enumerate(methods):
        grid = values[values["method"] == method].pivot(index="moving", columns="fixed", values="value")
        grids[index] = grid.reindex(index=names, columns=names)
    paper = [printed[method] for method in methods]
    draws = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), size=_SAMPLES)
    counted = ~np.isnan(grids[0])
    sums = np.einsum("si,mij,sj->sm", draws, np.nan_to_num(grids), draws, optimize=True)
    weights = np.einsum("si,ij,sj->s", draws, counted.astype(float), draws, optimize=True)
    found = [spearmanr(row, paper).statistic for row in sums[weights > 0]]  # a common divisor changes no order
    low, high = np.nanpercentile(found, [2.5, 97.5])
    means = np.nansum(grids, axis=(1, 2))
    return Agreement(len(methods), float(spearmanr(means, paper).statistic), float(low), float(high))
