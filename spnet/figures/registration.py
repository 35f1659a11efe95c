"""QC picture of a registered pair: before, after, the deformed grid and the Jacobian, on the common grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from spnet.data.nifti import Volume, reoriented
from spnet.figures import style

_COLUMNS = ("before", "after", "deformed grid", "Jacobian")
_LINES_MM = 8.0
_LARGEST_LOG = 1.0  # the colours' ends: a half and a double


def draw_registration(
    moving: Volume,
    warped: Volume,
    fixed: Volume,
    positions: NDArray,
    determinant: NDArray,
    title: str,
    path: str | Path,
) -> None:
    """Draw three planes of a pair, moving scan in green on the fixed in magenta: grey where they agree.

    Parameters
    ----------
    moving, warped, fixed: on one grid, intensities in [0, 1]; `moving` after the affine step alone.
    positions: [3, D, H, W], where every voxel's content came from, in mm from the grid's first voxel.
    determinant: [D, H, W], of the Jacobian.
    path: of a PNG file.
    """
    style.apply()
    volumes = [_upright(data, fixed) for data in (moving.data, warped.data, fixed.data, *positions, determinant)]
    before, after, target, *places, size = volumes
    cut = [int(np.median(axis)) for axis in np.nonzero(target.data > 0.1)] if (target.data > 0.1).any() else None
    cut = cut or [length // 2 for length in target.data.shape]
    figure, axes = pyplot.subplots(3, 4, figsize=(8.6, 7.2), layout="constrained", facecolor="white")
    shown = None
    for row, (plane, index) in enumerate(zip(style.PLANES, cut, strict=True)):
        scan, first, last, jacobian = (np.take(one.data, index, row) for one in (target, before, after, size))
        extent = _extent(scan.shape, np.delete(target.spacing, row))
        _overlay(axes[row, 0], first, scan, extent)
        _overlay(axes[row, 1], last, scan, extent)
        inside = [np.take(place.data, index, row) for axis, place in enumerate(places) if axis != row]
        _lines(axes[row, 2], last, inside, extent)
        shown = _sizes(axes[row, 3], jacobian, extent)
        axes[row, 0].set_ylabel(plane)
    for panel, name in zip(axes[0], _COLUMNS, strict=True):
        panel.set_title(name)
    bar = figure.colorbar(shown, ax=axes[:, 3], shrink=0.5, ticks=[-1, 0, 1])
    bar.ax.set_yticklabels(["half", "same", "double"])
    figure.suptitle(f"{title}\nmoving green, fixed magenta; black in the last column: folded", fontsize=style.NORMAL)
    style.save(figure, [path], dpi=110)


def _upright(data: NDArray, like: Volume) -> Volume:
    return reoriented(Volume(data, like.affine), "RAS")


def _extent(shape: Sequence[int], spacing: NDArray) -> tuple[float, float, float, float]:
    return 0.0, float(shape[0] * spacing[0]), 0.0, float(shape[1] * spacing[1])


def _overlay(panel: Axes, green: NDArray, magenta: NDArray, extent: Sequence[float]) -> None:
    colours = np.stack([magenta.T, green.T, magenta.T], axis=-1).clip(0, 1)
    panel.imshow(colours, origin="lower", extent=extent)
    style.bare(panel)


def _lines(panel: Axes, image: NDArray, places: Sequence[NDArray], extent: Sequence[float]) -> None:
    panel.imshow(image.T, cmap="gray", origin="lower", vmin=0, vmax=1, extent=extent)
    for place in places:
        levels = np.arange(np.ceil(place.min() / _LINES_MM), place.max() / _LINES_MM) * _LINES_MM
        if len(levels):
            panel.contour(place.T, levels, colors="orange", linewidths=0.5, origin="lower", extent=extent)
    style.bare(panel)


def _sizes(panel: Axes, determinant: NDArray, extent: Sequence[float]) -> AxesImage:
    logarithm = np.log2(np.maximum(determinant, 1e-3))
    look = {"cmap": "RdBu_r", "vmin": -_LARGEST_LOG, "vmax": _LARGEST_LOG}
    shown = panel.imshow(logarithm.T, origin="lower", extent=extent, **look)
    folded = np.where(determinant <= 0, 0.0, np.nan)
    panel.imshow(folded.T, origin="lower", extent=extent, cmap="gray", vmin=0, vmax=1)
    style.bare(panel)
    return shown
