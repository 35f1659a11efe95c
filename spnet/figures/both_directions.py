"""A pair registered both ways, its fields and their composition (the paper's Fig. 4)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.figures.colours import direction_colours, draw_wheel
from spnet.figures.material import Material, ShownDataset, ShownPair
from spnet.figures.panels import arrange, choose_cut, head, name_row, note, show_colours, show_grid, show_image

_HEADINGS = ("images", "warped images", "field A to B", "field B to A", "composition")


def draw(material: Material) -> Figure:
    """Two rows per pair: A, B warped back onto it, and the fields as deformed grids; B, A warped onto it, and the
    fields as colour.

    A grid's lines lie at x + u(x); the composition's are straight and its colours white where going forward and
    backward ends where it began. All fields of a pair are coloured on one scale, whose end is written in the corner.
    """
    shown = [(dataset, pair, choose_cut(pair, dataset)) for dataset, pair in material.shown_pairs()]
    sizes = [cut.image(pair.fixed.image).shape for _, pair, cut in shown for _ in range(2)]
    figure, panels = arrange(sizes, len(_HEADINGS), group=2, between=0.16, margins=(0.36, 0.0, 0.62, 0.18))
    for row, (dataset, pair, cut) in enumerate(shown):
        upper, lower = panels[2 * row], panels[2 * row + 1]
        _draw_images(upper, lower, [cut.image(volume) for volume in _images(pair)])
        ways = [cut.field(field) for field in (pair.forward, pair.backward, pair.composition())]
        _draw_fields(upper[2:], lower[2:], ways)
        for panel, text in ((upper[0], "A"), (lower[0], "B"), (upper[1], "B onto A")):
            note(panel, text)
        note(lower[1], f"A onto B, Dice {pair.dice:.3f}")
        note(upper[4], f"ICE {pair.ice:.3f}")
        _name(upper[0], lower[0], dataset, pair, material)
    head(panels[0], _HEADINGS)
    draw_wheel(figure, _left_of(figure, panels[0, 2]), 0.02)
    return figure


def _images(pair: ShownPair) -> tuple[NDArray, ...]:
    return pair.moving.image, pair.warped_back(), pair.fixed.image, pair.warped_image()


def _draw_images(upper: NDArray, lower: NDArray, slices: list[NDArray]) -> None:
    for panel, image in zip((*upper[:2], *lower[:2]), slices, strict=True):
        show_image(panel, image)


def _draw_fields(upper: NDArray, lower: NDArray, ways: list[NDArray]) -> None:
    largest = max(float(np.percentile(np.hypot(*way), 99.5)) for way in ways)
    largest = max(largest, 1e-3)
    for grid, colour, way in zip(upper, lower, ways, strict=True):
        show_grid(grid, way)
        show_colours(colour, direction_colours(way[0], way[1], largest))
    note(lower[0], f"rim: {largest:.1f} voxels")


def _name(upper: Axes, lower: Axes, dataset: ShownDataset, pair: ShownPair, material: Material) -> None:
    name_row(upper, dataset.title, f"A: {pair.moving.name}")
    name_row(lower, material.titles[pair.method], f"B: {pair.fixed.name}")


def _left_of(figure: Figure, panel: Axes) -> float:
    return panel.get_position().x0 * figure.get_figwidth()
