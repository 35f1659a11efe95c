"""Tables as the paper lays them out, the published value beside every measured one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from spnet.errors import DataError

METRIC_TITLES = {
    "dice": "Dice",
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
    trained_on: dataset its weights come from, or ``none``.
    """

    method: str
    title: str
    published_as: str | None
    trained_on: str


@dataclass(frozen=True)
class Column:
    """One quantity on one dataset."""

    dataset: str
    metric: str
    structure: str

    @property
    def title(self) -> str:
        """What the reader sees above it."""
        return self.structure if self.metric == "dice" else METRIC_TITLES.get(self.metric, self.metric)


def build_table(
    summary: pd.DataFrame, published: pd.DataFrame, number: str, rows: Sequence[Row], columns: Sequence[Column]
) -> pd.DataFrame:
    """Measured and published values of every cell of table `number`, one cell a row.

    Raises
    ------
    DataError: a cell was not measured.
    """
    measured = summary.set_index(["trained_on", "dataset", "method", "metric", "structure"])
    printed = published[published["table"] == number].set_index(["dataset", "method", "metric", "structure"])
    cells = []
    for row in rows:
        for column in columns:
            key = (row.trained_on, column.dataset, row.method, column.metric, column.structure)
            if key not in measured.index:
                raise DataError(f"no score for {key}", remedy="Delete the run's metrics.parquet and start again")
            value = measured.loc[key]
            key = (column.dataset, row.published_as, column.metric, column.structure)
            paper = printed.loc[key] if key in printed.index else None
            cells.append(
                {
                    "method": row.method,
                    "title": row.title,
                    "dataset": column.dataset,
                    "metric": column.metric,
                    "structure": column.structure,
                    "column": column.title,
                    "mean": value["mean"],
                    "std": value["std"],
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
    columns = list(table[["dataset", "metric", "structure", "column"]].drop_duplicates().itertuples(index=False))
    several = table["dataset"].nunique() > 1
    by_cell = {(cell["method"], cell["dataset"], cell["metric"], cell["structure"]): cell for cell in _records(table)}
    header, printed = ["Method"], []
    for column in columns:
        same = [cell for cell in by_cell.values() if _is_in(cell, column)]
        printed.append(any(not pd.isna(cell["published_mean"]) for cell in same))
        header.append(f"{column.dataset}: {column.column}" if several else column.column)
        header += ["paper"] if printed[-1] else []
    body = []
    for method, title in table[["method", "title"]].drop_duplicates().itertuples(index=False):
        line = [title]
        for column, with_paper in zip(columns, printed, strict=True):
            cell = by_cell[method, column.dataset, column.metric, column.structure]
            line.append(_mean_std(cell["mean"], cell["std"]))
            line += [_mean_std(cell["published_mean"], cell["published_std"])] if with_paper else []
        body.append(line)
    return header, body


def _records(table: pd.DataFrame) -> list[Mapping]:
    return table.to_dict("records")


def _is_in(cell: Mapping, column: tuple) -> bool:
    return (cell["dataset"], cell["metric"], cell["structure"]) == tuple(column)[:3]


def _mean_std(mean: float | None, std: float | None) -> str:
    return "-" if pd.isna(mean) else f"{mean:.3f}({std:.3f})"


def _pairs_note(table: pd.DataFrame) -> str:
    counts = table.groupby("dataset")["pairs"].max()
    listed = ", ".join(f"{count} on {dataset}" for dataset, count in counts.items())
    return f"mean(std) over ordered pairs: {listed}."


def _pipe(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    for character in "&%_#$":
        text = text.replace(character, f"\\{character}")
    return text
