"""Which subjects train, validate and test: drawn by a seed, or read from a file that pins the draw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spnet.data.sheets import read_sheet
from spnet.errors import DataError
from spnet.files import write_text

PARTS = ("train", "validation", "test")
COLUMNS = ["subject", "split"]


def draw_split(names: Sequence[str], counts: Mapping[str, int], seed: int) -> dict[str, str]:
    """Draw the parts of a dataset.

    Every name gets a number from a hash of the seed and the name, and the parts are dealt out in the order of these
    numbers: test, validation, train. So the draw depends on nothing but names and seed, neither on their order nor on
    a library's random numbers.

    Parameters
    ----------
    names: of all subjects that the dataset has, on this disk or not.
    counts: subjects per part.

    Returns
    -------
    Part by name; names beyond the counts are in none and left out.

    Raises
    ------
    DataError: fewer names than the counts ask for.
    """
    wanted = sum(counts[part] for part in PARTS)
    if len(names) < wanted:
        raise DataError(
            f"the split wants {wanted} subjects, the dataset has {len(names)}",
            remedy="Make the dataset's split.counts smaller, or add the missing subjects",
        )
    ranked = sorted(set(names), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    parts = [part for part in reversed(PARTS) for _ in range(counts[part])]
    return dict(zip(ranked, parts, strict=False))


def read_split(path: str | Path) -> dict[str, str]:
    """Read a split file: tab-separated columns subject and split.

    Raises
    ------
    DataError: a column is missing, a part is unknown, or a subject is there twice (in two parts that is leakage).
    """
    split: dict[str, str] = {}
    for number, row in read_sheet(path, COLUMNS, comments=True):
        name, part = row["subject"], row["split"]
        if part not in PARTS:
            raise DataError(
                f"line {number}: '{part}' is not a part", path=path, remedy=f"Parts are: {', '.join(PARTS)}"
            )
        if name in split:
            where = " and ".join(sorted({split[name], part}))
            raise DataError(
                f"subject '{name}' is there twice (in {where})", path=path, remedy="A subject may be in one part only"
            )
        split[name] = part
    return split


def write_split(split: Mapping[str, str], path: str | Path) -> None:
    """Write a split file, part by part, subjects sorted."""
    rows = [f"{name}\t{part}" for part in PARTS for name in sorted(split) if split[name] == part]
    write_text(path, "\n".join(["\t".join(COLUMNS), *rows]) + "\n")


def split_of(names: Sequence[str], split: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a dataset by its `split` entry: from its file if it names one, else drawn.

    Raises
    ------
    DataError: as :func:`read_split` and :func:`draw_split`; or the file has other counts than the entry, or names a
        subject that the dataset does not have.
    """
    file = split["file"]
    if file is None:
        return draw_split(names, split["counts"], split["seed"])
    chosen = read_split(file)
    counts = {part: list(chosen.values()).count(part) for part in PARTS}
    draw_anew = "or give the dataset's split counts without a file, to draw it anew"
    if counts != dict(split["counts"]):
        raise DataError(
            f"the file has {counts}, the dataset's split.counts are {dict(split['counts'])}",
            path=file,
            remedy=f"Make them agree, {draw_anew}",
        )
    strangers = sorted(set(chosen) - set(names))
    if strangers:
        raise DataError(
            f"subject '{strangers[0]}' is not in the dataset ({len(strangers)} such)",
            path=file,
            remedy=f"Correct the file, {draw_anew}",
        )
    return chosen
