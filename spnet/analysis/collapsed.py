"""Rows of trainings that collapsed: they are shown and marked, but never ranked, compared or graded."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

# Of the scores: how the training behind a row collapsed (spnet/training/collapse.py), nothing for most.
COLUMN = "collapsed"
MARK = "†"

# By the dataset trained on and the method.
Collapses = Mapping[tuple[str, str], str]


def collapses(scores: pd.DataFrame) -> dict[tuple[str, str], str]:
    """How trainings collapsed, by the dataset trained on and the method; of several seeds, each that did is named."""
    if COLUMN not in scores:  # of a run before this was looked for
        return {}
    trainings = scores[["trained_on", "method", "seed", COLUMN]].drop_duplicates().fillna({COLUMN: ""})
    found = {}
    for (trained_on, method), seeds in trainings.groupby(["trained_on", "method"], sort=False):
        told = [f"seed {seed}: {how}" if len(seeds) > 1 else how for seed, how in seeds[["seed", COLUMN]].values if how]
        if told:
            found[str(trained_on), str(method)] = "; ".join(told)
    return found


def marked(title: str, collapsed: object) -> str:
    """A title or value with the mark, where its training collapsed."""
    return f"{title} {MARK}" if collapsed else title


def collapse_notes(found: Collapses, titles: Mapping[str, str]) -> list[str]:
    """What the mark stands for, one sentence a training."""
    return [
        f"{MARK} {titles.get(method, method)}, trained on {trained_on}: this training collapsed ({how}), so its values"
        " are neither ranked nor compared nor graded."
        for (trained_on, method), how in found.items()
    ]
