"""How a dataset was prepared, for the person who decides whether to go on with it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spnet.analysis.preparation import TITLES, describe_subjects, to_frame
from spnet.data.labels import LabelSet
from spnet.data.quality import OUTSIDE, UNKNOWN_IDS
from spnet.data.splits import PARTS
from spnet.errors import DataError, first_line
from spnet.files import atomic_path, write_text
from spnet.report.document import AGAIN, NUMBER, TEXT, Table, plain_table
from spnet.report.pictures import small_picture
from spnet.report.render import render


@dataclass(frozen=True)
class Subject:
    """A prepared subject as the page shows it: its part, facts in words, and what looks odd."""

    name: str
    part: str
    values: Mapping[str, float | None]
    flags: Sequence[str]

    @property
    def facts(self) -> str:
        """Part and values on one line."""
        return f"{self.part}; " + ", ".join(f"{title} {_number(self.values[key])}" for key, title in TITLES.items())


@dataclass(frozen=True)
class Preparation:
    """A prepared dataset.

    Attributes
    ----------
    folder: with ``<subject>/qc.png``, from the folder of the record.
    subjects: flagged ones first.
    left_out: subject -> reason.
    notes: sentences above the numbers.
    """

    title: str
    folder: str
    subjects: Sequence[Subject]
    left_out: Mapping[str, str]
    notes: Sequence[str]

    @property
    def flagged(self) -> list[Subject]:
        """Those in which something looks odd."""
        return [subject for subject in self.subjects if subject.flags]

    @property
    def doubtful(self) -> list[Subject]:
        """Those whose scans themselves are in doubt: not by dropped label ids or the study's grid alone."""
        return [
            each for each in self.subjects if not all(UNKNOWN_IDS in flag or OUTSIDE in flag for flag in each.flags)
        ]

    def tables(self) -> dict[str, Table]:
        """What stands above the pictures, by name."""
        flagged = [[each.name, each.part, "; ".join(each.flags)] for each in self.flagged]
        return {
            "parts": self._parts(),
            "summary": self._summary(),
            "flagged": plain_table("", dict.fromkeys(("Subject", "Part", "Reasons"), TEXT), flagged),
            "left_out": plain_table("", {"Subject": TEXT, "Reason": TEXT}, sorted(self.left_out.items())),
        }

    def _parts(self) -> Table:
        counts = Counter(subject.part for subject in self.subjects)
        present = [*(part for part in PARTS if part in counts), *sorted(set(counts) - set(PARTS))]
        rows = [
            [part, str(counts[part]), str(counts[part] * (counts[part] - 1)) if part in ("train", "test") else "-"]
            for part in present
        ]
        return plain_table("", {"Part": TEXT, "Subjects": NUMBER, "Ordered pairs": NUMBER}, rows)

    def _summary(self) -> Table:
        rows = []
        for quantity, title in TITLES.items():
            known = [each.values[quantity] for each in self.subjects if each.values[quantity] is not None]
            statistics = (np.median(known), min(known), max(known)) if known else (None,) * 3
            rows.append([title[0].upper() + title[1:], str(len(known)), *map(_number, statistics)])
        header = dict.fromkeys(("Subjects", "Median", "Lowest", "Highest"), NUMBER)
        return plain_table("", {"Quantity": TEXT} | header, rows)


def write_preparation(
    title: str,
    folder: str | Path,
    parts: Mapping[str, str],
    protocol: LabelSet,
    left_out: Mapping[str, str],
    notes: Sequence[str],
    outputs: Mapping[str, str | Path],
) -> None:
    """Write what a person should know of a prepared dataset.

    Parameters
    ----------
    title: of the dataset.
    folder: with ``<subject>/{labels.nii.gz,qc.json,qc.png}``.
    parts: subject -> ``train``, ``validation`` or ``test``.
    left_out: subject -> reason; such a subject need not be prepared.
    notes: sentences above the numbers.
    outputs: page (one HTML file, pictures inside, some 50 kB a subject), table (tab-separated, a row per prepared
        subject), and json, from which :func:`read_preparation` shows the same on another page.

    Raises
    ------
    DataError: a subject's file is missing or damaged, or its labels lie on another grid than the others'.
    """
    shown = {name: parts[name] for name in parts if name not in left_out}
    entries = describe_subjects(Path(folder), shown, protocol)
    with atomic_path(outputs["table"]) as temporary:
        to_frame(entries).to_csv(temporary, sep="\t", index=False, float_format="%.6g")
    flagged_first = sorted(entries, key=lambda entry: not entry.flags)
    subjects = [Subject(each.subject, each.part, each.values, each.flags) for each in flagged_first]
    where = os.path.relpath(folder, Path(outputs["json"]).parent)
    preparation = Preparation(title, where, subjects, dict(left_out), list(notes))
    page = render("preparation.html", preparation=preparation, pictures=read_pictures(preparation, outputs["json"]))
    write_text(outputs["json"], json.dumps(asdict(preparation), indent=1, ensure_ascii=False) + "\n")
    write_text(outputs["page"], page)


def read_preparation(path: str | Path) -> Preparation:
    """What :func:`write_preparation` wrote to json.

    Raises
    ------
    DataError: it is missing or damaged.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        return Preparation(**found | {"subjects": [Subject(**subject) for subject in found["subjects"]]})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"this result cannot be read ({first_line(error)})", path=path, remedy=AGAIN) from error


def read_pictures(preparation: Preparation, path: str | Path, most: int | None = None) -> dict[str, str]:
    """The first subjects' pictures, as data URLs.

    Parameters
    ----------
    path: of the preparation's json.
    most: how many; None: all.
    """
    folder = Path(path).parent / preparation.folder
    return {each.name: small_picture(folder / each.name / "qc.png") for each in preparation.subjects[:most]}


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
