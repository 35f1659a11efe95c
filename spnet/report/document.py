"""A result as a reader meets it, before any form: titles, tables, notes. Markdown, LaTeX and HTML are made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from spnet.errors import DataError, first_line
from spnet.files import write_text
from spnet.report.render import render

# What a column holds, and so how it is set and sorted.
TEXT, NUMBER, VERDICT = "text", "number", "verdict"
# How a mean compares with the paper's.
BETTER, WITHIN, WORSE = "better", "within", "worse"
AGAIN = "Delete this file and run again: it is then made anew"


@dataclass(frozen=True)
class Cell:
    """One place of a table.

    Attributes
    ----------
    text: what is read.
    best: it stands out, as the best of its column.
    value: what it is sorted by, if it is not the text.
    paper: the published value; ``-`` where the paper prints the column but not this.
    difference: ours less the paper's.
    spreads: the same in standard deviations of the paper's, above 0 where ours is better.
    """

    text: str = ""
    best: bool = False
    value: float | None = None
    paper: str = ""
    difference: str = ""
    spreads: float | None = None

    @property
    def state(self) -> str:
        """Better or worse than the paper's by more than its standard deviation, or within it; nothing without one."""
        if self.spreads is None:
            return ""
        return WITHIN if abs(self.spreads) <= 1 else BETTER if self.spreads > 0 else WORSE

    @property
    def paper_and_difference(self) -> str:
        """For a column of its own."""
        return f"{self.paper}, {self.difference}" if self.difference else self.paper


@dataclass(frozen=True)
class Column:
    """What the cells below it have in common.

    Attributes
    ----------
    group: the dataset, where a table has several.
    quantity: what is measured, such as Dice, whatever the structure.
    kind: `TEXT`, `NUMBER` or `VERDICT`.
    paper: the paper prints it.
    """

    title: str
    group: str = ""
    quantity: str = ""
    kind: str = NUMBER
    paper: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first of which names the row. A table without a title is its document's only one."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    notes: Sequence[str] = ()

    def groups(self) -> list[tuple[str, int]]:
        """Groups of columns in their order, and how many columns each has; the first column names the rows."""
        return [(group, len(list(columns))) for group, columns in groupby(each.group for each in self.columns[1:])]

    @property
    def several_groups(self) -> bool:
        """Whether the columns are of more than one dataset."""
        return any(column.group for column in self.columns)

    def flat(self) -> Iterator[Sequence[Cell]]:
        """Header and rows for forms whose cells hold one value: the paper's have columns of their own."""
        titles = (f"{column.group}: {column.title}" if column.group else column.title for column in self.columns)
        rows = [[Cell(title, paper="paper") for title in titles], *self.rows]
        for row in rows:
            line = []
            for cell, column in zip(row, self.columns, strict=True):
                line += [cell, Cell(cell.paper_and_difference)] if column.paper else [cell]
            yield line


@dataclass(frozen=True)
class Document:
    """A result: paragraphs and points above its tables, notes below."""

    title: str
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()


def plain_table(
    title: str, header: Mapping[str, str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()
) -> Table:
    """A table of texts; `header` says of every column's title which kind it is."""
    columns = [Column(name, kind=kind) for name, kind in header.items()]
    return Table(columns, [[Cell(text) for text in row] for row in rows], title, notes)


def write_document(document: Document, outputs: Mapping[str, str | Path]) -> None:
    """Write to outputs markdown, latex (a document of one table) and json, those that there are."""
    outputs = dict(outputs.items())  # those of a Snakemake job are a list whose entries have names
    if "json" in outputs:
        content = asdict(document, dict_factory=_without_defaults)
        write_text(outputs["json"], json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    for name, template in {"markdown": "document.md", "latex": "document.tex"}.items():
        if name in outputs:
            write_text(outputs[name], render(template, document=document))


def _without_defaults(items: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in items if value != "" and value is not None and value is not False}


def read_document(path: str | Path) -> Document:
    """What :func:`write_document` wrote to json.

    Raises
    ------
    DataError: it is missing or damaged.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        return Document(**found | {"tables": [_table(table) for table in found["tables"]]})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"this result cannot be read ({first_line(error)})", path=path, remedy=AGAIN) from error


def _table(found: Mapping[str, Any]) -> Table:
    columns = [Column(**column) for column in found["columns"]]
    return Table(**found | {"columns": columns, "rows": [[Cell(**cell) for cell in row] for row in found["rows"]]})
