"""A subject as a layout finds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spnet.errors import DataError


@dataclass(frozen=True)
class Subject:
    """Where a subject's raw files are.

    Attributes
    ----------
    split: the part it belongs to, ``train`` or ``test``.
    space: ``native``, or ``target`` if the files are already affinely aligned to the target.
    """

    subject: str
    split: str
    image: Path
    labels: Path | None
    space: Literal["native", "target"] = "native"


def check_subjects(subjects: Sequence[Subject], root: str | Path) -> list[Subject]:
    """Raise a DataError if a subject is listed twice: in both parts that would be testing on training data."""
    counts = Counter(subject.subject for subject in subjects)
    for name, count in counts.items():
        if count > 1:
            splits = sorted({subject.split for subject in subjects if subject.subject == name})
            where = f"in both {' and '.join(splits)}" if len(splits) > 1 else "twice"
            raise DataError(
                f"subject '{name}' is listed {where}",
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
