"""QC picture of a prepared subject."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from numpy.typing import NDArray

from spnet.data.preprocess import Prepared
from spnet.figures import style

_PLANES = ("sagittal", "coronal", "axial")


def draw_preparation(prepared: Prepared, path: str | Path) -> None:
    """Three planes of a prepared subject: above with label borders, below with the target's outline.

    A head that the affine step misplaced, or labels that do not belong to the image, show at once.
    """
    style.apply()
    figure, axes = pyplot.subplots(2, 3, figsize=(9, 7), layout="constrained")
    for axis, plane in enumerate(_PLANES):
        index = _fullest_slice(prepared.image.data, axis)
        image, labels, target = (
            np.take(data, index, axis=axis) for data in (prepared.image.data, prepared.labels.data, prepared.target)
        )
        for panel in axes[:, axis]:
            panel.imshow(image.T, cmap="gray", origin="lower", vmin=0, vmax=1)
            panel.set_axis_off()
        _draw_borders(axes[0, axis], labels)
        axes[1, axis].contour((0.15 * target.max() < target.T).astype(float), [0.5], colors="orange", linewidths=0.8)
        axes[0, axis].set_title(plane)
    record = prepared.record
    notes = record["flags"] or ["nothing odd"]
    figure.suptitle(
        f"{record['subject']}   correlation with target {record['correlation_with_target']:.3f}\n"
        + "\n".join(_shorten(note) for note in notes),
        fontsize=9,
    )
    figure.supxlabel("above: borders of the labels; below: outline of the target", fontsize=8)
    style.save(figure, [path], dpi=120)


def _fullest_slice(image: NDArray, axis: int) -> int:
    """A slice near the middle of the head, off the midline gap of a brain."""
    others = tuple(other for other in range(3) if other != axis)
    profile = np.flatnonzero((image > 0).any(axis=others))
    return int(profile[int(0.42 * len(profile))])


def _draw_borders(panel: Axes, labels: NDArray) -> None:
    border = np.zeros(labels.shape, dtype=bool)
    for axis in (0, 1):
        for shift in (1, -1):
            border |= labels != np.roll(labels, shift, axis)
    coloured = np.where(border & (labels > 0), labels % 20, np.nan)
    panel.imshow(coloured.T, cmap="tab20", origin="lower", interpolation="nearest", vmin=0, vmax=19)


def _shorten(note: str, width: int = 110) -> str:
    return note if len(note) <= width else f"{note[: width - 3]}..."
