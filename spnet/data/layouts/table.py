"""Any dataset, given as a tab-separated table with columns subject, image, labels and split."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spnet.data.layouts.layout import Layout
from spnet.data.layouts.subject import Subject
from spnet.data.sheets import read_sheet
from spnet.data.splits import PARTS
from spnet.errors import DataError

COLUMNS = ["subject", "image", "labels", "split"]
_NAME = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"  # of a folder, and safe in Snakemake's patterns, where braces have a meaning


def scan(root: Path, dataset: Mapping[str, Any]) -> list[Subject]:
    """List the subjects of the table `dataset["table"]` under `root`; paths in it are relative to the table.

    An image is a file, or a folder with a DICOM series.

    Raises
    ------
    DataError: no table, a column is missing, a value cannot be used, a file is not there.
    """
    path = root / dataset["table"]
    if not path.exists():
        raise DataError(
            "there is no such table",
            path=path,
            remedy=f"List the scans there, tab-separated: {', '.join(COLUMNS)}",
        )
    return [_subject(row, number, path) for number, row in read_sheet(path, COLUMNS)]


def _subject(row: Mapping[str, str], line: int, path: Path) -> Subject:
    def fail(problem: str, remedy: str) -> DataError:
        return DataError(f"line {line}: {problem}", path=path, remedy=remedy)

    if not re.fullmatch(_NAME, row["subject"]):
        raise fail(f"'{row['subject']}' cannot be a subject's name", "Use letters, digits, '-', '_' and '.'")
    if row["split"] not in PARTS:
        raise fail(f"split '{row['split']}' is not one of {', '.join(PARTS)}", "Correct it")
    if row["split"] != "train" and not row["labels"]:
        raise fail(f"{row['split']} subject '{row['subject']}' has no labels", "Give them, or move it to train")
    image = path.parent / os.path.expanduser(row["image"])
    labels = path.parent / os.path.expanduser(row["labels"]) if row["labels"] else None
    if not row["image"] or not image.exists():
        raise fail(f"there is no scan {image}", "Paths are relative to the table")
    if labels is not None and not labels.is_file():
        raise fail(f"there is no file {labels}", "Paths are relative to the table")
    return Subject(row["subject"], row["split"], image, labels)


LAYOUT = Layout(scan=scan, needs_table=True)
