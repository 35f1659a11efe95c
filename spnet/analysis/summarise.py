"""From scores per label to mean and standard deviation over pairs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spnet.data.labels import LabelSet
from spnet.metrics import DICE, METRICS

PAIR = ["trained_on", "dataset", "method", "moving", "fixed"]
CELL = ["trained_on", "dataset", "method", "metric", "structure"]


def per_pair(scores: pd.DataFrame, label_sets: Mapping[str, LabelSet]) -> pd.DataFrame:
    """One value per pair, metric and structure, what is measured per label grouped into regions and the average.

    Seeds are averaged first. A region's value is the mean over its labels; a label without a value (no Dice if neither
    volume of a pair has it, no HD95 if one lacks it) does not count.

    Parameters
    ----------
    scores: from :func:`spnet.analysis.collect.collect`.
    label_sets: label set of every dataset.
    """
    scores = scores.groupby([*PAIR, "metric", "structure"], as_index=False)["value"].mean()
    by_label = scores["metric"].isin([name for name, metric in METRICS.items() if metric.by_label])
    parts = [scores[~by_label]]
    for (dataset, metric), values in scores[by_label].groupby(["dataset", "metric"]):
        for name, ids in label_sets[dataset].groups().items():
            chosen = values[values["structure"].isin([str(label) for label in ids])]
            means = chosen.groupby(PAIR, as_index=False)["value"].mean()
            parts.append(means.assign(metric=metric, structure=name))
    return pd.concat(parts, ignore_index=True)[[*PAIR, "metric", "structure", "value"]]


def summarise(values: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (over the pairs at hand, not an estimate for others) of per-pair values.

    Returns
    -------
    Columns trained_on, dataset, method, metric, structure, mean, std, pairs, and low and high, the 95 % interval of the
    mean from :func:`subject_interval`.
    """
    rows = []
    for cell, pairs in values.groupby(CELL):
        low, high = subject_interval(pairs)
        spread = {"mean": pairs["value"].mean(), "std": pairs["value"].std(ddof=0), "pairs": len(pairs)}
        rows.append(dict(zip(CELL, cell, strict=True)) | spread | {"low": low, "high": high})
    return pd.DataFrame(rows)


def subject_interval(pairs: pd.DataFrame, samples: int = 2000, level: float = 0.95) -> tuple[float, float]:
    """Bootstrap interval of the mean over ordered pairs, resampling SUBJECTS, since pairs share them.

    A subject drawn several times counts as often; pairs of a subject with itself do not exist and do not count.

    Parameters
    ----------
    pairs: columns moving, fixed, value.
    """
    names = sorted({*pairs["moving"], *pairs["fixed"]})
    index = {name: position for position, name in enumerate(names)}
    total, count = np.zeros((2, len(names), len(names)))
    positions = (pairs["moving"].map(index), pairs["fixed"].map(index))
    np.add.at(total, positions, pairs["value"])
    np.add.at(count, positions, 1)
    random = np.random.default_rng(0)
    times_drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=samples).astype(float)
    sums, counts = (np.einsum("si,ij,sj->s", times_drawn, grid, times_drawn, optimize=True) for grid in (total, count))
    drawn = counts > 0  # a sample of one subject alone has no pair
    means = sums[drawn] / counts[drawn]
    tail = 50 * (1 - level)
    return tuple(float(bound) for bound in np.percentile(means, [tail, 100 - tail]))


def count_absent_labels(scores: pd.DataFrame, label_sets: Mapping[str, LabelSet]) -> dict[str, int]:
    """By dataset, how many (pair, label) cases have no Dice because neither volume has the label."""
    dice = scores[scores["metric"] == DICE]
    absent: dict[str, int] = {}
    for dataset, rows in dice.groupby("dataset"):
        cases = rows[["moving", "fixed", "structure"]].drop_duplicates()
        pairs = cases.groupby(["moving", "fixed"]).ngroups
        absent[str(dataset)] = pairs * len(label_sets[str(dataset)].scored) - len(cases)
    return absent


def count_one_sided_labels(scores: pd.DataFrame, metric: str) -> dict[str, tuple[int, int]]:
    """By dataset with a metric that needs both volumes, how many (method, pair, label) cases have a Dice but no value,
    since one of the two volumes lacks the label; and how many have a Dice.
    """
    counts: dict[str, tuple[int, int]] = {}
    for dataset, rows in scores.groupby("dataset"):
        dice, measured = (int((rows["metric"] == name).sum()) for name in (DICE, metric))
        if measured:
            counts[str(dataset)] = (dice - measured, dice)
    return counts
