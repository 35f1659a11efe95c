"""How alike features are before and after the moving ones are warped (the paper's Fig. 10)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.figures import style
from spnet.figures.levels import pairs_with_levels
from spnet.figures.material import Material, ShownPair
from spnet.figures.panels import Cut, arrange, choose_cut, draw_bar, head, name_pair, note, show_image


def draw(material: Material) -> Figure:
    """A row per pair: the fixed image, then for every level that warps features their cosine similarity before and
    after, on one scale per row.

    Shown inside the two bodies only; the mean there, over the whole volume, is in the corner.
    """
    shown = pairs_with_levels(material)
    warping = [_warping_levels(pair) for _, pair in shown]
    numbers = max(warping, key=len)
    cuts = [choose_cut(pair, dataset) for dataset, pair in shown]
    sizes = [cut.image(pair.fixed.image).shape for cut, (_, pair) in zip(cuts, shown, strict=True)]
    figure, panels = arrange(sizes, 1 + 2 * len(numbers), between=0.08, margins=(0.46, 0.62, 0.0, 0.3))
    for row, (dataset, pair), cut, levels in zip(panels, shown, cuts, warping, strict=True):
        show_image(row[0], cut.image(pair.fixed.image))
        name_pair(row[0], dataset, pair)
        _draw_maps(row[1 : 1 + 2 * len(levels)], pair, cut, levels)
    titles = [f"level {index + 1} {when}" for index in numbers for when in ("before", "after")]
    head(panels[0], ["fixed", *titles])
    return figure


def _warping_levels(pair: ShownPair) -> list[int]:
    """Indices of the levels that warp features, the coarsest first."""
    return [index for index, level in enumerate(pair.levels) if level.warped_similarity is not None][::-1]


def _draw_maps(panels: NDArray, pair: ShownPair, cut: Cut, levels: list[int]) -> None:
    # Where both images are 0 the features are the layers' constants, alike whatever is registered.
    body = (pair.moving.image > 0) | (pair.fixed.image > 0)
    volumes = [
        volume for index in levels for volume in (pair.levels[index].similarity, pair.levels[index].warped_similarity)
    ]
    maps = [np.where(cut.image(body), cut.image(volume), np.nan) for volume in volumes]
    limits = (float(np.nanpercentile(np.stack(maps), 1)), 1.0)
    for panel, volume, shown in zip(panels, volumes, maps, strict=True):
        show_image(panel, shown, style.SIMILARITY, limits)
        note(panel, f"mean {volume[body].mean():.3f}")
    draw_bar(panels[-1], style.SIMILARITY, limits, "cosine similarity")
