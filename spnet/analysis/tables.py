"""Tables as the paper lays them out, the published value beside every measured one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from spnet.configuration import UNTRAINED
from spnet.data.labels import DICE, DICE_MERGED
from spnet.errors import DataError

RECREATED = "re-created from the description"

METRIC_TITLES = {
    "jab": "Jab (%)",
    "jab_central": "Jab (%), central differences",
    "ice": "ICE",
    "ice_exact": "ICE, exact sampler",
}


@dataclass(frozen=True)
class Row:
    """A method as a table shows it.

    Attributes
    ----------
    method: its key in the metrics.
    title: what the reader sees.
    published_as: key of the paper's row in published.tsv, if the paper has one.
    recreated: no code and no text of the method's authors was reachable.
    """

    method: str
    title: str
    published_as: str | None
    recreated: bool = False

    @property
    def label(self) -> str:
        """The title, and what a reader of a table must see at once."""
        return f"{self.title}, {RECREATED}" if self.recreated else self.title


@dataclass(frozen=True)
class Column:
    """One quantity in one experiment.

    Attributes
    ----------
    trained_on, dataset: of the experiment.
    weights_from: the methods of the experiment, each with the dataset its weights come from (or ``none``).
    """

    trained_on: str
    dataset: str
    metric: str
    structure: str
    weights_from: Mapping[str, str] = field(hash=False)

    @property
    def title(self) -> str:
        """What the reader sees above it."""
        if self.metric == DICE_MERGED:
            return f"{self.structure}, labels merged"
        return self.structure if self.metric == DICE else METRIC_TITLES.get(self.metric, self.metric)


def build_table(
    summary: pd.DataFrame, published: pd.DataFrame, name: str, rows: Sequence[Row], columns: Sequence[Column]
) -> pd.DataFrame:
    """Measured and published values of table `name`, one cell a row.

    A method that is not part of a column's experiment has no cell there.

    Raises
    ------
    DataError: a cell was not measured.
    """
    key = ["trained_on", "dataset", "method", "metric", "structure"]
    measured = summary.set_index(key)
    printed = published[published["table"] == name].set_index(key)
    cells = []
    for row in rows:
        for column in columns:
            if row.method not in column.weights_from:
                continue
            quantity = (column.metric, column.structure)
            wanted = (column.weights_from[row.method], column.dataset, row.method, *quantity)
            if wanted not in measured.index:
                raise DataError(f"no score for {wanted}", remedy="Check the table's columns against the label set")
            value = measured.loc[wanted]
            paper = None
            # Weights of another dataset than the experiment's are no counterpart of a row in the paper.
            if column.weights_from[row.method] in (UNTRAINED, column.trained_on):
                wanted = (column.trained_on, column.dataset, row.published_as, *quantity)
                paper = printed.loc[wanted] if wanted in printed.index else None
            cells.append(
                {
                    "method": row.method,
                    "title": row.label,
                    "trained_on": column.trained_on,
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
            )
    return pd.DataFrame(cells)


def to_markdown(table: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """The table for reading: mean(std) over pairs, and the paper's value right of it where it has one."""
    header, body = _grid(table)
    lines = [f"# {title}", "", _pipe(header), _pipe(["---"] * len(header)), *(_pipe(row) for row in body), ""]
    lines += [f"- {note}" for note in [*notes, _pairs_note(table)]]
    return "\n".join(lines) + "\n"


def to_latex(table: pd.DataFrame, title: str, notes: Sequence[str]) -> str:
    """The same for a manuscript (package booktabs)."""
    header, body = _grid(table)
    lines = [
        "% requires \\usepackage{booktabs}",
        "\\begin{table}",
        f"  \\caption{{{_escape(' '.join([title + '.', *notes, _pairs_note(table)]))}}}",
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


def _grid(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Header and rows of text; a column that the paper prints is followed by the paper's."""
    key = ["trained_on", "dataset", "metric", "structure"]
    columns = table[[*key, "column"]].drop_duplicates()
    several = len(table[["trained_on", "dataset"]].drop_duplicates()) > 1
    cells = table.set_index(["method", *key])
    header, printed = ["Method"], []
    for column in columns.itertuples(index=False):
        same = table[(table[key] == list(column[:4])).all(axis=1)]
        printed.append(bool(same["published_mean"].notna().any()))
        header.append(f"{column.dataset}: {column.column}" if several else column.column)
        header += ["paper"] if printed[-1] else []
    body = []
    for method, title in table[["method", "title"]].drop_duplicates().itertuples(index=False):
        line = [title]
        for column, with_paper in zip(columns[key].itertuples(index=False), printed, strict=True):
            there = (method, *column) in cells.index
            cell = cells.loc[(method, *column)] if there else pd.Series(dtype=float)
            line.append(_mean_std(cell.get("mean"), cell.get("std")))
            line += [_mean_std(cell.get("published_mean"), cell.get("published_std"))] if with_paper else []
        body.append(line)
    return header, body


def _mean_std(mean: float | None, std: float | None) -> str:
    return "-" if pd.isna(mean) else f"{mean:.3f}({std:.3f})"


def _pairs_note(table: pd.DataFrame) -> str:
    counts = table.groupby("dataset", sort=False)["pairs"].agg(["min", "max"])
    ranges = {
        row.Index: f"{row.min}" if row.min == row.max else f"{row.min} to {row.max}" for row in counts.itertuples()
    }
    listed = ", ".join(f"{count} on {dataset}" for dataset, count in ranges.items())
    return f"mean(std) over ordered pairs: {listed}."


def _pipe(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    for character in "&%_#$":
        text = text.replace(character, f"\\{character}")
    return text
