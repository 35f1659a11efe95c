"""One pair by every method: slice, masks, and masks in three dimensions (the paper's Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from spnet.data.labels import LabelSet
from spnet.figures import style
from spnet.figures.material import Material, ShownDataset, ShownPair, average_dice
from spnet.figures.panels import (
    Cut,
    arrange,
    choose_cut,
    head,
    name_row,
    note,
    part_index,
    show_image,
    show_parts,
)
from spnet.figures.render import common_box, render, trim

_COLUMNS = 7
_ROWS = 3


@dataclass(frozen=True)
class _Entry:
    """A column: a slice of an image and of its masks, the masks rendered, and their Dice with the fixed ones."""

    title: str
    image: NDArray
    labels: NDArray
    body: NDArray
    dice: float | None


def draw(material: Material) -> Figure:
    """The fixed and the moving image, then the moving one as every method warped it; datasets below each other.

    Dice, the average over labels, is in the corner of the third row; the moving image's is that before registration.
    """
    blocks = []
    for name, dataset in material.shown_datasets().items():
        pairs = material.pairs_of(name)
        cut = choose_cut(next(iter(pairs.values())), dataset)
        blocks += [(dataset, part) for part in _in_blocks(_entries(pairs, cut, dataset.labels, material.titles))]
    sizes = [size for _, block in blocks for size in (*[block[0].image.shape] * 2, block[0].body.shape[1::-1])]
    columns = max(len(block) for _, block in blocks)
    figure, panels = arrange(sizes, columns, group=_ROWS, between=0.4, margins=(0.36, 0.0, 0.3, 0.3))
    for number, (dataset, block) in enumerate(blocks):
        rows = panels[_ROWS * number : _ROWS * (number + 1)]
        for column, entry in enumerate(block):
            _draw_entry(rows[:, column], entry, dataset.labels.parts())
        head(rows[0, : len(block)], [entry.title for entry in block])
        for panel, what in zip(rows[:, 0], ("image", "masks", "masks in 3-D"), strict=True):
            name_row(panel, what)
    for row, dataset in {
        dataset.title: (_ROWS * number + 2, dataset) for number, (dataset, _) in enumerate(blocks)
    }.values():
        _draw_key(panels[row, 0], dataset)
    return figure


def _entries(pairs: Mapping[str, ShownPair], cut: Cut, labels: LabelSet, titles: Mapping[str, str]) -> list[_Entry]:
    some = next(iter(pairs.values()))
    before = average_dice(some.moving.labels, some.fixed.labels, labels)
    columns = [
        ("fixed", some.fixed.image, some.fixed.labels, None),
        ("moving", some.moving.image, some.moving.labels, before),
        *((titles[method], pair.warped_image(), pair.warped_labels(), pair.dice) for method, pair in pairs.items()),
    ]
    colours = np.array([to_rgb(colour) for colour in style.parts(len(labels.parts()))])
    indices = [part_index(ids, labels.parts()) for _, _, ids, _ in columns]
    box = common_box(indices)
    bodies = trim([render(index, colours, box) for index in indices])
    return [
        _Entry(title, cut.image(image), cut.image(ids), body, dice)
        for (title, image, ids, dice), body in zip(columns, bodies, strict=True)
    ]


def _in_blocks(entries: list[_Entry]) -> list[list[_Entry]]:
    """Columns dealt out to as few blocks as the page is wide for, of nearly equal length."""
    count = -(-len(entries) // _COLUMNS)
    length = -(-len(entries) // count)
    return [entries[start : start + length] for start in range(0, len(entries), length)]


def _draw_entry(panels: NDArray, entry: _Entry, parts: Mapping[str, Sequence[int]]) -> None:
    image, masks, body = panels
    show_image(image, entry.image)
    show_image(masks, entry.image)
    show_parts(masks, entry.labels, parts)
    body.imshow(entry.body)
    if entry.dice is not None:
        note(body, f"Dice {entry.dice:.3f}")


def _draw_key(panel: Axes, dataset: ShownDataset) -> None:
    names = list(dataset.labels.parts())
    colours = style.parts(len(names))
    patches = [Patch(color=colour, label=name) for colour, name in zip(colours, names, strict=True)]
    panel.legend(
        handles=patches,
        loc="upper left",
        bbox_to_anchor=(0, -0.02),
        ncols=min(len(names), 8),
        frameon=False,
        title=None,
        handlelength=1,
        columnspacing=1,
        borderpad=0,
    )
