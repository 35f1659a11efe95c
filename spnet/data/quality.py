"""What a person should know of a prepared subject, and what to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from spnet.data.labels import LabelSet
from spnet.data.masks import MIN_FIT
from spnet.data.nifti import Volume
from spnet.data.raw import MOST_BODY, RawScan

# Choices, for a person to look: the eight real brains of REPRODUCING.md have .15 to .58 % of the head outside. Of a
# knee's labels some of the shafts always is, since the paper crops its field of view.
_TOO_MUCH_OUTSIDE = 0.02
_TOO_MANY_LABELS_OUTSIDE = 0.05
# From a small child's brain to a large man's with its fluid.
_LEAST_BRAIN_ML, MOST_BRAIN_ML = 600, 2300


def label_record(raw: Volume | None, kept: NDArray[np.int32], labels: LabelSet) -> dict[str, Any]:
    """Which ids were dropped because the protocol does not know them, and which scored ones are not there."""
    if raw is None:
        return {"dropped_labels": {}, "missing_labels": []}
    ids, counts = np.unique(raw.data, return_counts=True)
    expected = {0, *labels.known, *labels.ignored}
    stray = {int(i): int(n) for i, n in zip(ids, counts, strict=True) if int(i) not in expected}
    missing = sorted(set(labels.scored) - set(np.unique(kept).tolist()))
    return {"dropped_labels": stray, "missing_labels": missing}


def share_outside(native: RawScan, grid: Volume, matrix: NDArray) -> dict[str, float]:
    """Shares of the body (voxels above zero) and of the labelled voxels that lie outside the common grid.

    The body's means nothing, and is left out, for a scan whose background is not zero.

    Parameters
    ----------
    matrix: 4x4, from the grid's world to the scan's, in mm.
    """
    body = native.image.data > 0
    shares = {"cut_by_crop": _share(body, native.image, grid, matrix)} if body.mean() <= MOST_BODY else {}
    if native.labels is not None:
        shares["labels_cut_by_crop"] = _share(native.labels.data > 0, native.labels, grid, matrix)
    return shares


def label_fit(scan: RawScan, step: int = 2, rim: int = 3) -> dict[str, float]:
    """Share of the image's variance, in and around the labels, that they explain (correlation ratio).

    What is usual depends on the protocol. A subject far below the others of its dataset may have another's labels:
    with those, virtual heads have .23 to .37 where their own give .49 to .60.

    Parameters
    ----------
    step: every so many voxels are looked at.
    rim: of background around the labels, in such steps.
    """
    if scan.labels is None or not scan.labels.data.any():
        return {}
    image, labels = (volume.data[::step, ::step, ::step] for volume in (scan.image, scan.labels))
    near = binary_dilation(labels > 0, iterations=rim)
    values = np.minimum(image[near], np.percentile(image, 99.5)).astype(np.float64)
    classes = np.unique(labels[near], return_inverse=True)[1]
    counts = np.bincount(classes)
    between = counts @ (np.bincount(classes, weights=values) / counts - values.mean()) ** 2 / len(values)
    return {"label_fit": float(between / values.var())} if values.var() > 0 else {}


def brain_volume(stripped: Volume) -> dict[str, float]:
    """Volume of all above or below zero, in ml: of the brain, where the skull is off."""
    voxels = np.count_nonzero(stripped.data)
    return {"brain_ml": float(voxels * np.prod(stripped.spacing) / 1000)}


# What the flags say that tell of the protocol or the grid, and nothing against the scan itself.
UNKNOWN_IDS = "label ids that the protocol does not know were dropped"
OUTSIDE = "outside the common grid"


def find_flags(record: dict[str, Any], min_correlation: float) -> list[str]:
    """Sentences about what looks odd in a record."""
    flags = []
    if record["correlation_with_target"] < min_correlation:
        flags.append(
            f"correlation with the target is only {record['correlation_with_target']:.2f}: look at the QC picture"
        )
    if record.get("cut_by_crop", 0) > _TOO_MUCH_OUTSIDE:
        flags.append(f"{record['cut_by_crop']:.1%} of the body lies outside the common grid")
    if record.get("labels_cut_by_crop", 0) > _TOO_MANY_LABELS_OUTSIDE:
        flags.append(f"{record['labels_cut_by_crop']:.1%} of the labelled voxels lie outside the common grid")
    if not _LEAST_BRAIN_ML < record.get("brain_ml", _LEAST_BRAIN_ML + 1) < MOST_BRAIN_ML:
        flags.append(f"skull-stripping left {record['brain_ml']:.0f} ml, which is no brain: look at the QC picture")
    if record.get("mask_fit", 1) < MIN_FIT:
        flags.append(f"the mask explains only {record['mask_fit']:.2f} of the image's variance around it: overlay them")
    if record["dropped_labels"]:
        listed = ", ".join(f"{i} ({n} voxels)" for i, n in record["dropped_labels"].items())
        flags.append(f"{UNKNOWN_IDS}: {listed}")
    if record["missing_labels"]:
        flags.append(f"scored labels that are not there: {record['missing_labels']}")
    return flags


def _share(inside: NDArray[np.bool_], volume: Volume, grid: Volume, matrix: NDArray) -> float:
    voxels = np.argwhere(inside)
    if not len(voxels):
        return 0.0
    to_grid = np.linalg.inv(matrix @ grid.affine) @ volume.affine
    positions = voxels @ to_grid[:3, :3].T + to_grid[:3, 3]
    outside = (positions < -0.5) | (positions > np.asarray(grid.data.shape) - 0.5)
    return float(outside.any(axis=1).mean())
