"""How datasets lie on disk. A layout lists a dataset's subjects; it opens no image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spnet.data.layouts import candi, mindboggle101, oai_zib, table
from spnet.data.layouts.layout import Layout, Release
from spnet.data.layouts.locate import locate
from spnet.data.layouts.source import missing_scans
from spnet.data.layouts.subject import Subject, check_subjects
from spnet.data.splits import split_of
from spnet.errors import DataError
from spnet.registry import look_up

__all__ = ["LAYOUTS", "Layout", "Release", "Subject", "expected_subjects", "find_subjects", "is_release"]

LAYOUTS: Mapping[str, Layout] = {
    "mindboggle101": mindboggle101.LAYOUT,
    "candi": candi.LAYOUT,
    "oai_zib": oai_zib.LAYOUT,
    "table": table.LAYOUT,
}


def is_release(layout: str) -> bool:
    """Whether the layout is that of a published release, whose cohorts a dataset's entry names.

    Raises
    ------
    ConfigError: there is no such layout.
    """
    return isinstance(look_up(LAYOUTS, layout, "layout"), Release)


def find_subjects(root: str | Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects of `dataset` (its entry in datasets.yaml) that lie under `root`, each with its part.

    Raises
    ------
    DataError: none there, or a complete dataset was asked for and some are missing; a subject listed twice, or in two
        parts.
    """
    root = Path(root)
    layout = look_up(LAYOUTS, dataset["layout"], "layout")
    if not isinstance(layout, Release):
        subjects = check_subjects(layout.scan(root, dataset), root)
        _check_left_out(dataset, [subject.subject for subject in subjects])
        return [subject for subject in subjects if subject.subject not in dataset["leave_out"]]
    top = locate(root, lambda folder: layout.is_root(folder, dataset))
    if top is None:
        raise missing_scans(_none_of(layout, dataset, root), root, dataset, layout.place)
    found = {subject.subject: subject for subject in check_subjects(layout.scan(top, dataset), root)}
    parts = _parts(layout, dataset, top)
    missing = [subject for subject in layout.expected(top, dataset) if subject.subject in set(parts) - set(found)]
    wanted = [replace(subject, split=parts[name]) for name, subject in found.items() if name in parts]
    if missing and (dataset["complete"] or not wanted):
        problem = f"{len(missing)} of {len(parts)} subjects ({', '.join(subject.subject for subject in missing)})"
        raise missing_scans(problem, root, dataset, str(missing[0].image.relative_to(top)))
    return wanted


def expected_subjects(root: str | Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects of a virtual cohort before it is made."""
    layout = look_up(LAYOUTS, dataset["layout"], "layout")
    subjects = layout.expected(Path(root), dataset)
    parts = _parts(layout, dataset, Path(root))
    return [replace(subject, split=parts[subject.subject]) for subject in subjects if subject.subject in parts]


def _parts(layout: Release, dataset: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Part of every subject that is used: by the cohort, else by the dataset's split; none of those left out."""
    named = layout.names(dataset, root)
    _check_left_out(dataset, named)
    if dataset["split"] is None:
        parts = {name: dataset["cohorts"][cohort]["split"] for name, cohort in named.items()}
    else:
        parts = split_of(list(named), dataset["split"])
    return {name: part for name, part in parts.items() if name not in dataset["leave_out"]}


def _check_left_out(dataset: Mapping[str, Any], names: Iterable[str]) -> None:
    unknown = sorted(set(dataset["leave_out"]) - set(names))
    if unknown:
        raise DataError(
            f"leave_out names '{unknown[0]}', which is no subject of {dataset['title']}",
            remedy="Correct the dataset's leave_out",
        )


def _none_of(layout: Release, dataset: Mapping[str, Any], root: Path, shown: int = 5) -> str:
    try:
        wanted = list(_parts(layout, dataset, root))
    except DataError:  # the release tells its subjects only when it is there
        return "nothing of this dataset is there"
    return f"all {len(wanted)} subjects ({', '.join(wanted[:shown])}, ...)"
