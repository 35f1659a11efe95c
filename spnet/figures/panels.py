"""Pictures of slices: where to cut, how panels lie on a page, and what is drawn in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.figures import style
from spnet.figures.material import ShownDataset, ShownPair

_GRID_LINES = 26  # along the longer side of a slice
_LETTER = 0.058  # inches of a letter of a heading, on average


@dataclass(frozen=True)
class Cut:
    """A plane through volumes in RAS; slices have the right (or, sagittal, the front) first, then the front or top."""

    axis: int
    index: int

    def image(self, volume: NDArray) -> NDArray:
        """[D, H, W] -> a slice."""
        return np.take(volume, self.index, axis=self.axis)

    def field(self, displacement: NDArray) -> NDArray:
        """[3, D, H, W] -> the two components in the plane, [2, ...]."""
        return np.delete(np.take(displacement, self.index, axis=self.axis + 1), self.axis, axis=0)


def choose_cut(pair: ShownPair, dataset: ShownDataset) -> Cut:
    """The slice of the dataset's plane that shows most: the largest sum of the shares of all labels of the fixed image
    that lie in it, so that small ones count as much as large ones.
    """
    axis = style.PLANES.index(dataset.plane)
    others = tuple(other for other in range(3) if other != axis)
    shares = np.zeros(pair.fixed.labels.shape[axis])
    for label in dataset.labels.scored:
        voxels = (pair.fixed.labels == label).sum(axis=others)
        shares += voxels / max(voxels.sum(), 1)
    middle = len(shares) // 2
    return Cut(axis, int(np.argmax(shares)) if shares.any() else middle)


def arrange(
    sizes: Sequence[tuple[int, int]],
    columns: int,
    *,
    group: int = 1,
    between: float = 0.1,
    margins: tuple[float, float, float, float] = (0.3, 0.0, 0.0, 0.3),
) -> tuple[Figure, NDArray]:
    """Panels in true proportions, as wide as the page or, where that is too tall, as tall.

    Parameters
    ----------
    sizes: width and height of what each row shows.
    group: rows that belong together, with nearly no space within.
    between: inches between groups.
    margins: left, right, bottom and top, in inches.

    Returns
    -------
    The figure and its panels [rows, columns].
    """
    left, right, bottom, top = margins
    ratios = np.array([height / width for width, height in sizes])
    gap = 0.03
    spaces = [0.0 if row == 0 else (gap if row % group else between) for row in range(len(sizes))]
    outer = bottom + top + sum(spaces)
    width = (style.PAGE_WIDTH - left - right - gap * (columns - 1)) / columns
    width = min(width, (style.PAGE_HEIGHT - outer) / ratios.sum())
    page = np.array([left + right + columns * width + gap * (columns - 1), outer + width * ratios.sum()])
    figure = pyplot.figure(figsize=page)
    panels = np.empty((len(sizes), columns), dtype=object)
    height = page[1] - top
    for row, (ratio, space) in enumerate(zip(ratios, spaces, strict=True)):
        height -= space + width * ratio
        for column in range(columns):
            corner = np.array([left + column * (width + gap), height])
            panels[row, column] = figure.add_axes((*(corner / page), *(np.array([width, width * ratio]) / page)))
            panels[row, column].set_axis_off()
    return figure, panels


def show_image(panel: Axes, image: NDArray, cmap: str = "gray", limits: tuple[float, float] = (0, 1)) -> None:
    """A slice of numbers."""
    look = {"cmap": cmap, "vmin": limits[0], "vmax": limits[1], "interpolation": "antialiased"}
    panel.imshow(image.T, origin="lower", interpolation_stage="data", **look)


def show_colours(panel: Axes, colours: NDArray) -> None:
    """A slice of RGB colours [w, h, 3]."""
    panel.imshow(colours.transpose(1, 0, 2), origin="lower")
    _frame(panel)


def show_parts(panel: Axes, labels: NDArray, parts: Mapping[str, Iterable[int]]) -> None:
    """Labels of a slice in the colours of the parts of the body that they belong to; others are left out."""
    index = part_index(labels, parts)
    colours = ListedColormap(style.parts(len(parts)))
    shown = np.ma.masked_equal(index, 0)
    panel.imshow(shown.T - 1, origin="lower", cmap=colours, vmin=-0.5, vmax=len(parts) - 0.5, interpolation="nearest")


def part_index(labels: NDArray, parts: Mapping[str, Iterable[int]]) -> NDArray[np.uint8]:
    """Labels -> 1, 2, ... in the order of `parts`; 0 for all others."""
    index = np.zeros(labels.shape, dtype=np.uint8)
    for number, ids in enumerate(parts.values(), start=1):
        index[np.isin(labels, list(ids))] = number
    return index


def show_grid(panel: Axes, field: NDArray) -> None:
    """Lines of a regular grid at x + u(x); `field` is [2, w, h], and what leaves the plane is not seen."""
    points = np.moveaxis(np.indices(field.shape[1:]) + field, 0, -1)
    step = max(1, round(max(field.shape[1:]) / _GRID_LINES))
    lines = [*points[::step], *points.transpose(1, 0, 2)[::step]]
    panel.add_collection(LineCollection(lines, colors=style.GRID, linewidths=0.35))
    width, height = field.shape[1:]
    panel.set(xlim=(-0.5, width - 0.5), ylim=(-0.5, height - 0.5), aspect="equal")
    _frame(panel)


def note(panel: Axes, text: str) -> None:
    """A short text in the upper left corner, legible on anything."""
    panel.text(
        0.03,
        0.97,
        text,
        transform=panel.transAxes,
        va="top",
        fontsize=style.SMALL,
        color="black",
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
    )


def head(panels: Iterable[Axes], titles: Iterable[str], weight: str = "bold") -> None:
    """Headings of columns, wrapped to their panels' width."""
    for panel, title in zip(panels, titles, strict=True):
        inches = panel.get_position().width * panel.figure.get_figwidth()
        lines = wrap(title, max(5, int(inches / _LETTER)), break_long_words=False)
        panel.set_title("\n".join(lines), pad=2.5, fontsize=style.SMALL, fontweight=weight)


def name_row(panel: Axes, title: str, below: str = "") -> None:
    """What a row shows, along the left side of its first panel; `below` the title, smaller, in one line or more."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "rotation": 90, "va": "center", "ha": "right"}
    lines = below.count("\n") + 1 if below else 0
    panel.annotate(title, (0, 0.5), (-3 - 8.5 * lines, 0), fontsize=style.NORMAL, fontweight="bold", **place)
    if below:
        panel.annotate(below, (0, 0.5), (-3, 0), fontsize=style.SMALL, linespacing=1.1, **place)


def name_pair(panel: Axes, dataset: ShownDataset, pair: ShownPair) -> None:
    """The dataset and the pair that a row shows."""
    name_row(panel, dataset.title, f"{pair.moving.name}\nto {pair.fixed.name}")


def draw_bar(panel: Axes, cmap: str, limits: tuple[float, float], label: str) -> None:
    """A colour bar along the right side of a panel."""
    figure = panel.figure
    box, inch = panel.get_position(), 1 / figure.get_figwidth()
    place = figure.add_axes((box.x1 + 0.06 * inch, box.y0 + 0.05 * box.height, 0.08 * inch, 0.9 * box.height))
    bar = figure.colorbar(ScalarMappable(Normalize(*limits), cmap), cax=place)
    bar.ax.tick_params(labelsize=style.SMALL, length=2, pad=1.5)
    bar.outline.set_linewidth(0.4)
    bar.set_label(label, fontsize=style.SMALL, labelpad=2)


def _frame(panel: Axes) -> None:
    panel.set_axis_on()
    style.bare(panel)
    for spine in panel.spines.values():
        spine.set(visible=True, linewidth=0.4, color="0.4")
