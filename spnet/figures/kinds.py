"""Kinds of figures, by name.

Importing this module is cheap: the workflow reads it to know what a figure is drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes
    ----------
    draw: ``module:function``; the function takes a :class:`spnet.figures.material.Material` and gives a Figure.
    shows_pairs: it draws registered pairs, not scores alone.
    """

    draw: str
    shows_pairs: bool


KINDS: Mapping[str, Kind] = {
    "dice_boxplot": Kind("spnet.figures.dice_boxplot:draw", False),
    "structure_boxplot": Kind("spnet.figures.structure_boxplot:draw", False),
    "both_directions": Kind("spnet.figures.both_directions:draw", True),
    "method_comparison": Kind("spnet.figures.method_comparison:draw", True),
    "consistency_maps": Kind("spnet.figures.consistency_maps:draw", True),
    "levels": Kind("spnet.figures.levels:draw", True),
    "feature_similarity": Kind("spnet.figures.feature_similarity:draw", True),
}
