"""From scores per label to mean and standard deviation over pairs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from spnet.data.labels import LabelSet

PAIR = ["trained_on", "dataset", "method", "moving", "fixed"]
CELL = ["trained_on", "dataset", "method", "metric", "structure"]


def per_pair(scores: pd.DataFrame, label_sets: Mapping[str, LabelSet]) -> pd.DataFrame:
    """One value per pair, metric and structure, label Dice grouped into regions and the average.

    Seeds are averaged first. A region's value is the mean over its labels; a label in neither volume of a pair has no
    Dice and does not count.

    Parameters
    ----------
    scores: from :func:`spnet.analysis.collect.collect`.
    label_sets: label set of every dataset.
    """
    scores = scores.groupby([*PAIR, "metric", "structure"], as_index=False)["value"].mean()
    is_dice = scores["metric"] == "dice"
    parts = [scores[~is_dice]]
    for dataset, dice in scores[is_dice].groupby("dataset"):
        for name, ids in label_sets[dataset].groups().items():
            chosen = dice[dice["structure"].isin([str(label) for label in ids])]
            means = chosen.groupby(PAIR, as_index=False)["value"].mean()
            parts.append(means.assign(metric="dice", structure=name))
    return pd.concat(parts, ignore_index=True)[[*PAIR, "metric", "structure", "value"]]


def summarise(values: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (over the pairs at hand, not an estimate for others) of per-pair values.

    Returns
    -------
    Columns trained_on, dataset, method, metric, structure, mean, std, pairs.
    """
    grouped = values.groupby(CELL)["value"]
    summary = grouped.agg(mean="mean", std=lambda column: column.std(ddof=0), pairs="size")
    return summary.reset_index()


def count_absent_labels(scores: pd.DataFrame, label_sets: Mapping[str, LabelSet]) -> dict[str, int]:
    """By dataset, how many (pair, label) cases have no Dice because neither volume has the label."""
    dice = scores[scores["metric"] == "dice"]
    absent: dict[str, int] = {}
    for dataset, rows in dice.groupby("dataset"):
        one_method = rows[rows["method"] == rows["method"].iloc[0]]
        pairs = one_method.groupby([*PAIR, "seed"]).ngroups
        absent[str(dataset)] = pairs * len(label_sets[str(dataset)].scored) - len(one_method)
    return absent
