"""Overlap of segmentations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

# Up to here a table of every number, which is seven times as fast as a search among the ids; beyond, its memory counts.
_LARGEST_TABLE = 2**20


def dice_per_label(labels_1: Tensor, labels_2: Tensor, ids: Sequence[int]) -> dict[int, float]:
    """Dice of every label (paper, Eq. 11).

    Parameters
    ----------
    labels_1, labels_2: whole-number volumes of one shape.
    ids: the labels wanted; everything else counts as background.

    Returns
    -------
    Dice by label id. A label in one volume only has Dice 0; a label in neither has none and is left out (the authors'
    program counts it as 0).
    """
    if labels_1.shape != labels_2.shape:
        raise ValueError(f"label volumes differ in shape: {tuple(labels_1.shape)} and {tuple(labels_2.shape)}")
    size = len(ids) + 1
    # One joint histogram of (label in 1, label in 2) serves all labels at once.
    joint = torch.bincount(index_labels(labels_1, ids) * size + index_labels(labels_2, ids), minlength=size * size)
    joint = joint.view(size, size)
    intersection = joint.diagonal()[1:].tolist()
    total = (joint.sum(0) + joint.sum(1))[1:].tolist()
    return {
        label: 2 * both / both_sizes
        for label, both, both_sizes in zip(ids, intersection, total, strict=True)
        if both_sizes
    }


def merge_labels(labels: Tensor, merged: Mapping[int, int]) -> Tensor:
    """The volume with every id that is a key of `merged` replaced by its value; the volume itself without any."""
    if not merged:
        return labels
    result = labels.long()
    for part, whole in merged.items():
        result = torch.where(labels == part, whole, result)
    return result


def index_labels(labels: Tensor, ids: Sequence[int]) -> Tensor:
    """Ids as 1, 2, ... in the order of `ids` and 0 for all others, of a whole-number volume without negative values.

    Returns
    -------
    One-dimensional, in the order of the voxels.
    """
    labels = labels.reshape(-1).long()
    wanted = torch.tensor(ids, device=labels.device)
    largest = int(max(labels.max().item(), *ids))
    if largest < _LARGEST_TABLE:
        table = torch.zeros(largest + 1, dtype=torch.long, device=labels.device)
        table[wanted] = torch.arange(1, len(ids) + 1, device=labels.device)
        return table[labels]
    wanted, order = wanted.sort()
    nearest = torch.searchsorted(wanted, labels).clamp(max=len(ids) - 1)
    return torch.where(wanted[nearest] == labels, order[nearest] + 1, 0)
