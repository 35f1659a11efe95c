"""The paper's own numbers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from spnet.analysis.summarise import CELL
from spnet.errors import DataError

COLUMNS = ["table", "row", *CELL, "mean", "std", "note"]
_PRINTED = ["table", *CELL]


def nothing_published() -> pd.DataFrame:
    """For studies that are not to be held against the paper's numbers."""
    return pd.DataFrame(columns=COLUMNS)


def read_published(path: str | Path) -> pd.DataFrame:
    """Read published.tsv: one printed number a row.

    A table may print a method in several rows (Table 4 shows the full model three times), then with the same values.

    Raises
    ------
    DataError: a column is missing, a number cannot be read, one cell is there twice, or a method's rows differ.
    """
    table = pd.read_csv(path, sep="\t", dtype={"table": str, "note": str}, comment="#", float_precision="round_trip")
    if list(table.columns) != COLUMNS:
        raise DataError(f"columns must be {COLUMNS}, not {list(table.columns)}", path=path)
    if table[["mean", "std"]].isna().any().any():
        raise DataError("a mean or std is missing", path=path)
    double = table.duplicated(["row", *_PRINTED])
    if double.any():
        raise DataError(f"a cell is there twice: {table[double].iloc[0].to_dict()}", path=path)
    printed_once = table.drop_duplicates([*_PRINTED, "mean", "std"])
    differing = printed_once.duplicated(_PRINTED)
    if differing.any():
        raise DataError(
            f"rows of one method differ in one table: {printed_once[differing].iloc[0][_PRINTED].to_dict()}",
            path=path,
            remedy="Give the row that is another method a key of its own",
        )
    return table.fillna({"note": ""})
