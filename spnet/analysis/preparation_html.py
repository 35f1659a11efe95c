"""The page of :mod:`spnet.analysis.preparation_page` as HTML that opens anywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from spnet.analysis.html import STYLE, table
from spnet.data.splits import PARTS

DICE, CORRELATION, FIT = "affine_dice", "correlation_with_target", "label_fit"
TITLES = {DICE: "affine-only Dice", CORRELATION: "correlation with the target", FIT: "variance explained by the labels"}
# The page is put together and taken apart at these.
_BODY, _CARDS, _END = (
    "<body>\n",
    '<h2>All subjects, flagged ones first</h2>\n<div class="cards">\n',
    "\n</div></body></html>\n",
)


@dataclass(frozen=True)
class Entry:
    """A prepared subject: its part, affine-only Dice and correlation (`values`), record, and what looks odd."""

    subject: str
    part: str
    values: Mapping[str, float | None]
    record: Mapping[str, Any]
    flags: Sequence[str]


def to_html(
    title: str,
    entries: Sequence[Entry],
    left_out: Mapping[str, str],
    notes: Sequence[str],
    pictures: Mapping[str, str],
) -> str:
    """The page.

    Parameters
    ----------
    entries: in the order of their cards.
    left_out: subject -> reason.
    notes: sentences above the numbers.
    pictures: subject -> data URL.
    """
    flagged = [entry for entry in entries if entry.flags]
    heading = escape(f"Preparation of {title}")
    rows = [[entry.subject, entry.part, "; ".join(entry.flags)] for entry in flagged]
    cards = "\n".join(_card(entry, pictures[entry.subject]) for entry in entries)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{heading}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>{_BODY}<h1>{heading}</h1>
<p>{len(entries)} prepared, {len(flagged)} of them flagged; {len(left_out)} left out.</p>
{_parts_table(entries)}
{"".join(f"<p>{escape(note)}</p>" for note in notes)}
<h2>Summary</h2>
{_summary_table(entries)}
<p class="small">Affine-only Dice: mean over the scored labels and over up to ten other subjects, on every second voxel
along each axis. A subject far below the others may be misplaced, or its labels may belong to another scan.</p>
<h2>Flagged subjects ({len(flagged)})</h2>
{table(["Subject", "Part", "Reasons"], rows) if rows else "<p>None.</p>"}
<h2>Left out ({len(left_out)})</h2>
{table(["Subject", "Reason"], sorted(left_out.items())) if left_out else "<p>None.</p>"}
{_CARDS}{cards}{_END}"""


@dataclass(frozen=True)
class Fragments:
    """The parts of a page, as HTML: all above the cards without its heading, and the cards in their order."""

    summary: str
    cards: Sequence[str]


def take_apart(page: str) -> Fragments | None:
    """What :func:`to_html` put together, for a page that holds several; None if it did not make this page."""
    _, found, body = page.partition(_BODY)
    summary, found_cards, rest = body.partition(_CARDS)
    cards, found_end, after = rest.partition(_END)
    if not (found and found_cards and found_end) or after:
        return None
    return Fragments(re.sub(r"\A<h1>.*</h1>\n", "", summary), re.split(r'\n(?=<div class="card)', cards))


def _parts_table(entries: Sequence[Entry]) -> str:
    counts = Counter(entry.part for entry in entries)
    present = [*(part for part in PARTS if part in counts), *sorted(set(counts) - set(PARTS))]
    rows = [
        [part, str(counts[part]), str(counts[part] * (counts[part] - 1)) if part in ("train", "test") else "-"]
        for part in present
    ]
    return table(["Part", "Subjects", "Ordered pairs"], rows, numbers_from=1)


def _summary_table(entries: Sequence[Entry]) -> str:
    rows = []
    for quantity, title in TITLES.items():
        known = [entry.values[quantity] for entry in entries if entry.values[quantity] is not None]
        statistics = (np.median(known), min(known), max(known)) if known else (None,) * 3
        rows.append([title[0].upper() + title[1:], str(len(known)), *map(_number, statistics)])
    return table(["Quantity", "Subjects", "Median", "Lowest", "Highest"], rows, numbers_from=1)


def _card(entry: Entry, picture: str) -> str:
    subject = escape(entry.subject)
    facts = ", ".join(f"{title} {_number(entry.values[quantity])}" for quantity, title in TITLES.items())
    flags = "".join(f"<li>{escape(flag)}</li>" for flag in entry.flags)
    return (
        f'<div class="card{" flagged" if flags else ""}"><h3>{subject}</h3><p>{escape(f"{entry.part}; {facts}")}</p>'
        f'{f"<ul>{flags}</ul>" if flags else ""}<img alt="QC picture of {subject}" src="{picture}"></div>'
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
