"""A pair from the coarsest to the finest level (the paper's Fig. 9)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.errors import DataError
from spnet.figures.material import Material, ShownDataset, ShownPair, average_dice
from spnet.figures.panels import (
    Cut,
    arrange,
    choose_cut,
    draw_bar,
    head,
    name_pair,
    name_row,
    note,
    show_grid,
    show_image,
)

_ROWS = 3
_DIFFERENCE = "gray_r"


def draw(material: Material) -> Figure:
    """Three rows per pair: the moving image as it is and warped by every level's field, its difference from the fixed
    one, which is the last column, and the field as a deformed grid.

    Levels are numbered as in the paper, 1 the finest. Their fields are brought to the image's grid. Dice, the average
    over labels, is in the corner.
    """
    shown = pairs_with_levels(material)
    levels = max(len(pair.levels) for _, pair in shown)
    cuts = [choose_cut(pair, dataset) for dataset, pair in shown]
    sizes = [
        cut.image(pair.fixed.image).shape for cut, (_, pair) in zip(cuts, shown, strict=True) for _ in range(_ROWS)
    ]
    figure, panels = arrange(sizes, levels + 2, group=_ROWS, between=0.14, margins=(0.46, 0.5, 0.0, 0.3))
    for number, ((dataset, pair), cut) in enumerate(zip(shown, cuts, strict=True)):
        rows = panels[_ROWS * number : _ROWS * (number + 1)]
        _draw_pair(rows, dataset, pair, cut)
        name_pair(rows[0, 0], dataset, pair)
        name_row(rows[1, 0], "difference")
        name_row(rows[2, 0], "field")
    names = [f"level {level}" + (" (finest)" if level == 1 else "") for level in range(levels, 0, -1)]
    head(panels[0], ["moving", *names, "fixed"])
    return figure


def pairs_with_levels(material: Material) -> list[tuple[ShownDataset, ShownPair]]:
    """Every registered pair that has levels.

    Raises
    ------
    DataError: none has.
    """
    shown = [(dataset, pair) for dataset, pair in material.shown_pairs() if pair.levels]
    if not shown:
        raise DataError(
            f"a figure of levels was asked for, but {', '.join(material.titles.values()) or 'no method'} shows none",
            remedy="Name a method that works from coarse to fine, or set the figure to null",
        )
    return shown


def _draw_pair(rows: NDArray, dataset: ShownDataset, pair: ShownPair, cut: Cut) -> None:
    still = np.zeros_like(pair.forward)
    fields = [still, *(level.displacement for level in reversed(pair.levels))]
    images = [pair.moving.image, *(pair.warped_image(field) for field in fields[1:])]
    masks = [pair.moving.labels, *(pair.warped_labels(field) for field in fields[1:])]
    fixed = cut.image(pair.fixed.image)
    differences = [np.abs(cut.image(image) - fixed) for image in images]
    limits = (0.0, max(float(np.percentile(differences[0], 99.5)), 1e-3))
    for column, (field, image, labels, difference) in enumerate(zip(fields, images, masks, differences, strict=True)):
        upper, middle, lower = rows[:, column]
        show_image(upper, cut.image(image))
        note(upper, f"Dice {average_dice(labels, pair.fixed.labels, dataset.labels):.3f}")
        show_image(middle, difference, _DIFFERENCE, limits)
        show_grid(lower, cut.field(field))
    show_image(rows[0, len(fields)], fixed)
    draw_bar(rows[1, len(fields) - 1], _DIFFERENCE, limits, "of intensity")
