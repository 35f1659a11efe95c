"""Scoring pairs: every metric of every pair and structure, as tidy rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from spnet.data.labels import DICE, DICE_MERGED, VOLUME, LabelSet
from spnet.data.nifti import read_image, read_labels
from spnet.errors import RegistrationError
from spnet.evaluation.further import NO_FURTHER_METRICS, FurtherMetrics
from spnet.evaluation.register import BothWays, register_both_ways
from spnet.fields import Sampler, warp
from spnet.methods.base import Method
from spnet.metrics import dice_per_label, inverse_consistency_error, merge_labels, percent_folding

COLUMNS = ["moving", "fixed", "metric", "structure", "value"]

Row = dict[str, str | float]
Reader = Callable[[str], tuple[Tensor, Tensor]]


def prepared_reader(folder: str | Path, device: torch.device, keep: int = 64) -> Reader:
    """Function from a subject's name to its prepared image and labels, [1, 1, D, H, W] on `device`.

    The last `keep` subjects stay in memory: a chunk meets the same few again and again.
    """

    @lru_cache(maxsize=keep)
    def read(subject: str) -> tuple[Tensor, Tensor]:
        image = read_image(Path(folder) / subject / "image.nii.gz")
        labels = read_labels(Path(folder) / subject / "labels.nii.gz", image)
        return tuple(torch.from_numpy(data)[None, None].float().to(device) for data in (image.data, labels.data))

    return read


def evaluate_pairs(
    method: Method,
    pairs: pd.DataFrame,
    read: Reader,
    labels: LabelSet,
    further: FurtherMetrics = NO_FURTHER_METRICS,
) -> pd.DataFrame:
    """Register every pair and score both directions.

    Parameters
    ----------
    method: on the device of the volumes, in evaluation mode.
    pairs: columns first and second, from :func:`spnet.data.pairs.make_pairs`.
    read: from :func:`prepared_reader`.

    Returns
    -------
    Rows with columns moving, fixed, metric, structure, value. Metrics: ``dice`` per label id, and ``dice_merged``,
    where the protocol has a coarser one, with its labels merged; for the whole volume ``jab`` and ``jab_central``
    (percent), ``ice`` (official sampler, as the paper) and ``ice_exact`` (voxels),
    ``seconds`` and ``peak_mb`` of the registration (half the time of a pass that gives both directions); and those of
    `further`.
    """
    rows: list[Row] = []
    for first, second in tqdm(list(pairs[["first", "second"]].itertuples(index=False)), disable=None, unit="pair"):
        rows += _score_pair(method, first, second, read, labels, further)
    return pd.DataFrame(rows, columns=COLUMNS)


def _score_pair(
    method: Method, first: str, second: str, read: Reader, labels: LabelSet, further: FurtherMetrics
) -> Iterator[Row]:
    (image_1, labels_1), (image_2, labels_2) = read(first), read(second)
    try:
        found = register_both_ways(method, image_1, image_2)
    except RegistrationError as error:
        raise RegistrationError(f"pair {first}, {second}: {error.problem}", remedy=error.remedy) from error
    yield from score_found(found, {first: labels_1, second: labels_2}, labels, method.sampler, further)


def score_found(
    found: BothWays,
    volumes: Mapping[str, Tensor],
    labels: LabelSet,
    sampler: Sampler,
    further: FurtherMetrics = NO_FURTHER_METRICS,
) -> Iterator[Row]:
    """Rows of :func:`evaluate_pairs` for one registered pair.

    Parameters
    ----------
    volumes: labels [1, 1, D, H, W] by subject, first and second.
    sampler: that labels are warped with.
    """
    (first, labels_1), (second, labels_2) = volumes.items()
    directions = (
        (first, second, labels_1, labels_2, found.forward, found.backward, found.forward_cost),
        (second, first, labels_2, labels_1, found.backward, found.forward, found.backward_cost),
    )
    for moving, fixed, moving_labels, fixed_labels, displacement, inverse, cost in directions:
        warped = warp(moving_labels, displacement, sampler, "nearest")
        whole = {
            "jab": percent_folding(displacement, "forward"),
            "jab_central": percent_folding(displacement, "central"),
            "ice": inverse_consistency_error(displacement, inverse, "official"),
            "ice_exact": inverse_consistency_error(displacement, inverse, "exact"),
            "seconds": cost.seconds,
            "peak_mb": cost.peak_mb,
        }
        pair = {"moving": moving, "fixed": fixed}
        for metric, merged in ((DICE, {}), (DICE_MERGED, labels.merged)):
            if metric == DICE or merged:
                volumes = (merge_labels(volume, merged) for volume in (warped, fixed_labels))
                for label, value in dice_per_label(*volumes, labels.scored).items():
                    yield {**pair, "metric": metric, "structure": str(label), "value": value}
        for metric, value in whole.items():
            yield {**pair, "metric": metric, "structure": VOLUME, "value": value}
        for metric, structure, value in further.measure(displacement, warped, fixed_labels, labels.scored):
            yield {**pair, "metric": metric, "structure": structure, "value": value}
