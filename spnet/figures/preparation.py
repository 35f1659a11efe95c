"""QC picture of a prepared subject: the scan as it came, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps, pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from spnet.data.nifti import Volume, reoriented
from spnet.figures import style

if TYPE_CHECKING:  # drawing needs none of what preparing needs
    from spnet.data.preprocess import PreparedSubject

# So few that noise stays small in a file, and enough that no steps show.
_GREYS = colormaps["gray"].resampled(48)
# Along each axis, this share of the body lies before the slice: off the midline gap of a brain.
_CUT = 0.42
# Pixels of a panel's longer side; more would be lost in the picture's.
_PIXELS = 250


@dataclass(frozen=True)
class _Slice:
    """A plane of a volume, first index to the right (or the front), second to the front or up."""

    image: NDArray
    labels: NDArray | None
    target: NDArray | None
    size: NDArray  # in mm


def draw_preparation(prepared: PreparedSubject, path: str | Path) -> None:
    """Draw three planes of a subject: as it came, prepared, and prepared with the target's outline.

    A head that the affine step misplaced, labels that do not belong to the image, and a brain mask that cut too much
    show at once. The body is shown with the right side right and the front or the top up, in its true proportions.

    Parameters
    ----------
    path: of a PNG file, at most some 300 kB whatever the size of the scan.
    """
    style.apply()
    raw = _cut_planes(prepared.raw.image, prepared.raw.labels)
    after = _cut_planes(prepared.image, prepared.labels, Volume(prepared.target, prepared.image.affine))
    figure, axes = pyplot.subplots(3, 3, figsize=(7.6, 8.4), layout="constrained", facecolor="white")
    before_window = _window(raw)
    level = _outline_level(prepared.target)
    for column, (plane, native, common) in enumerate(zip(style.PLANES, raw, after, strict=True)):
        _draw_image(axes[0, column], native, before_window)
        _draw_borders(axes[0, column], native)
        for panel in axes[1:, column]:
            _draw_image(panel, common, (0.0, 1.0))
        _draw_borders(axes[1, column], common)
        _draw_outline(axes[2, column], common, level)
        axes[0, column].set_title(plane, fontsize=9)
    for panel, name in zip(axes[:, 0], _row_names(prepared.record), strict=True):
        panel.set_ylabel(name, fontsize=9)
    _write_title(figure, prepared.record)
    style.save(figure, [path], dpi=90)


def _cut_planes(image: Volume, labels: Volume | None, target: Volume | None = None) -> list[_Slice]:
    """The three planes through the labels, or through the body where there are none."""
    upright = reoriented(image, "RAS")
    others = [None if volume is None else reoriented(volume, "RAS").data for volume in (labels, target)]
    labelled = others[0] is not None and others[0].any()
    indices = _position(others[0] > 0 if labelled else _body(upright.data))
    slices = []
    for axis, index in enumerate(indices):
        spacing = np.delete(upright.spacing, axis)
        image_plane, label_plane, target_plane = (
            None if data is None else np.take(data, index, axis=axis) for data in (upright.data, *others)
        )
        slices.append(_Slice(image_plane, label_plane, target_plane, image_plane.shape * spacing))
    return slices


def _position(inside: NDArray[np.bool_]) -> list[int]:
    """Voxel [3] with a share of `_CUT` of the inside before it along each axis."""
    position = []
    for axis in range(3):
        counts = np.cumsum(inside.sum(axis=tuple(other for other in range(3) if other != axis)))
        position.append(int(np.searchsorted(counts, _CUT * counts[-1])))
    return position


def _body(data: NDArray) -> NDArray[np.bool_]:
    return data > _otsu(data[::2, ::2, ::2])


def _on_square_pixels(plane: NDArray, size: NDArray) -> NDArray:
    """Nearest neighbour, so that borders are equally thick in all planes of all scans."""
    pixels = np.round(size / size.max() * _PIXELS).astype(int)
    rows, columns = (
        ((np.arange(pixel) + 0.5) * count / pixel).astype(int) for pixel, count in zip(pixels, plane.shape, strict=True)
    )
    return plane[np.ix_(rows, columns)]


def _window(slices: Sequence[_Slice]) -> tuple[float, float]:
    """Darkest and brightest shown, since raw intensities are in arbitrary units and have bright outliers."""
    low, high = np.percentile(np.concatenate([one.image.ravel() for one in slices]), [0.5, 99.5])
    return float(low), float(max(high, low + np.finfo(np.float32).tiny))


def _outline_level(target: NDArray) -> float:
    """What divides the target's body from its background."""
    stripped = (target <= 0).mean() > 0.2
    return 0.15 * float(target.max()) if stripped else _otsu(target[::2, ::2, ::2])


def _otsu(data: NDArray) -> float:
    """The threshold that divides the intensities into the two classes furthest apart (Otsu 1979)."""
    top = np.percentile(data, 99.5)
    counts, edges = np.histogram(np.minimum(data, top), bins=128)
    values = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts)[:-1], counts.sum()
    sums = np.cumsum(counts * values)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / (total - below).clip(1)
    return float(edges[1 + np.argmax(below * (total - below) * apart**2)])


def _draw_image(panel: Axes, plane: _Slice, window: tuple[float, float]) -> None:
    panel.imshow(
        plane.image.T,
        cmap=_GREYS,
        interpolation_stage="data",
        origin="lower",
        vmin=window[0],
        vmax=window[1],
        extent=_extent(plane),
    )
    style.bare(panel)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _draw_borders(panel: Axes, plane: _Slice) -> None:
    if plane.labels is None or not plane.labels.any():
        return
    labels = _on_square_pixels(plane.labels, plane.size)
    border = maximum_filter(labels, 3) != minimum_filter(labels, 3)
    coloured = np.where(border & (labels > 0), labels % 20, np.nan)
    look = {"cmap": "tab20", "vmin": 0, "vmax": 19, "interpolation": "nearest"}
    panel.imshow(coloured.T, origin="lower", extent=_extent(plane), **look)


def _draw_outline(panel: Axes, plane: _Slice, level: float) -> None:
    # Smoothed, so that noise in a target that is one subject's scan draws no specks.
    smooth = gaussian_filter(np.asarray(plane.target, dtype=np.float32), 0.006 * max(plane.target.shape))
    if smooth.min() < level < smooth.max():
        look = {"colors": "orange", "linewidths": 0.9}
        panel.contour(smooth.T, [level], origin="lower", extent=_extent(plane), **look)


def _extent(plane: _Slice) -> tuple[float, float, float, float]:
    return 0.0, float(plane.size[0]), 0.0, float(plane.size[1])


def _row_names(record: dict) -> tuple[str, str, str]:
    return "before", "after, reflected" if record.get("flipped") else "after", "outline of the target"


def _write_title(figure: Figure, record: dict) -> None:
    notes = [_shorten(note) for note in record["flags"]] or ["nothing odd"]
    heading = f"{record['subject']}   correlation with target {record['correlation_with_target']:.3f}"
    figure.suptitle("\n".join([heading, *notes]), fontsize=9)


def _shorten(note: str, width: int = 110) -> str:
    return note if len(note) <= width else f"{note[: width - 3]}..."
