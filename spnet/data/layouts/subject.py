"""A subject as a layout finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spnet.errors import DataError


@dataclass(frozen=True)
class Subject:
    """Where a subject's raw files are.

    Attributes
    ----------
    split: the part it belongs to, ``train``, ``validation`` or ``test``; empty until the dataset's split is applied.
    image: a NIfTI file, or a folder with a DICOM series.
    labels: a NIfTI file, or a MetaImage (``.mhd``) without a pose.
    space: ``native``, or ``target`` if the files are already affinely aligned to the target.
    side: of a knee, where the dataset's documents tell it.
    patient: whom a DICOM series must name, where the dataset's documents tell it.
    """

    subject: str
    split: str
    image: Path
    labels: Path | None
    space: Literal["native", "target"] = "native"
    side: Literal["left", "right"] | None = None
    patient: str | None = None


def check_subjects(subjects: Sequence[Subject], root: str | Path) -> list[Subject]:
    """Raise a DataError if a subject is listed twice: in two parts that would be testing on training data."""
    counts = Counter(subject.subject for subject in subjects)
    for name, count in counts.items():
        if count > 1:
            splits = sorted({subject.split for subject in subjects if subject.subject == name})
            files = ", ".join(str(subject.image) for subject in subjects if subject.subject == name)
            where = f"in both {' and '.join(splits)}" if len(splits) > 1 else "twice"
            raise DataError(
                f"subject '{name}' is listed {where} ({files})",
                path=root,
                remedy="Every subject may be used once: train on it or test on it",
            )
    images = {subject.image.resolve(): subject.subject for subject in subjects}
    if len(images) < len(subjects):
        double = next(s for s in subjects if images[s.image.resolve()] != s.subject)
        raise DataError(
            f"subjects '{double.subject}' and '{images[double.image.resolve()]}' share one image, {double.image}",
            path=root,
            remedy="Give every subject its own scan",
        )
    return list(subjects)


def find_folders(root: Path, depth: int, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    """The folders that `wanted` accepts: `root` and those in it, `depth` levels down, sorted, none inside another."""
    if wanted(root):
        yield root
    elif depth > 0 and root.is_dir():
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
            yield from find_folders(folder, depth - 1, wanted)
