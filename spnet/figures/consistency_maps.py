"""Where the inverse consistency error lies (the paper's Fig. 8)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.figures import style
from spnet.figures.material import Material, ShownPair
from spnet.figures.panels import arrange, choose_cut, draw_bar, head, name_pair, note, show_image


def draw(material: Material) -> Figure:
    """A row per dataset, a column per method: the error of every voxel of a slice, on one scale per row.

    The mean over the whole volume, which is the tables' ICE of this pair, is in the corner.
    """
    shown = material.shown_datasets()
    methods = [method for method in material.titles if any(method in material.pairs_of(name) for name in shown)]
    cuts = {name: choose_cut(next(iter(material.pairs_of(name).values())), shown[name]) for name in shown}
    sizes = [cuts[name].image(next(iter(material.pairs_of(name).values())).fixed.image).shape for name in shown]
    figure, panels = arrange(sizes, len(methods), between=0.08, margins=(0.46, 0.62, 0.0, 0.3))
    for row, (name, dataset) in zip(panels, shown.items(), strict=True):
        pairs = material.pairs_of(name)
        maps = {method: cuts[name].image(error_map(pair)) for method, pair in pairs.items()}
        # A few border voxels, where the sampler sees zeros, must not set the scale.
        limits = (0.0, max(float(np.percentile(np.stack(list(maps.values())), 99)), 1e-3))
        for method, panel in zip(methods, row, strict=True):
            if method in pairs:
                show_image(panel, maps[method], style.ERROR, limits)
                note(panel, f"ICE {pairs[method].ice:.3f}")
        name_pair(row[0], dataset, next(iter(pairs.values())))
        draw_bar(row[-1], style.ERROR, limits, "ICE, voxels")
    head(panels[0], [material.titles[method] for method in methods])
    return figure


def error_map(pair: ShownPair) -> NDArray[np.float32]:
    """The error of every voxel; its mean over the volume is the paper's ICE (Eq. 13)."""
    return np.abs(pair.composition()).mean(axis=0)
