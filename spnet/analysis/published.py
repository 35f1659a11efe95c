"""The paper's own numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from spnet.errors import DataError

KEY = ["dataset", "method", "metric", "structure"]
COLUMNS = ["table", "trained_on", *KEY, "mean", "std"]


def read_published(path: str | Path) -> pd.DataFrame:
    """Read config/published.tsv: one printed number a row.

    Raises
    ------
    DataError: a column is missing, a number cannot be read, or one cell is there twice.
    """
    table = pd.read_csv(path, sep="\t", dtype={"table": str}, comment="#")
    if list(table.columns) != COLUMNS:
        raise DataError(f"columns must be {COLUMNS}, not {list(table.columns)}", path=path)
    if table[["mean", "std"]].isna().any().any():
        raise DataError("a mean or std is missing", path=path)
    double = table.duplicated(["table", "trained_on", *KEY])
    if double.any():
        raise DataError(f"a cell is there twice: {table[double].iloc[0].to_dict()}", path=path)
    return table
