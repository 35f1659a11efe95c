"""Scores of many jobs in one tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from spnet.analysis.collapsed import COLUMN as COLLAPSED
from spnet.errors import DataError
from spnet.files import atomic_path

KEY = ["trained_on", "dataset", "method", "seed", "moving", "fixed", "metric", "structure"]
_TEXT = [column for column in KEY if column != "seed"]


def collect(parts: Sequence[str | Path], output: str | Path) -> pd.DataFrame:
    """Join tables of scores, those of evaluation jobs (CSV) or joined ones (parquet), and write them as parquet.

    Raises
    ------
    DataError: a table lacks a column, a value is not finite, or a score is there twice.
    """
    scores = read_scores(parts)
    with atomic_path(output) as temporary:
        scores.to_parquet(temporary, index=False)
    return scores


def read_scores(parts: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """The scores of one table or of several, in one order whatever order the tables come in.

    Raises
    ------
    DataError: as :func:`collect`.
    """
    paths = [parts] if isinstance(parts, (str, Path)) else parts
    scores = pd.concat([_read(Path(path)) for path in paths], ignore_index=True)
    double = scores.duplicated(KEY)
    if double.any():
        raise DataError(
            f"{int(double.sum())} scores are there twice, first {scores[double].iloc[0][KEY].to_dict()}",
            remedy="Delete the run's evaluation folder and start again",
        )
    return scores.sort_values(KEY, ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":  # checked when it was written
        return pd.read_parquet(path)
    scores = pd.read_csv(
        path, dtype=dict.fromkeys([*_TEXT, COLLAPSED], str), keep_default_na=False, float_precision="round_trip"
    )
    absent = {*KEY, "value"} - set(scores.columns)
    if absent:
        raise DataError(f"columns are missing: {sorted(absent)}", path=path, remedy="Delete it and start again")
    if COLLAPSED not in scores:
        scores[COLLAPSED] = ""
    scores["value"] = pd.to_numeric(scores["value"], errors="coerce")
    bad = ~np.isfinite(scores["value"])
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} scores are not finite, first {scores[bad].iloc[0][KEY].to_dict()}",
            path=path,
            remedy="Look at this pair's scans, delete the file and start again",
        )
    return scores
