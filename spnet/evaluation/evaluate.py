"""Scoring pairs: every metric of every pair and structure, as tidy rows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from spnet.data.labels import LabelSet
from spnet.data.nifti import read_image, read_labels
from spnet.errors import RegistrationError
from spnet.evaluation.register import BothWays, Ready, make_ready, register_ready
from spnet.fields import Sampler, warp
from spnet.methods.base import Method
from spnet.metrics import FURTHER_METRICS, METRICS
from spnet.metrics.measure import RegisteredPair, measure
from spnet.registry import unknown

COLUMNS = ["moving", "fixed", "metric", "structure", "value"]

Pair = tuple[str, str]  # names of the first and the second subject
Row = dict[str, str | float]
Volumes = tuple[Tensor, Tensor]  # image and labels
Reader = Callable[[str], Volumes]


@dataclass(frozen=True)
class Scoring:
    """What is measured of a pair.

    Attributes
    ----------
    labels: of the protocol.
    further: metrics beyond the paper's, of :data:`spnet.metrics.FURTHER_METRICS`; some cost more than the registration
        that they score.
    spacing: of the grid along its three axes, or one for all, mm.

    Raises
    ------
    ConfigError: there is no such metric.
    """

    labels: LabelSet
    further: Sequence[str] = ()
    spacing: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        for name in self.further:
            if name not in FURTHER_METRICS:
                raise unknown(name, FURTHER_METRICS, "further metric")

    def rows(self, pair: RegisteredPair) -> Iterator[Row]:
        """Metric, structure and value of everything that is measured."""
        for name, metric in METRICS.items():
            if not metric.further or name in self.further:
                for structure, value in measure(metric, pair):
                    yield {"metric": name, "structure": structure, "value": value}


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
    scoring: Scoring,
) -> pd.DataFrame:
    """Register every pair and score both directions.

    Parameters
    ----------
    method: on the device of the volumes, in evaluation mode.
    pairs: columns first and second, from :func:`spnet.data.pairs.make_pairs`.
    read: from :func:`prepared_reader`.

    Returns
    -------
    Rows with columns moving, fixed, metric, structure, value: the metrics of :data:`spnet.metrics.METRICS`, seconds
    being half of those of a pass that gives both directions. A method that depends on the order of the images is run
    for each ordered pair: Dice and folding are of that pass's field from moving to fixed, ICE of its two fields.
    """
    names = list(pairs[["first", "second"]].itertuples(index=False, name=None))
    rows = [row for _, found in score_pairs(method, names, read, scoring) for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def score_pairs(
    method: Method,
    pairs: Sequence[Pair],
    read: Reader,
    scoring: Scoring,
) -> Iterator[tuple[Pair, list[Row]]]:
    """Every pair with its rows of :func:`evaluate_pairs`, as soon as it is scored."""
    ready = ReadyImages(method)
    for pair, volumes in tqdm(_read_ahead(read, pairs), total=len(pairs), disable=None, unit="pair"):
        images = {subject: image for subject, (image, _) in zip(pair, volumes, strict=True)}
        try:
            first, second = (ready(subject, image) for subject, image in images.items())
            found = register_ready(method, first, second)
            turned = register_ready(method, second, first) if method.order_dependent else found.swapped()
        except RegistrationError as error:
            raise RegistrationError(f"pair {pair[0]}, {pair[1]}: {error.problem}", remedy=error.remedy) from error
        segmentations = {subject: labels_of for subject, (_, labels_of) in zip(pair, volumes, strict=True)}
        yield pair, list(score_found(found, turned, segmentations, scoring, method.sampler))


class ReadyImages:
    """Images as the method prepares them, each once for all its pairs as long as they fit.

    Parameters
    ----------
    budget: bytes of the method's device that may be kept; the two images of a pair always are.
    """

    def __init__(self, method: Method, budget: int = 2**31) -> None:
        self._method = method
        self._budget = budget
        self._kept: OrderedDict[str, Ready] = OrderedDict()

    def __call__(self, subject: str, image: Tensor) -> Ready:
        if subject not in self._kept:
            self._kept[subject] = make_ready(self._method, image)
        self._kept.move_to_end(subject)
        while len(self._kept) > 2 and sum(map(_bytes, self._kept.values())) > self._budget:
            self._kept.popitem(last=False)
        return self._kept[subject]


def _bytes(ready: Ready) -> int:
    features = ready.prepared.features
    return sum(tensor.nbytes for tensor in (features if isinstance(features, list) else [features]))


def _read_ahead(read: Reader, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, list[Volumes]]]:
    """Every pair and its subjects' volumes, the next pair's being read while one is at work."""

    def load(pair: Pair) -> list[Volumes]:
        return [read(subject) for subject in pair]

    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(load, pairs[0]) if pairs else None
        for index, pair in enumerate(pairs):
            volumes = coming.result()
            if index + 1 < len(pairs):
                coming = pool.submit(load, pairs[index + 1])
            yield pair, volumes


def score_found(
    found: BothWays,
    turned: BothWays,
    volumes: Mapping[str, Tensor],
    scoring: Scoring,
    sampler: Sampler,
) -> Iterator[Row]:
    """Rows of :func:`evaluate_pairs` for one registered pair.

    Parameters
    ----------
    found, turned: the pair registered, and with the second image first.
    volumes: labels [1, 1, D, H, W] by subject, first and second.
    sampler: that labels are warped with.
    """
    (first, labels_1), (second, labels_2) = volumes.items()
    directions = (
        (first, second, labels_1, labels_2, found),
        (second, first, labels_2, labels_1, turned),
    )
    for moving, fixed, moving_labels, fixed_labels, both in directions:
        pair = RegisteredPair(
            warp(moving_labels, both.forward, sampler, "nearest"),
            fixed_labels,
            scoring.labels.scored,
            scoring.spacing,
            scoring.labels.merged,
            both.forward,
            both.backward,
            both.forward_cost.seconds,
            both.forward_cost.peak_mb,
        )
        yield from ({"moving": moving, "fixed": fixed, **row} for row in scoring.rows(pair))
