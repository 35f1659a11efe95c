"""Mindboggle101 volumes (Klein & Tourville 2012), as the archives unpack:
``<COHORT>_volumes/<COHORT>-<number>/``, perhaps inside a folder ``Mindboggle101_volumes``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spnet.data.layouts.subject import Subject
from spnet.errors import DataError

# (space, image, labels); the affinely aligned volumes are taken where they exist, as the paper's authors did.
_FILES = (
    ("target", "t1weighted_brain.MNI152.nii.gz", "labels.DKT31.manual.MNI152.nii.gz"),
    ("native", "t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz"),
)


def find(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects of the dataset's `cohorts` under `root`.

    Raises
    ------
    DataError: the dataset must be complete and is not, or nothing is there at all.
    """
    subjects: list[Subject] = []
    missing: list[str] = []
    for cohort, entry in dataset["cohorts"].items():
        found = [_files(folder, entry["split"]) for folder in _folders(root, cohort)]
        usable = [subject for subject in found if subject is not None]
        subjects += usable
        if len(usable) < entry["subjects"]:
            missing.append(f"{cohort}_volumes has {len(usable)} of {entry['subjects']} subjects")
    if missing and (dataset["complete"] or not subjects):
        raise DataError(
            f"raw scans are missing: {'; '.join(missing)}",
            path=root,
            remedy=f"{dataset['source'].strip()} Unpack the archives so that"
            f" {root / next(iter(dataset['cohorts']))}_volumes/<subject>/{_FILES[1][1]} exists",
        )
    return subjects


def expected(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects that a cohort written in this layout has, from the numbers in `cohorts` alone."""
    space, image, labels = _FILES[1]
    return [
        Subject(name := f"{cohort}-{number}", entry["split"], folder / name / image, folder / name / labels, space)
        for cohort, entry in dataset["cohorts"].items()
        for folder in [root / f"{cohort}_volumes"]
        for number in range(1, entry["subjects"] + 1)
    ]


def _folders(root: Path, cohort: str) -> list[Path]:
    for parent in (root, root / "Mindboggle101_volumes"):
        name = re.compile(rf"{re.escape(cohort)}-(\d+)")
        folders = [path for path in parent.glob(f"{cohort}_volumes/*") if path.is_dir() and name.fullmatch(path.name)]
        if folders:
            return sorted(folders, key=lambda path: int(name.fullmatch(path.name)[1]))
    return []


def _files(folder: Path, split: str) -> Subject | None:
    for space, image, labels in _FILES:
        if (folder / image).exists() and (folder / labels).exists():
            return Subject(folder.name, split, folder / image, folder / labels, space)
    return None
