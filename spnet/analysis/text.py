"""Tables as text: Markdown for reading, LaTeX for a manuscript."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from spnet.analysis.collapsed import COLUMN as COLLAPSED
from spnet.analysis.collapsed import MARK, marked
from spnet.metrics import METRICS

_COLUMN = ["dataset", "metric", "structure"]
_BEST = "Bold: the best of a column in the digits shown, affine only left out."
_NOT_YET = "not yet"
_PAPER = "paper: the published mean(std), and ours less theirs."


def to_markdown(table: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """A table of :func:`spnet.analysis.tables.build_table`: mean(std) over pairs, and right of it the paper's value and
    the difference where the paper has one.
    """
    header, body = _grid(table, lambda text: f"**{text}**")
    return markdown_page(title, header, body, [*notes, *_standing_notes(table)])


def markdown_page(
    title: str, header: Sequence[str], body: Sequence[Sequence[str]], notes: Sequence[str], level: int = 1
) -> str:
    """A heading, a table and a list of notes."""
    lines = [f"{'#' * level} {title}", "", _pipe(header), _pipe(["---"] * len(header)), *map(_pipe, body), ""]
    return "\n".join([*lines, *(f"- {note}" for note in notes)]) + "\n"


def to_latex(table: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """The same for a manuscript (package booktabs)."""
    header, body = _grid(table, lambda text: f"\\textbf{{{text}}}")
    caption = " ".join([f"{title}.", *notes, *_standing_notes(table)])
    lines = [
        "% requires \\usepackage{booktabs}",
        "\\begin{table}",
        f"  \\caption{{{_escape(caption)}}}",
        f"  \\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        "    \\toprule",
        f"    {' & '.join(map(_escape, header))} \\\\",
        "    \\midrule",
        *(f"    {' & '.join(map(_escape, row))} \\\\" for row in body),
        "    \\bottomrule",
        "  \\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _grid(table: pd.DataFrame, emphasise: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of text; a column that the paper prints is followed by the paper's."""
    columns = table[[*_COLUMN, "column"]].drop_duplicates()
    several = columns["dataset"].nunique() > 1
    cells = table.set_index(["row", *_COLUMN])
    header, printed = ["Method"], []
    for column in columns.itertuples(index=False):
        same = table[(table[_COLUMN] == list(column[:3])).all(axis=1)]
        printed.append(bool(same["published_mean"].notna().any()))
        header.append(f"{column.dataset}: {column.column}" if several else column.column)
        header += ["paper"] if printed[-1] else []
    body = []
    for row, title in table[["row", "title"]].drop_duplicates().itertuples(index=False):
        line = [title]
        for column, with_paper in zip(columns[_COLUMN].itertuples(index=False), printed, strict=True):
            there = (row, *column) in cells.index
            cell = cells.loc[(row, *column)] if there else pd.Series(dtype=object)
            digits = METRICS[column.metric].digits
            measured = marked(mean_std(cell.get("mean"), cell.get("std"), digits), cell.get(COLLAPSED))
            measured = _NOT_YET if there and cell["pairs"] == 0 else measured
            line.append(emphasise(measured) if cell.get("best") else measured)
            line += [_published(cell, digits)] if with_paper else []
        body.append(line)
    return header, body


def mean_std(mean: float | None, std: float | None, digits: int) -> str:
    """As the paper prints them; a dash where there is none."""
    return "-" if pd.isna(mean) else f"{mean:.{digits}f}({std:.{digits}f})"


def _published(cell: pd.Series, digits: int) -> str:
    printed = mean_std(cell.get("published_mean"), cell.get("published_std"), digits)
    return printed if pd.isna(cell.get("difference")) else f"{printed}, {cell['difference']:+.{digits}f}"


def _standing_notes(table: pd.DataFrame) -> list[str]:
    counts = table[table["pairs"] > 0].groupby("dataset", sort=False)["pairs"].agg(["min", "max"])
    ranges = {
        row.Index: f"{row.min}" if row.min == row.max else f"{row.min} to {row.max}" for row in counts.itertuples()
    }
    listed = ", ".join(f"{count} on {dataset}" for dataset, count in ranges.items()) or "none yet"
    paper = [_PAPER] if table["published_mean"].notna().any() else []
    return [f"mean(std) over ordered pairs: {listed}.", _BEST, *paper]


def _pipe(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _escape(text: str) -> str:
    for character in "&%_#$":
        text = text.replace(character, f"\\{character}")
    return text.replace(MARK, "\\dag{}")
