"""Tables as the paper lays them out, the published value beside every measured one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from spnet.analysis.collapsed import COLUMN as COLLAPSED
from spnet.analysis.collapsed import Collapses, marked
from spnet.analysis.summarise import CELL
from spnet.config.lookups import UNTRAINED
from spnet.errors import DataError
from spnet.metrics import METRICS

RECREATED = "re-created from the description"

_GAP = {"mean": float("nan"), "std": float("nan"), "low": float("nan"), "high": float("nan"), "pairs": 0}


@dataclass(frozen=True)
class Row:
    """A method as a table shows it.

    Attributes
    ----------
    method: its key in the metrics.
    title: what the reader sees.
    published_as: key of the paper's row in published.tsv, if the paper has one.
    recreated: no code and no text of the method's authors was reachable.
    trained_on: of the experiments that the row shows; None: of all of them.
    control: it registers nothing, and so is best at nothing.
    """

    method: str
    title: str
    published_as: str | None
    recreated: bool = False
    trained_on: str | None = None
    control: bool = False

    @property
    def label(self) -> str:
        """The title, and what a reader of a table must see at once."""
        return f"{self.title}, {RECREATED}" if self.recreated else self.title


@dataclass(frozen=True)
class Source:
    """An experiment as a column shows it: the dataset trained on, and of each of its methods the dataset that the
    weights come from (or ``none``).
    """

    trained_on: str
    weights_from: Mapping[str, str]


@dataclass(frozen=True)
class Column:
    """One quantity on one dataset, of the experiments that are tested there."""

    dataset: str
    metric: str
    structure: str
    sources: tuple[Source, ...]

    @property
    def title(self) -> str:
        """What the reader sees above it."""
        return METRICS[self.metric].heading(self.structure)

    def source_of(self, row: Row) -> Source | None:
        """The first experiment that has the row's method, trained on what the row says."""
        having = (source for source in self.sources if row.method in source.weights_from)
        return next((source for source in having if row.trained_on in (None, source.trained_on)), None)


def build_table(
    summary: pd.DataFrame,
    published: pd.DataFrame,
    name: str,
    rows: Sequence[Row],
    columns: Sequence[Column],
    collapsed: Collapses | None = None,
    gaps: bool = False,
) -> pd.DataFrame:
    """Measured and published values of table `name`, one cell a row.

    A method that is not part of a column's experiments has no cell there, and none where no pair has a value. Column
    ``best`` marks the best of every column as printed, affine only left out; ``row`` counts the table's rows. A cell
    of a training that `collapsed` says how in the column of that name; it is never best, has no difference to the
    paper, and its row's title has a mark.

    Parameters
    ----------
    gaps: a cell of a method that was not scored has no mean and 0 pairs; else it is an error.

    Raises
    ------
    DataError: a cell was not measured.
    """
    measured = summary.set_index(CELL)
    printed = published[published["table"] == name].drop_duplicates(CELL).set_index(CELL)
    cells = [
        {"row": position, "control": row.control, **cell}
        for position, row in enumerate(rows)
        for column in columns
        if (source := column.source_of(row)) is not None
        if (cell := _cell(measured, printed, row, column, source, gaps)) is not None
    ]
    for cell in cells:
        how = cell[COLLAPSED] = (collapsed or {}).get((cell["trained_on"], cell["method"]), "")
        cell["difference"] = None if how else cell["difference"]
    if not cells:
        raise DataError(f"nothing that {name} shows was measured", remedy="Set it to null, or look at the labels")
    table = _mark_best(pd.DataFrame(cells)).drop(columns="control")
    affected = table["row"].isin(table["row"][table[COLLAPSED] != ""])
    table["title"] = [marked(title, mark) for title, mark in zip(table["title"], affected, strict=True)]
    return table


def _cell(
    measured: pd.DataFrame, printed: pd.DataFrame, row: Row, column: Column, source: Source, gaps: bool
) -> dict[str, str | float | None] | None:
    weights = source.weights_from[row.method]
    quantity = (column.metric, column.structure)
    wanted = (weights, column.dataset, row.method, *quantity)
    if wanted in measured.index:
        value = measured.loc[wanted]
    elif gaps and wanted[:3] not in measured.index:
        value = _GAP
    elif METRICS[column.metric].both_volumes:
        return None
    else:
        raise DataError(f"no score for {wanted}", remedy="Check the table's columns against the label set")
    paper = None
    # Weights of another dataset than the experiment's are no counterpart of a row in the paper.
    if weights in (UNTRAINED, source.trained_on):
        wanted = (source.trained_on, column.dataset, row.published_as, *quantity)
        paper = printed.loc[wanted] if wanted in printed.index else None
    return {
        "method": row.method,
        "title": row.label,
        "trained_on": weights,
        "dataset": column.dataset,
        "metric": column.metric,
        "structure": column.structure,
        "column": column.title,
        "mean": value["mean"],
        "std": value["std"],
        "low": value["low"],
        "high": value["high"],
        "pairs": int(value["pairs"]),
        "published_mean": None if paper is None else paper["mean"],
        "published_std": None if paper is None else paper["std"],
        "difference": None if paper is None else value["mean"] - paper["mean"],
    }


def _mark_best(table: pd.DataFrame) -> pd.DataFrame:
    """Add column ``best``."""
    table["best"] = False
    registering = table[~table["control"] & (table[COLLAPSED] == "")]
    for (_, metric, _), column in registering.groupby(["dataset", "metric", "structure"]):
        shown = column["mean"].round(METRICS[metric].digits)
        extreme = shown.max() if METRICS[metric].higher_is_better else shown.min()
        table.loc[shown.index[shown == extreme], "best"] = True
    return table
