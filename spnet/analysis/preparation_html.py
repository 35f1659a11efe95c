"""The page of :mod:`spnet.analysis.preparation_page` as HTML that opens anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from spnet.data.splits import PARTS

DICE, CORRELATION, FIT = "affine_dice", "correlation_with_target", "label_fit"
TITLES = {DICE: "affine-only Dice", CORRELATION: "correlation with the target", FIT: "variance explained by the labels"}
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fcfcfc; max-width: 1120px; margin: 2em auto;
  padding: 0 1em; }
h1 { font-size: 1.6em; margin-bottom: .2em; } h2 { font-size: 1.2em; margin: 1.8em 0 .5em; }
table { border-collapse: collapse; } th, td { padding: .25em .9em .25em 0; text-align: left; vertical-align: top; }
th { border-bottom: 1px solid #999; } td { border-bottom: 1px solid #e4e4e4; }
.number { text-align: right; font-variant-numeric: tabular-nums; } p.small { color: #555; max-width: 48em; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1em; }
.card { background: #fff; border: 1px solid #ddd; border-top: 4px solid #9ab; padding: .6em .8em; break-inside: avoid; }
.card.flagged { border-top-color: #d98200; } .card h3 { font-size: 1em; margin: 0; overflow-wrap: anywhere; }
.card p { margin: .1em 0 .4em; color: #444; font-size: .9em; } .card ul { margin: .2em 0 .5em; padding-left: 1.2em;
  color: #8a4b00; font-size: .9em; overflow-wrap: anywhere; } .card img { width: 100%; display: block; }
@media print { body { background: #fff; margin: 0; max-width: none; font-size: 11px; }
  .cards { grid-template-columns: 1fr 1fr; } }
"""


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
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>{heading}</h1>
<p>{len(entries)} prepared, {len(flagged)} of them flagged; {len(left_out)} left out.</p>
{_parts_table(entries)}
{"".join(f"<p>{escape(note)}</p>" for note in notes)}
<h2>Summary</h2>
{_summary_table(entries)}
<p class="small">Affine-only Dice: mean over the scored labels and over up to ten other subjects, on every second voxel
along each axis. A subject far below the others may be misplaced, or its labels may belong to another scan.</p>
<h2>Flagged subjects ({len(flagged)})</h2>
{_table(["Subject", "Part", "Reasons"], rows) if rows else "<p>None.</p>"}
<h2>Left out ({len(left_out)})</h2>
{_table(["Subject", "Reason"], sorted(left_out.items())) if left_out else "<p>None.</p>"}
<h2>All subjects, flagged ones first</h2>
<div class="cards">
{cards}
</div></body></html>
"""


def _parts_table(entries: Sequence[Entry]) -> str:
    counts = Counter(entry.part for entry in entries)
    present = [*(part for part in PARTS if part in counts), *sorted(set(counts) - set(PARTS))]
    rows = [
        [part, str(counts[part]), str(counts[part] * (counts[part] - 1)) if part in ("train", "test") else "-"]
        for part in present
    ]
    return _table(["Part", "Subjects", "Ordered pairs"], rows, numbers_from=1)


def _summary_table(entries: Sequence[Entry]) -> str:
    rows = []
    for quantity, title in TITLES.items():
        known = [entry.values[quantity] for entry in entries if entry.values[quantity] is not None]
        statistics = (np.median(known), min(known), max(known)) if known else (None,) * 3
        rows.append([title[0].upper() + title[1:], str(len(known)), *map(_number, statistics)])
    return _table(["Quantity", "Subjects", "Median", "Lowest", "Highest"], rows, numbers_from=1)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None = None) -> str:
    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(cell(tag, column, text) for column, text in enumerate(cells)) + "</tr>"

    def cell(tag: str, column: int, text: str) -> str:
        look = ' class="number"' if numbers_from is not None and column >= numbers_from else ""
        return f"<{tag}{look}>{escape(text)}</{tag}>"

    body = "\n".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', header)}</thead><tbody>\n{body}\n</tbody></table>"


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
