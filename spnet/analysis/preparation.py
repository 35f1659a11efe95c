"""What is odd in the subjects of a prepared dataset, each alone and beside the others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from spnet.data.labels import LabelSet
from spnet.data.nifti import read_image
from spnet.errors import DataError, first_line
from spnet.metrics.overlap import dice_per_label

DICE, CORRELATION, FIT = "affine_dice", "correlation_with_target", "label_fit"
TITLES = {DICE: "affine-only Dice", CORRELATION: "correlation with the target", FIT: "variance explained by the labels"}
AGAIN = "Delete this subject's folder and run again: the subject is then prepared anew"
_IN_TABLE = (CORRELATION, FIT, "cut_by_crop", "labels_cut_by_crop", "volume_scaling", "flipped")
# Robust standard deviations below the median, and the fewest subjects that have a median worth the name.
_FAR, _FEWEST = 3 * 1.4826, 5


@dataclass(frozen=True)
class Entry:
    """A prepared subject: its part, affine-only Dice and correlation (`values`), record, and what looks odd."""

    subject: str
    part: str
    values: Mapping[str, float | None]
    record: Mapping[str, Any]
    flags: Sequence[str]


def affine_dice(labels: Mapping[str, NDArray], protocol: LabelSet, neighbours: int = 10) -> dict[str, float]:
    """How well each subject's labels overlap with others' before any deformation.

    Parameters
    ----------
    labels: by subject, whole numbers [D, H, W] on the common grid; only subjects that have labels.
    neighbours: each subject is compared with so many, the next ones in sorted order, after the last the first again.

    Returns
    -------
    By subject, the mean over its neighbours of the mean Dice over the scored labels. Empty for a single subject.

    Raises
    ------
    ValueError: volumes that differ in shape.
    """
    names = sorted(labels)
    volumes = {name: torch.from_numpy(labels[name]) for name in names}
    result = {}
    for position, name in enumerate(names):
        others = [names[(position + offset) % len(names)] for offset in range(1, min(neighbours + 1, len(names)))]
        pairs = [list(dice_per_label(volumes[name], volumes[other], protocol.scored).values()) for other in others]
        means = [float(np.mean(scores)) for scores in pairs if scores]
        if means:
            result[name] = float(np.mean(means))
    return result


def describe_subjects(folder: Path, parts: Mapping[str, str], protocol: LabelSet) -> list[Entry]:
    """Every subject of `parts` (subject -> ``train``, ``validation`` or ``test``), in sorted order.

    To what was odd in each subject alone, this adds what is odd beside the others: a Dice or a correlation more than
    three robust standard deviations below the median, and a mask placed in another way than most.

    Parameters
    ----------
    folder: with ``<subject>/{labels.nii.gz,qc.json}``.

    Raises
    ------
    DataError: a subject's file is missing or damaged, or its labels lie on another grid than the others'.
    """
    records = {subject: _read_record(folder / subject / "qc.json") for subject in sorted(parts)}
    dice = affine_dice(_read_labels(folder, records), protocol)
    values = {
        subject: {DICE: dice.get(subject), CORRELATION: record[CORRELATION], FIT: record.get(FIT)}
        for subject, record in records.items()
    }
    limits = {quantity: _limit([one[quantity] for one in values.values()]) for quantity in TITLES}
    usual = _majority([record.get("mask_placement") for record in records.values()])
    return [
        Entry(subject, parts[subject], values[subject], record, _find_flags(record, values[subject], limits, usual))
        for subject, record in records.items()
    ]


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        absent = [key for key in ("labels", "flags", CORRELATION) if key not in record]
    except FileNotFoundError as error:
        raise DataError("this subject has no record of its preparation", path=path, remedy=AGAIN) from error
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"the record is damaged ({first_line(error)})", path=path, remedy=AGAIN) from error
    if absent:
        raise DataError(f"the record does not tell {' or '.join(absent)}", path=path, remedy=AGAIN)
    return record


def _read_labels(folder: Path, records: Mapping[str, Mapping[str, Any]]) -> dict[str, NDArray]:
    """Labels of the subjects that have any, every second voxel: a large dataset would not fit into memory."""
    labels: dict[str, NDArray] = {}
    for subject in (name for name, record in records.items() if record["labels"] is not None):
        path = folder / subject / "labels.nii.gz"
        data = np.ascontiguousarray(read_image(path).data[::2, ::2, ::2])
        labels[subject] = np.rint(data).astype(np.int16 if np.abs(data).max() < 2**15 else np.int32)
        expected = next(iter(labels.values())).shape
        if data.shape != expected:
            raise DataError("these labels lie on another grid than other subjects'", path=path, remedy=AGAIN)
    return labels


def _limit(values: Sequence[float | None]) -> tuple[float, float] | None:
    """Median, and what is remarkably low; None if there are too few values to tell."""
    known = [value for value in values if value is not None]
    if len(known) < _FEWEST:
        return None
    median = float(np.median(known))
    return median, median - _FAR * float(np.median(np.abs(np.subtract(known, median))))


def _majority(values: Sequence[Any]) -> Any:
    """What more than half of those that have a value have, or None."""
    known = Counter(value for value in values if value is not None)
    return next((value for value, count in known.items() if 2 * count > known.total()), None)


def _find_flags(
    record: Mapping[str, Any],
    values: Mapping[str, float | None],
    limits: Mapping[str, tuple[float, float] | None],
    usual: Any,
) -> list[str]:
    flags = list(record["flags"])
    for quantity, title in TITLES.items():
        value, limit = values[quantity], limits[quantity]
        if value is not None and limit is not None and value < limit[1]:
            flags.append(f"{title} {value:.3f} is low beside the dataset's median of {limit[0]:.3f}")
    placement = record.get("mask_placement")
    if None not in (usual, placement) and placement != usual:
        flags.append(f"the mask was placed by '{placement}', those of most subjects by '{usual}'")
    return flags


def to_frame(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row a subject."""
    rows = [
        {
            "subject": entry.subject,
            "split": entry.part,
            DICE: entry.values[DICE],
            **{key: entry.record.get(key) for key in _IN_TABLE},
            "flags": "; ".join(entry.flags),
        }
        for entry in entries
    ]
    return pd.DataFrame(rows, columns=["subject", "split", DICE, *_IN_TABLE, "flags"])
