"""CANDI (Schizophrenia Bulletin 2008) as its archives unpack:
``SchizBull_2008/<group>/<SUBJECT>/<SUBJECT>_procimg.nii.gz`` and ``_seg.nii.gz``.

Subjects are numbered through the groups: HC_001 to HC_029, BPDwoPsy_030 to _064, BPDwPsy_065 to _083, SS_084 to _103.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spnet.data.layouts.layout import Release
from spnet.data.layouts.subject import Subject, find_folders

_IMAGE, _LABELS = "_procimg.nii.gz", "_seg.nii.gz"
# Folders of the groups where they are not named like the subjects.
_FOLDERS = {"BPDwoPsy": "BPDwithoutPsy", "BPDwPsy": "BPDwithPsy"}


def is_root(folder: Path, dataset: Mapping[str, Any]) -> bool:
    """Whether a group's folder lies in this one, under ``SchizBull_2008`` or not."""
    groups = [_FOLDERS.get(cohort, cohort) for cohort in dataset["cohorts"]]
    return (folder / "SchizBull_2008").is_dir() or any((folder / group).is_dir() for group in groups)


def names(dataset: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Every subject of the release's groups, and the group."""
    named: dict[str, str] = {}
    for cohort, entry in dataset["cohorts"].items():
        for _ in range(entry["subjects"]):
            named[f"{cohort}_{len(named) + 1:03}"] = cohort
    return named


def scan(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects that lie in `root`."""
    return [Subject(folder.name, "", *_files(folder)) for folder in find_folders(root, 3, _has_files)]


def expected(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List where every subject of the release, or of a virtual cohort, has its files."""
    return [
        Subject(name, "", *_files(root / "SchizBull_2008" / _FOLDERS.get(cohort, cohort) / name))
        for name, cohort in names(dataset, root).items()
    ]


def _files(folder: Path) -> tuple[Path, Path]:
    return folder / f"{folder.name}{_IMAGE}", folder / f"{folder.name}{_LABELS}"


def _has_files(folder: Path) -> bool:
    return all(path.exists() for path in _files(folder))


LAYOUT = Release(
    scan=scan,
    is_root=is_root,
    names=names,
    expected=expected,
    place=f"SchizBull_2008/<group>/<SUBJECT>/<SUBJECT>{_IMAGE}",
    files={
        "image": f"SchizBull_2008/{{group}}/{{subject}}/{{subject}}{_IMAGE}",
        "labels": f"SchizBull_2008/{{group}}/{{subject}}/{{subject}}{_LABELS}",
    },
)
