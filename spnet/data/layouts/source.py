"""Telling a person what to get, from where, on which terms, and where to put it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spnet.data.layouts.locate import locate
from spnet.errors import DataError

_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
MARKERS = ".unpacked"


def missing_scans(problem: str, root: Path, dataset: Mapping[str, Any], place: str) -> DataError:
    """The error for raw scans that are not there.

    Parameters
    ----------
    problem: what is missing.
    dataset: its entry in datasets.yaml; `source` is told in full.
    place: a file or folder, below `root`, that must exist afterwards.
    """
    source = dataset["source"]
    files = f": {', '.join(source['files'])}" if source["files"] else ""
    account = f" ({source['account']})" if source["account"] else " (no account needed)"
    terms = f". Terms: {source['terms']}" if source["terms"] else ""
    again = f". Delete {root / MARKERS} to have archives unpacked again" if (root / MARKERS).is_dir() else ""
    return DataError(
        f"raw scans are missing: {problem}",
        path=root,
        remedy=f"Get them from {source['page']}{account}{files}{terms}. Put archives or unpacked folders into {root},"
        f" so that {root / place} exists (archives are unpacked by the workflow){again}",
    )


@dataclass(frozen=True)
class Archives:
    """A dataset's archives by file name.

    Attributes
    ----------
    pending: lie there, or can be fetched, and have not been unpacked.
    to_fetch: those of the pending that do not lie there.
    """

    pending: tuple[str, ...]
    to_fetch: tuple[str, ...]


def find_archives(root: Path, dataset: Mapping[str, Any], download: bool) -> Archives:
    """The archives of a dataset.

    An archive is unpacked when a file of its name lies in the folder `MARKERS`. Only with `download` are any fetched,
    and of those only the ones whose content (`holds` in the dataset's `source.archives`) is not there already.
    """
    marked, there = _files(root / MARKERS), {name for name in _files(root) if name.endswith(_SUFFIXES)}
    fetchable = {
        entry["file"]
        for entry in dataset["source"]["archives"]
        if download and entry["urls"] and not _holds(root, entry["holds"])
    }
    return Archives(
        pending=tuple(sorted((there | fetchable) - marked)),
        to_fetch=tuple(sorted(fetchable - there - marked)),
    )


def _holds(root: Path, name: str) -> bool:
    return locate(root, lambda folder: (folder / name).exists()) is not None


def _files(folder: Path) -> set[str]:
    """Names of the files in a folder that nobody hides: half-unpacked and half-written things are hidden."""
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")}
