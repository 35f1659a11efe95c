"""Tables of the paper's layout for reading, all forms of one frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.collapsed import COLUMN as COLLAPSED
from spnet.analysis.collapsed import marked
from spnet.analysis.collect import read_scores
from spnet.analysis.published import nothing_published, read_published
from spnet.analysis.study import Study, assemble_table
from spnet.files import atomic_path
from spnet.metrics import METRICS
from spnet.report.document import TEXT, Cell, Column, Document, Table, write_document
from spnet.report.flagged import flagged_subjects, listed

_COLUMN = ["dataset", "metric", "structure"]
_BEST = "Bold: the best of a column in the digits shown, affine only left out."
_NOT_YET, _NONE_LEFT = "not yet", "none left"
_WITHOUT = "Without the pairs that hold a flagged scan"
_PAPER = "paper: the published mean(std), and ours less theirs."


def write_table(
    name: str,
    specification: Mapping[str, Any],
    study: Study,
    metrics: str | Path | Sequence[str | Path],
    published: str | Path | None,
    outputs: Mapping[str, str | Path],
    preparation: Sequence[str | Path] = (),
) -> None:
    """Write table `name` (its entry in the study is `specification`) to outputs csv, markdown, latex, json.

    Parameters
    ----------
    published: the paper's numbers, if they are to stand beside.
    preparation: json of :func:`spnet.report.preparation.write_preparation`, named by the dataset.
    """
    scores = read_scores(metrics)
    paper = read_published(published) if published else nothing_published()
    frame, notes = assemble_table(name, specification, study, scores, paper)
    with atomic_path(outputs["csv"]) as temporary:
        frame.to_csv(temporary, index=False)
    document = table_document(frame, specification["title"], notes)
    flagged = flagged_subjects(preparation)
    write_document(add_flagged(document, name, specification, study, scores, flagged), outputs)


def add_flagged(
    document: Document,
    name: str,
    specification: Mapping[str, Any],
    study: Study,
    scores: pd.DataFrame,
    flagged: Mapping[str, Sequence[str]],
) -> Document:
    """The document of table `name`, with notes on pairs that hold a flagged scan and the table without those.

    Parameters
    ----------
    specification: the table's entry in the study.
    flagged: subjects by dataset.
    """
    scores = study.scores_of(scores, specification["experiments"])
    notes, parts = [], []
    for dataset, group in scores.groupby("dataset", sort=False):
        names = flagged.get(dataset, ())
        held = group["moving"].isin(names) | group["fixed"].isin(names)
        pairs, with_one = (len(each[["moving", "fixed"]].drop_duplicates()) for each in (group, group[held]))
        parts.append(group[~held])
        if with_one:
            shown = [subject for subject in names if subject in {*group["moving"], *group["fixed"]}]
            notes.append(
                f"{dataset}: {with_one} of {pairs} pairs hold a scan that the preparation flagged ({listed(shown)})."
            )
    rest = pd.concat(parts)
    if not notes:
        return document
    if rest.empty:
        return replace(document, notes=[*notes, "No pair is without one.", *document.notes])
    frame, _ = assemble_table(name, specification, study, rest, nothing_published(), gaps=True)
    (table,) = table_document(frame, _WITHOUT, []).tables
    rows = [[replace(cell, text=_NONE_LEFT) if cell.text == _NOT_YET else cell for cell in row] for row in table.rows]
    without = replace(table, title=_WITHOUT, rows=rows, notes=[_pair_counts(frame)])
    everything = replace(document.tables[0], title="All pairs")
    return replace(document, tables=[everything, without], notes=[*notes, *document.notes])


def table_document(frame: pd.DataFrame, title: str, notes: Sequence[str]) -> Document:
    """A frame of :func:`spnet.analysis.tables.build_table` for reading: mean(std) over pairs, and the paper's value and
    the difference where the paper has one.
    """
    titles = frame[[*_COLUMN, "column"]].drop_duplicates()
    several = titles["dataset"].nunique() > 1
    columns = [Column("Method", kind=TEXT), *(_column(each, frame, several) for each in titles.itertuples(index=False))]
    cells = frame.set_index(["row", *_COLUMN])
    rows = []
    for row, method in frame[["row", "title"]].drop_duplicates().itertuples(index=False):
        places = [(row, *place) for place in titles[_COLUMN].itertuples(index=False)]
        measured = [cells.loc[place] if place in cells.index else None for place in places]
        printed = [column.paper for column in columns[1:]]
        rows.append([Cell(method), *map(_cell, measured, titles["metric"], printed)])
    return Document(title, [Table(columns, rows)], [*notes, *_standing_notes(frame)])


def _column(place: Any, frame: pd.DataFrame, several: bool) -> Column:
    same = frame[(frame[_COLUMN] == list(place[:3])).all(axis=1)]
    return Column(
        place.column,
        place.dataset if several else "",
        METRICS[place.metric].full_title,
        paper=bool(same["published_mean"].notna().any()),
    )


def _cell(measured: pd.Series | None, metric: str, printed: bool) -> Cell:
    """`printed`: the paper has this column."""
    if measured is None:
        return Cell("-", paper="-" if printed else "")
    digits = METRICS[metric].digits
    text = marked(mean_std(measured["mean"], measured["std"], digits), measured[COLLAPSED])
    paper = mean_std(measured["published_mean"], measured["published_std"], digits) if printed else ""
    there = not pd.isna(measured["difference"])
    return Cell(
        text if measured["pairs"] else _NOT_YET,
        bool(measured["best"]),
        None if pd.isna(measured["mean"]) else float(measured["mean"]),
        paper,
        f"{measured['difference']:+.{digits}f}" if there else "",
        _spreads(measured, metric) if there else None,
    )


def _spreads(measured: pd.Series, metric: str) -> float:
    """How many of the paper's standard deviations ours is better."""
    about = METRICS[metric]
    better = measured["difference"] if about.higher_is_better else -measured["difference"]
    # No difference below the last printed digit counts, however small the spread that the paper prints beside it.
    return float(better / max(measured["published_std"], 10**-about.digits))


def mean_std(mean: float | None, std: float | None, digits: int) -> str:
    """As the paper prints them; a dash where there is none."""
    return "-" if pd.isna(mean) else f"{mean:.{digits}f}({std:.{digits}f})"


def _standing_notes(table: pd.DataFrame) -> list[str]:
    paper = [_PAPER] if table["published_mean"].notna().any() else []
    return [_pair_counts(table), _BEST, *paper]


def _pair_counts(table: pd.DataFrame) -> str:
    counts = table[table["pairs"] > 0].groupby("dataset", sort=False)["pairs"].agg(["min", "max"])
    ranges = {
        row.Index: f"{row.min}" if row.min == row.max else f"{row.min} to {row.max}" for row in counts.itertuples()
    }
    told = ", ".join(f"{count} on {dataset}" for dataset, count in ranges.items()) or "none yet"
    return f"mean(std) over ordered pairs: {told}."
