"""What a figure is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from spnet.data.labels import AVERAGE, VOLUME, LabelSet
from spnet.fields import Sampler, compose, warp
from spnet.metrics import DICE
from spnet.metrics.overlap import dice_per_label


@dataclass(frozen=True)
class ShownSubject:
    """A prepared subject, axes to the right, the front and up (RAS), intensities in [0, 1]."""

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.int32]


@dataclass(frozen=True)
class ShownLevel:
    """One resolution level of a method, brought to the image's grid (RAS).

    Attributes
    ----------
    scale: voxels of the image that make one of the level, along an axis.
    displacement: [3, D, H, W], in voxels of the image.
    similarity: cosine similarity of moving and fixed features, as they are.
    warped_similarity: the same after the moving features were warped; None where nothing is warped.
    """

    scale: int
    displacement: NDArray[np.float32]
    similarity: NDArray[np.float32]
    warped_similarity: NDArray[np.float32] | None


@dataclass(frozen=True)
class ShownPair:
    """A test pair registered by one method; everything in RAS.

    Attributes
    ----------
    forward, backward: displacements [3, D, H, W] in voxels, of the moving onto the fixed image and back.
    levels: finest first; empty for methods without.
    scores: (metric, structure) -> value of this very registration, moving onto fixed.
    """

    dataset: str
    method: str
    moving: ShownSubject
    fixed: ShownSubject
    forward: NDArray[np.float32]
    backward: NDArray[np.float32]
    sampler: Sampler
    levels: tuple[ShownLevel, ...] = ()
    scores: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def dice(self) -> float:
        """Dice, average over labels."""
        return self.scores[DICE, AVERAGE]

    @property
    def ice(self) -> float:
        """Inverse consistency error as the paper's, voxels."""
        return self.scores["ice", VOLUME]

    def warped_image(self, displacement: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The moving image on the fixed one, by the forward displacement unless by another."""
        chosen = self.forward if displacement is None else displacement
        return _warp(self.moving.image, chosen, self.sampler, "linear")

    def warped_back(self) -> NDArray[np.float32]:
        """The fixed image on the moving one."""
        return _warp(self.fixed.image, self.backward, self.sampler, "linear")

    def warped_labels(self, displacement: NDArray[np.float32] | None = None) -> NDArray[np.int32]:
        """The moving labels on the fixed image, likewise."""
        chosen = self.forward if displacement is None else displacement
        return _warp(self.moving.labels, chosen, self.sampler, "nearest").astype(np.int32)

    def composition(self) -> NDArray[np.float32]:
        """Displacement of going forward and backward, with the sampler of the paper's inverse consistency error."""
        outer, inner = (torch.from_numpy(data)[None] for data in (self.backward, self.forward))
        return compose(outer, inner, "official")[0].numpy()


@dataclass(frozen=True)
class ShownDataset:
    """How pictures of a dataset are made.

    Attributes
    ----------
    plane: ``sagittal``, ``coronal`` or ``axial``.
    """

    title: str
    plane: str
    labels: LabelSet


@dataclass(frozen=True)
class Material:
    """Everything a figure may draw.

    Attributes
    ----------
    values: per-pair values from :func:`spnet.analysis.summarise.per_pair`.
    titles: methods to show, in order, with what the reader sees.
    datasets: datasets to show, likewise.
    pairs: registered pairs; empty for figures of scores alone.
    """

    values: pd.DataFrame
    titles: Mapping[str, str]
    datasets: Mapping[str, ShownDataset]
    pairs: Sequence[ShownPair] = field(default_factory=tuple)

    def pairs_of(self, dataset: str) -> dict[str, ShownPair]:
        """The dataset's pair by method, in the order of `titles`, of the methods that registered it."""
        found = {pair.method: pair for pair in self.pairs if pair.dataset == dataset}
        return {method: found[method] for method in self.titles if method in found}

    def shown_pairs(self) -> list[tuple[ShownDataset, ShownPair]]:
        """Every registered pair with its dataset, dataset by dataset."""
        return [(dataset, pair) for name, dataset in self.datasets.items() for pair in self.pairs_of(name).values()]

    def dice(self) -> pd.DataFrame:
        """The Dice per pair and structure of the methods to show."""
        return self.values[(self.values["metric"] == DICE) & self.values["method"].isin(self.titles)]

    def shown_datasets(self) -> dict[str, ShownDataset]:
        """The datasets that have a registered pair."""
        return {name: dataset for name, dataset in self.datasets.items() if self.pairs_of(name)}


def average_dice(labels_1: NDArray[np.int32], labels_2: NDArray[np.int32], labels: LabelSet) -> float:
    """Dice of two label volumes, average over the labels that either has."""
    volumes = (torch.from_numpy(np.ascontiguousarray(volume)) for volume in (labels_1, labels_2))
    return float(np.mean(list(dice_per_label(*volumes, labels.scored).values())))


def _warp(volume: NDArray, displacement: NDArray[np.float32], sampler: Sampler, interpolation: str) -> NDArray:
    moving, field_ = (
        torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32))[None] for data in (volume, displacement)
    )
    return warp(moving[None], field_, sampler, interpolation)[0, 0].numpy()
