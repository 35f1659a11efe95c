"""The pairs that figures show: which ones, and registering them with fields kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from spnet.data.labels import LabelSet
from spnet.device import choose_device
from spnet.errors import DataError
from spnet.evaluation.chunk import IDENTITY, MethodSpec
from spnet.evaluation.evaluate import COLUMNS, Scoring, prepared_reader, score_found
from spnet.evaluation.register import register_both_ways
from spnet.files import atomic_path
from spnet.methods.base import LevelView
from spnet.metrics import DICE


def choose_pair(
    metrics: str | Path, pairs_file: str | Path, dataset: str, labels: LabelSet, output: str | Path
) -> None:
    """Choose the pair of a dataset whose Dice is the median, a typical one, and write its row (TSV).

    A pair's Dice is the mean over its labels, then over everything that was scored in `metrics`. Only the order in
    which a pair was registered competes (first onto second), so that what is shown is what was scored.

    Parameters
    ----------
    metrics: a table of scores (Parquet).
    pairs_file: from :func:`spnet.data.pairs.make_pairs`, tab-separated.
    output: columns moving, fixed, dice.

    Raises
    ------
    DataError: no pair of the dataset was scored.
    """
    scores = pd.read_parquet(metrics)
    ids = [str(label) for label in labels.scored]
    rows = (scores["dataset"] == dataset) & (scores["metric"] == DICE) & scores["structure"].isin(ids)
    registrations = scores[rows].groupby(["moving", "fixed", *IDENTITY], as_index=False)["value"].mean()
    pairs = pd.read_csv(pairs_file, sep="\t", dtype=str, keep_default_na=False)
    pairs = pairs.rename(columns={"first": "moving", "second": "fixed"})[["moving", "fixed"]]
    dice = registrations.groupby(["moving", "fixed"], as_index=False)["value"].mean().rename(columns={"value": "dice"})
    ranked = pairs.merge(dice).sort_values(["dice", "moving", "fixed"])
    if ranked.empty:
        raise DataError(
            f"it holds no Dice of a pair of dataset '{dataset}', so none can be shown",
            path=metrics,
            remedy="Delete it to have the scores collected again, or show no figure of that dataset",
        )
    middle = (len(ranked) - 1) // 2  # of an even number the lower one: no pair lies between two
    with atomic_path(output) as temporary:
        ranked.iloc[[middle]].to_csv(temporary, sep="\t", index=False)


def register_shown(
    spec: MethodSpec,
    pair_file: str | Path,
    prepared: str | Path,
    labels: LabelSet,
    identity: Mapping[str, str | int],
    outputs: Mapping[str, str | Path],
    device: str = "auto",
) -> None:
    """Register the pair that a dataset shows; write its fields and its scores.

    Parameters
    ----------
    pair_file: from :func:`choose_pair`.
    prepared: folder with a folder per prepared subject.
    identity: values of the columns trained_on, dataset, method and seed.
    outputs: ``fields``, compressed arrays along the prepared volumes' axes: forward and backward [3, D, H, W], and of
        every level, 0 the finest, ``level_{i}_{part}`` for the parts of :class:`spnet.methods.base.LevelView`;
        ``facts`` (CSV), the columns of the metrics table and the sampler.
    """
    method = spec.build(device)
    pair = pd.read_csv(pair_file, sep="\t", dtype=str, keep_default_na=False).iloc[0]
    read = prepared_reader(prepared, choose_device(device))
    (moving, moving_labels), (fixed, fixed_labels) = read(pair["moving"]), read(pair["fixed"])
    found = register_both_ways(method, moving, fixed)
    volumes = {pair["moving"]: moving_labels, pair["fixed"]: fixed_labels}
    turned = register_both_ways(method, fixed, moving) if method.order_dependent else found.swapped()
    facts = pd.DataFrame(score_found(found, turned, volumes, Scoring(labels), method.sampler), columns=COLUMNS)
    for position, column in enumerate(IDENTITY):
        facts.insert(position, column, identity[column])
    facts.insert(len(IDENTITY), "sampler", method.sampler)
    with torch.no_grad():
        levels = method.inspect(moving, fixed)
    arrays = {"forward": _array(found.forward), "backward": _array(found.backward), **_level_arrays(levels)}
    with atomic_path(outputs["fields"]) as temporary:
        np.savez_compressed(temporary, **arrays)
    with atomic_path(outputs["facts"]) as temporary:
        facts.to_csv(temporary, index=False)


def _level_arrays(levels: tuple[LevelView, ...]) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for index, level in enumerate(levels):
        arrays[f"level_{index}_displacement"] = _array(level.displacement)
        arrays[f"level_{index}_similarity"] = _array(level.similarity)[0]
        if level.warped_similarity is not None:
            arrays[f"level_{index}_warped_similarity"] = _array(level.warped_similarity)[0]
    return arrays


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor[0].float().cpu().numpy()
