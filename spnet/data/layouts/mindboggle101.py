"""Mindboggle101 volumes (Klein & Tourville 2012), as the archives unpack:
``<COHORT>_volumes/<COHORT>-<number>/``, perhaps inside a folder ``Mindboggle101_volumes``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spnet.data.layouts.layout import Release
from spnet.data.layouts.subject import Subject

# (space, image, labels); the affinely aligned volumes are taken where they exist, as the paper's authors did.
_FILES = (
    ("target", "t1weighted_brain.MNI152.nii.gz", "labels.DKT31.manual.MNI152.nii.gz"),
    ("native", "t1weighted_brain.nii.gz", "labels.DKT31.manual.nii.gz"),
)


def is_root(folder: Path, dataset: Mapping[str, Any]) -> bool:
    """Whether a cohort's folder lies in this one."""
    return any((folder / f"{cohort}_volumes").is_dir() for cohort in dataset["cohorts"])


def names(dataset: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Every subject of the release's cohorts, and the cohort."""
    return {
        f"{cohort}-{number}": cohort
        for cohort, entry in dataset["cohorts"].items()
        for number in range(1, entry["subjects"] + 1)
    }


def scan(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects that lie in `root`."""
    subjects = []
    for cohort in dataset["cohorts"]:
        name = re.compile(rf"{re.escape(cohort)}-(\d+)")
        folders = [path for path in root.glob(f"{cohort}_volumes/*") if path.is_dir() and name.fullmatch(path.name)]
        for folder in sorted(folders, key=lambda path: int(name.fullmatch(path.name)[1])):
            subject = _files(folder)
            subjects += [subject] if subject else []
    return subjects


def expected(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List where every subject of the release, or of a virtual cohort, has its files."""
    space, image, labels = _FILES[1]
    return [
        Subject(name, "", folder / image, folder / labels, space)
        for name, cohort in names(dataset, root).items()
        for folder in [root / f"{cohort}_volumes" / name]
    ]


def _files(folder: Path) -> Subject | None:
    for space, image, labels in _FILES:
        if (folder / image).exists() and (folder / labels).exists():
            return Subject(folder.name, "", folder / image, folder / labels, space)
    return None


LAYOUT = Release(
    scan=scan,
    is_root=is_root,
    names=names,
    expected=expected,
    place="<COHORT>_volumes/<SUBJECT>/t1weighted_brain.nii.gz",
    files={
        "image": "{cohort}_volumes/{subject}/t1weighted_brain.nii.gz",
        "labels": "{cohort}_volumes/{subject}/labels.DKT31.manual.nii.gz",
    },
)
