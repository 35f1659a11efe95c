"""One look for all figures: readable in grey, safe for colour-blind readers, vector and 300 dpi."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import seaborn as sns
from matplotlib.figure import Figure

from spnet.files import atomic_path

matplotlib.use("Agg")

PALETTE = "colorblind"
BOX = "#8fb8de"  # light enough for the median line to stand out in grey


def apply() -> None:
    """Set the look for the figures that follow."""
    sns.set_theme(
        context="paper",
        style="whitegrid",
        palette=PALETTE,
        rc={"savefig.bbox": "tight", "pdf.fonttype": 42, "axes.titleweight": "bold"},
    )


def save(figure: Figure, paths: Sequence[str | Path], dpi: int = 300) -> None:
    """Write a figure to every path (the suffix decides the format) and close it."""
    from matplotlib import pyplot

    for path in paths:
        with atomic_path(path) as temporary:
            # A fixed date keeps the files of two equal runs equal.
            metadata = {"CreationDate": None} if Path(path).suffix == ".pdf" else None
            figure.savefig(temporary, metadata=metadata, dpi=dpi)
    pyplot.close(figure)
