"""How datasets lie on disk. A layout lists a dataset's subjects; it opens no image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spnet.data.layouts import mindboggle101, table
from spnet.data.layouts.subject import Subject, check_subjects
from spnet.errors import ConfigError

__all__ = ["LAYOUTS", "Subject", "expected_subjects", "find_subjects"]

# Layout name -> function of (root folder, dataset entry) that lists what is there.
LAYOUTS: dict[str, Callable[[Path, Mapping[str, Any]], list[Subject]]] = {
    "mindboggle101": mindboggle101.find,
    "table": table.find,
}


def find_subjects(root: str | Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects of `dataset` (its entry in datasets.yaml) that lie under `root`.

    Raises
    ------
    DataError: none there, or a complete dataset was asked for and some are missing; a subject listed twice.
    """
    if dataset["layout"] not in LAYOUTS:
        raise ConfigError(f"there is no layout '{dataset['layout']}'", remedy=f"Known ones are: {', '.join(LAYOUTS)}")
    return check_subjects(LAYOUTS[dataset["layout"]](Path(root), dataset), root)


def expected_subjects(root: str | Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects that a virtual cohort of this dataset will have under `root`, before it is made."""
    return mindboggle101.expected(Path(root), dataset)
