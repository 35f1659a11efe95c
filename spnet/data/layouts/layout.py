"""What a layout must be able to say of a dataset's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spnet.data.layouts.subject import Subject

# A dataset's folder and its entry in datasets.yaml.
Scan = Callable[[Path, Mapping[str, Any]], list[Subject]]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A way in which a dataset lies on disk.

    Attributes
    ----------
    scan: lists the subjects that lie there, each with its part.
    needs_table: the dataset's entry names a table of its subjects.
    """

    scan: Scan
    needs_table: bool = False


@dataclass(frozen=True, kw_only=True)
class Release(Layout):
    """The layout of a published release, whose subjects are known by name, and in which virtual cohorts can be written.

    Attributes
    ----------
    is_root: whether a folder is the dataset's.
    names: every subject that the release has, by its own documents, each with its cohort or what else is listed there.
    expected: lists where the files of every subject lie, or will.
    place: a path below the root that a person can look for.
    files: of a virtual subject by role, below the root; ``{subject}``, and what else a folder is named by, is filled
        in. An image whose name has no suffix is a folder.
    listing: the file that lists a virtual cohort's subjects, and the function that writes it from cohorts and path.
    """

    is_root: Callable[[Path, Mapping[str, Any]], bool]
    names: Callable[[Mapping[str, Any], Path], dict[str, str]]
    expected: Scan
    place: str
    files: Mapping[str, str]
    listing: tuple[str, Callable[[Mapping[str, Any], str | Path], None]] | None = None
