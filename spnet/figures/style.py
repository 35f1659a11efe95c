"""One look for all figures: readable in grey, safe for colour-blind readers, vector and 300 dpi."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spnet.files import atomic_path

matplotlib.use("Agg")

PALETTE = "colorblind"
BOX = "#8fb8de"  # light enough for the median line to stand out in grey
GRID = "#1a1a1a"

# Across the axes of a volume in RAS, in their order.
PLANES = ("sagittal", "coronal", "axial")

# Inches that a figure fills of a page, its caption below.
PAGE_WIDTH, PAGE_HEIGHT = 7.2, 9.2
SMALL, NORMAL = 6.5, 7.5

# From light to dark, so that a larger error is darker in grey too.
ERROR = "magma_r"
SIMILARITY = "viridis"

# Neighbours in a body differ in lightness: femur orange, its cartilage yellow, tibia blue, its cartilage green.
_PARTS = ("#d55e00", "#f0e442", "#0072b2", "#2bce9c", "#cc79a7", "#56b4e9", "#e69f00", "#999999")


def apply() -> None:
    """Set the look for the figures that follow."""
    sizes = dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), SMALL)
    sizes |= dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize", "legend.title_fontsize"), NORMAL)
    sns.set_theme(
        context="paper",
        style="whitegrid",
        palette=PALETTE,
        rc={
            "savefig.bbox": "tight",
            "savefig.pad_inches": 0.03,
            "pdf.fonttype": 42,
            "axes.titleweight": "bold",
            **sizes,
        },
    )


def ranks(count: int) -> list[str]:
    """Colours from light to dark, none so dark that a black line on it is lost."""
    return sns.blend_palette(["#fdf3c8", "#8cc7b9", "#5a92cc"], count).as_hex()


def parts(count: int) -> list[str]:
    """Colours of so many parts of a body."""
    return list(_PARTS[:count]) if count <= len(_PARTS) else sns.husl_palette(count, l=0.7).as_hex()


def bare(panel: Axes) -> None:
    """Take a picture's ticks and grid away."""
    panel.set(xticks=[], yticks=[])
    panel.grid(False)


def save(figure: Figure, paths: Sequence[str | Path], dpi: int = 300) -> None:
    """Write a figure to every path (the suffix decides the format) and close it."""
    from matplotlib import pyplot

    for path in paths:
        with atomic_path(path) as temporary:
            # A fixed date keeps the files of two equal runs equal.
            metadata = {"CreationDate": None} if Path(path).suffix == ".pdf" else None
            figure.savefig(temporary, metadata=metadata, dpi=dpi)
    pyplot.close(figure)
