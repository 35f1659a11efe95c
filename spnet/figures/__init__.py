"""Pictures of what was measured: a module per kind of figure, each with `draw(material)`.

Importing this package is cheap: the workflow reads :data:`FIGURES` to know what a figure is drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_TYPICAL = (
    "The pair is the one whose Dice before registration is the median of its dataset's: typical, not chosen. Networks"
    " are those of the first seed."
)


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure.

    Attributes
    ----------
    draw: ``module:function``; the function takes a :class:`spnet.figures.material.Material` and gives a Figure.
    what_is_shown: the caption's sentence of what there is to see.
    shows_pairs: it draws registered pairs, not scores alone.
    """

    draw: str
    what_is_shown: str
    shows_pairs: bool = False

    @property
    def caption(self) -> str:
        """What a reader must know of every figure of this kind."""
        return f"{self.what_is_shown} {_TYPICAL}" if self.shows_pairs else self.what_is_shown


FIGURES: Mapping[str, FigureKind] = {
    "dice_boxplot": FigureKind(
        "spnet.figures.dice_boxplot:draw", "Distribution of the average Dice over ordered pairs, by method."
    ),
    "structure_boxplot": FigureKind(
        "spnet.figures.structure_boxplot:draw", "Dice of every structure by method, over ordered pairs."
    ),
    "both_directions": FigureKind(
        "spnet.figures.both_directions:draw",
        "A test pair registered both ways: fields as grids and as colour, and their composition.",
        shows_pairs=True,
    ),
    "method_comparison": FigureKind(
        "spnet.figures.method_comparison:draw",
        "One test pair by every method: a slice, its masks, and the masks in three dimensions.",
        shows_pairs=True,
    ),
    "consistency_maps": FigureKind(
        "spnet.figures.consistency_maps:draw",
        "Where the inverse consistency error of a test pair lies, by method.",
        shows_pairs=True,
    ),
    "levels": FigureKind(
        "spnet.figures.levels:draw",
        "A test pair from the coarsest to the finest level of the pyramid.",
        shows_pairs=True,
    ),
    "feature_similarity": FigureKind(
        "spnet.figures.feature_similarity:draw",
        "Cosine similarity of the two images' features before and after warping, by level.",
        shows_pairs=True,
    ),
}
