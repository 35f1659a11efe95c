"""The first screen of a report: verdicts counted, what was measured against what the paper prints, what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asinh
from pathlib import Path
from typing import Any

from spnet.analysis.findings import NOT_TESTED, VERDICTS
from spnet.analysis.published import read_published
from spnet.config.lookups import shown_experiments
from spnet.report.document import VERDICT, Cell, Document
from spnet.report.sections import Section

# The picture's edges, in standard deviations of the paper's, and what its axis names.
_EDGE, _TICKS = 40.0, (-30, -10, -3, -1, 0, 1, 3, 10, 30)
# Points closer than this, in hundredths of the picture's width, are stacked, so many pixels apart, so high at most.
_CLOSE, _STEP, _HIGHEST = 1.1, 4.0, 12.0


@dataclass(frozen=True)
class Point:
    """A mean of a table: `across` the picture in percent, `up` from its row's middle in pixels."""

    label: str
    state: str
    across: float
    up: float


@dataclass(frozen=True)
class Strip:
    """A row of the picture: all means of a quantity in a table, and how many of each state there are."""

    table: str
    title: str
    quantity: str
    points: Sequence[Point]
    counts: Mapping[str, int]


def overview(
    config: Mapping[str, Any],
    tables: Mapping[str, Document],
    claims: Document | None,
    figures: Section | None,
    published: str | Path | None,
    missing: Sequence[str],
) -> dict[str, Any]:
    """What the template of the first screen shows; the main figure is the first boxplot of Dice."""
    found = strips(tables)
    verdicts = count_verdicts(claims)
    drawn = figures.data["figures"] if figures else {}
    return {
        "facts": _facts(config),
        "verdicts": verdicts,
        "strips": found,
        "counts": sum((Counter(strip.counts) for strip in found), Counter()),
        "axis": {tick: position(tick) for tick in _TICKS},
        "main_figure": next((name for name, figure in drawn.items() if figure["kind"] == "dice_boxplot"), None),
        "missing": [*missing, *_not_tested(verdicts), *_unmeasured(config, tables, published)],
    }


def _facts(config: Mapping[str, Any]) -> str:
    shown = shown_experiments(config)
    methods = {method for experiment in shown for method in experiment["methods"]}
    datasets = dict.fromkeys(experiment["dataset"] for experiment in shown)
    titles = ", ".join(config["datasets"][name]["title"] for name in datasets)
    seeds = len(config["seeds"])
    more = [name for name in methods if len(config["methods"][name].get("seeds") or ()) > seeds]
    besides = "".join(
        f" ({len(config['methods'][name]['seeds'])} of {config['methods'][name]['title']})" for name in sorted(more)
    )
    return (
        f"{len(methods)} method{'s' * (len(methods) != 1)} on {titles}; {seeds} training{'s' * (seeds != 1)} of each"
        f" network{besides}; scored on the {config['evaluate_on']} subjects."
    )


def count_verdicts(claims: Document | None) -> dict[str, int]:
    """How many claims have each verdict, the usual ones first."""
    found: Counter[str] = Counter()
    for table in claims.tables if claims else ():
        for column, *cells in zip(table.columns, *table.rows, strict=True):
            found.update(cell.text for cell in cells if column.kind == VERDICT)
    order = [*VERDICTS, *sorted(set(found) - set(VERDICTS))]
    return {verdict: found[verdict] for verdict in order if found[verdict]}


def strips(tables: Mapping[str, Document]) -> list[Strip]:
    """Every mean that has a counterpart in the paper, by table and quantity."""
    result = []
    for name, document in tables.items():
        means: dict[str, list[tuple[str, Cell]]] = {}
        for table in document.tables:
            for column, *cells in zip(table.columns, *table.rows, strict=True):
                place = f"{column.group}: {column.title}" if column.group else column.title
                means.setdefault(column.quantity, []).extend(
                    (f"{row[0].text}, {place}: {cell.text}, paper {cell.paper_and_difference}", cell)
                    for row, cell in zip(table.rows, cells, strict=True)
                    if cell.spreads is not None
                )
        result += [_strip(name, document.title, quantity, found) for quantity, found in means.items() if found]
    return result


def _strip(name: str, title: str, quantity: str, means: Sequence[tuple[str, Cell]]) -> Strip:
    points, stacked = [], Counter()
    for label, cell in sorted(means, key=lambda each: each[1].spreads):
        across = position(cell.spreads)
        # 0, then one above, one below, two above, ...
        place = stacked[round(across / _CLOSE)]
        stacked[round(across / _CLOSE)] += 1
        up = (1 if place % 2 else -1) * (place + 1) // 2 * _STEP
        points.append(Point(label, cell.state, across, max(-_HIGHEST, min(_HIGHEST, up))))
    return Strip(name, title, quantity, points, Counter(point.state for point in points))


def position(spreads: float) -> float:
    """Where a difference stands, in percent of the width: close ones far apart, far ones close together."""
    return 50 + 50 * max(-1.0, min(1.0, asinh(spreads) / asinh(_EDGE)))


def _not_tested(verdicts: Mapping[str, int]) -> list[str]:
    count = verdicts.get(NOT_TESTED, 0)
    return [f"{count} of {sum(verdicts.values())} claims are not tested: the run lacks what they are about."] * bool(
        count
    )


def _unmeasured(config: Mapping[str, Any], tables: Mapping[str, Document], published: str | Path | None) -> list[str]:
    """Of the paper's tables that the run has, how many printed means it measured; and which tables it has not."""
    if published is None:
        return []
    printed = read_published(published).groupby("table").size().to_dict()
    there = {
        name: sum(
            cell.value is not None and cell.paper not in ("", "-")
            for table in document.tables
            for row in table.rows
            for cell in row
        )
        for name, document in tables.items()
        if document.tables
    }
    shared = [name for name in there if name in printed]
    if not shared:
        return []
    if not any(there[name] for name in shared):
        return ["Nothing that this run measured has a counterpart among the paper's numbers."]
    few = [
        f"{tables[name].title.partition(':')[0]}: {there[name]} of the paper's {printed[name]} means were measured."
        for name in shared
        if there[name] < printed[name]
    ]
    absent = [name for name in printed if name not in tables]
    return few + [f"Not in this run, of the paper's tables: {', '.join(absent)}."] * bool(absent)
