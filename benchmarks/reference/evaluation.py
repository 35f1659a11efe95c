"""Scoring a pair in plain form: read from disk, one pass, one label after another, Jacobians of whole volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.reference.fields import compose, warp
from benchmarks.reference.spnet import PlainSPnet

# (moving, fixed, metric, structure) -> value, as in the project's table of metrics.
Scores = dict[tuple[str, str, str, str], float]


@torch.no_grad()
def evaluate_pair(
    network: PlainSPnet,
    folder: str | Path,
    pair: tuple[str, str],
    ids: Sequence[int],
    merged: Mapping[int, int],
) -> Scores:
    """Register a pair of prepared subjects and score both directions.

    Parameters
    ----------
    folder: with image.nii.gz and labels.nii.gz in a folder per subject.
    pair: names of the two subjects.
    ids: labels that are scored. merged: label -> label that a coarser protocol counts it to.
    """
    (image_1, labels_1), (image_2, labels_2) = (_read(Path(folder) / subject) for subject in pair)
    _, forward, backward = network(image_1, image_2)[0]
    first, second = pair
    scores = _score(first, second, (labels_1, labels_2), (forward, backward), ids, merged)
    return scores | _score(second, first, (labels_2, labels_1), (backward, forward), ids, merged)


def _read(folder: Path) -> tuple[Tensor, Tensor]:
    volumes = (nib.load(folder / f"{name}.nii.gz").get_fdata(dtype=np.float32) for name in ("image", "labels"))
    image, labels = (torch.from_numpy(np.ascontiguousarray(volume))[None, None] for volume in volumes)
    return image, labels


def _score(
    moving: str,
    fixed: str,
    labels: tuple[Tensor, Tensor],
    fields: tuple[Tensor, Tensor],
    ids: Sequence[int],
    merged: Mapping[int, int],
) -> Scores:
    displacement, inverse = fields
    warped = warp(labels[0], displacement, mode="nearest")[0, 0].numpy()
    target = labels[1][0, 0].numpy()
    scores = {("dice", str(label)): value for label, value in dice(warped, target, ids).items()}
    if merged:
        coarse = dice(_merge(warped, merged), _merge(target, merged), ids)
        scores |= {("dice_merged", str(label)): value for label, value in coarse.items()}
    for metric, differences in (("jab", "forward"), ("jab_central", "central")):
        determinant = jacobian_determinant(displacement[0].numpy(), differences)
        scores[metric, "volume"] = 100 * float(np.mean(determinant <= 0))
    for metric, sampler in (("ice", "official"), ("ice_exact", "exact")):
        scores[metric, "volume"] = compose(inverse, displacement, sampler).abs().mean().item()
    return {(moving, fixed, metric, structure): value for (metric, structure), value in scores.items()}


def dice(labels_1: NDArray, labels_2: NDArray, ids: Sequence[int]) -> dict[int, float]:
    """Dice (paper, Eq. 11), label by label; a label in neither volume has none."""
    found = {}
    for label in ids:
        first, second = labels_1 == label, labels_2 == label
        total = first.sum() + second.sum()
        if total:
            found[label] = float(2 * (first & second).sum() / total)
    return found


def jacobian_determinant(displacement: NDArray, differences: str) -> NDArray:
    """Of x + u(x) for u [3, D, H, W] in voxels: ``central`` by numpy's gradient, or ``forward`` where all exist."""
    if differences == "central":
        gradients = np.gradient(displacement, axis=(1, 2, 3))
    else:
        inside = displacement[:, :-1, :-1, :-1]
        gradients = [
            displacement[:, 1:, :-1, :-1] - inside,
            displacement[:, :-1, 1:, :-1] - inside,
            displacement[:, :-1, :-1, 1:] - inside,
        ]
    by_d, by_h, by_w = (
        gradient + np.eye(3, dtype=np.float32)[axis, :, None, None, None] for axis, gradient in enumerate(gradients)
    )
    return (
        by_d[0] * (by_h[1] * by_w[2] - by_w[1] * by_h[2])
        - by_h[0] * (by_d[1] * by_w[2] - by_w[1] * by_d[2])
        + by_w[0] * (by_d[1] * by_h[2] - by_h[1] * by_d[2])
    )


def _merge(labels: NDArray, merged: Mapping[int, int]) -> NDArray:
    coarse = labels.copy()
    for part, whole in merged.items():
        coarse[labels == part] = whole
    return coarse
