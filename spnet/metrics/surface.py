"""Distance between the surfaces of segmentations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from torch import Tensor

from spnet.metrics.overlap import index_labels

_PERCENT = 95


def hd95_per_label(
    labels_1: Tensor, labels_2: Tensor, ids: Sequence[int], spacing: float | Sequence[float]
) -> dict[int, float]:
    """HD95 of every label, the 95th percentile of the distance between its two surfaces, as Learn2Reg measures it.

    A surface is cut into elements, one at every corner of voxels that are partly in the label, with the area that
    marching cubes gives it there; a label that the border of the volume cuts ends in a surface there. Each way, the
    percentile is the smallest distance that 95 % of the area does not exceed; the larger of both ways counts.
    Learn2Reg's program (github.com/MDL-UzL/L2R, commit 00106df, ``evaluation/utils.py``) takes this from DeepMind's
    surface-distance, with a spacing of 1 whatever the scan's: in voxels. MONAI, from which it comes here, has the same
    elements; its own Hausdorff distance, from voxel to voxel without areas, is another and larger figure.

    Parameters
    ----------
    labels_1, labels_2: whole-number volumes of one shape, [D, H, W] or [1, 1, D, H, W].
    ids: the labels wanted, above 0.
    spacing: of the voxels along D, H and W, or one for all, mm.

    Returns
    -------
    HD95 by label id, mm. A label that one of the volumes lacks, or both, has none and is left out.
    """
    if labels_1.shape != labels_2.shape:
        raise ValueError(f"label volumes differ in shape: {tuple(labels_1.shape)} and {tuple(labels_2.shape)}")
    sizes = [float(size) for size in np.broadcast_to(spacing, 3)]
    if min(sizes) <= 0:
        raise ValueError(f"spacings are above 0, not {sizes}")
    # Positions in `ids` and not ids, which may be large: a box is kept for every number up to the largest.
    first, second = (
        index_labels(volume, ids).reshape(volume.shape[-3:]).int().cpu().numpy() for volume in (labels_1, labels_2)
    )
    boxes = zip(ids, find_objects(first, len(ids)), find_objects(second, len(ids)), strict=True)
    found = {}
    for position, (label, box_1, box_2) in enumerate(boxes, start=1):
        if box_1 and box_2:
            both = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(box_1, box_2, strict=True))
            found[label] = _hd95(first[both] == position, second[both] == position, sizes)
    return found


def _hd95(mask_1: NDArray[np.bool_], mask_2: NDArray[np.bool_], spacing: Sequence[float]) -> float:
    # Late, since importing MONAI takes seconds.
    from monai.metrics.utils import get_mask_edges, get_surface_distance

    surface_1, surface_2, areas_1, areas_2 = get_mask_edges(
        torch.from_numpy(mask_1), torch.from_numpy(mask_2), spacing=spacing
    )
    return max(
        _percentile(get_surface_distance(surface, other, spacing=spacing).numpy(), areas[surface].numpy())
        for surface, other, areas in ((surface_1, surface_2, areas_1), (surface_2, surface_1, areas_2))
    )


def _percentile(distances: NDArray, areas: NDArray) -> float:
    """The smallest distance that `_PERCENT` of the area does not exceed."""
    order = np.argsort(distances, kind="stable")
    # In float64: distances come in steps, and a rounded sum of areas takes the wrong one.
    covered = np.cumsum(areas[order], dtype=np.float64)
    position = np.searchsorted(covered, _PERCENT / 100 * covered[-1])
    return float(distances[order][position])
