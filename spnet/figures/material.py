"""What a figure is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from spnet.fields import Sampler, warp


@dataclass(frozen=True)
class ShownSubject:
    """A prepared subject, axes to the right, the front and up (RAS), intensities in [0, 1]."""

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.int32]


@dataclass(frozen=True)
class ShownLevel:
    """One resolution level of a method, on its own grid (RAS).

    Attributes
    ----------
    displacement: [3, ...], in voxels of this grid.
    similarity: cosine similarity of moving and fixed features, as they are.
    warped_similarity: the same after the moving features were warped; None where nothing is warped.
    """

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
    """

    dataset: str
    method: str
    moving: ShownSubject
    fixed: ShownSubject
    forward: NDArray[np.float32]
    backward: NDArray[np.float32]
    sampler: Sampler
    levels: tuple[ShownLevel, ...] = ()

    def warped_image(self) -> NDArray[np.float32]:
        """The moving image on the fixed one."""
        return _warp(self.moving.image, self.forward, self.sampler, "linear")

    def warped_back(self) -> NDArray[np.float32]:
        """The fixed image on the moving one."""
        return _warp(self.fixed.image, self.backward, self.sampler, "linear")

    def warped_labels(self) -> NDArray[np.int32]:
        """The moving labels on the fixed image."""
        return _warp(self.moving.labels, self.forward, self.sampler, "nearest").astype(np.int32)


@dataclass(frozen=True)
class ShownDataset:
    """How pictures of a dataset are made.

    Attributes
    ----------
    plane: ``sagittal``, ``coronal`` or ``axial``.
    structures: name -> label ids, finest groups that the protocol names (16 structures of CANDI, regions elsewhere).
    """

    title: str
    plane: str
    structures: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Material:
    """Everything a figure may draw.

    Attributes
    ----------
    values: per-pair values from :func:`spnet.analysis.summarise.per_pair`.
    titles: methods to show, in order, with what the reader sees.
    datasets: datasets to show, likewise.
    pairs: registered pairs, in order of datasets, then methods; empty for figures of scores alone.
    """

    values: pd.DataFrame
    titles: Mapping[str, str]
    datasets: Mapping[str, ShownDataset]
    pairs: Sequence[ShownPair] = field(default_factory=tuple)

    def score(self, pair: ShownPair, metric: str, structure: str) -> float | None:
        """A per-pair value of a shown pair, None where it was not measured."""
        values = self.values
        row = values[
            (values["dataset"] == pair.dataset)
            & (values["method"] == pair.method)
            & (values["moving"] == pair.moving.name)
            & (values["fixed"] == pair.fixed.name)
            & (values["metric"] == metric)
            & (values["structure"] == structure)
        ]
        return None if row.empty else float(row["value"].iloc[0])


def _warp(volume: NDArray, displacement: NDArray[np.float32], sampler: Sampler, interpolation: str) -> NDArray:
    tensors = (torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32))[None] for data in (volume, displacement))
    moving, field_ = tensors
    return warp(moving[None], field_, sampler, interpolation)[0, 0].numpy()
