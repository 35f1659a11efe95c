"""Reading back what a training left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from spnet.errors import DataError, first_line

AGAIN = "Delete the folder of this model and run again: it is then trained anew"


@dataclass(frozen=True)
class Training:
    """A training of the run: its folder is ``models/{dataset}/{method}/seed-{seed}``."""

    dataset: str
    method: str
    seed: str
    history: pd.DataFrame
    record: Mapping[str, Any]


def read_training(history: str | Path) -> Training:
    """A training from its history.csv and the run.yaml beside it.

    Raises
    ------
    DataError: one of the two is missing or damaged.
    """
    path = Path(history)
    try:
        steps = pd.read_csv(path, float_precision="round_trip")
    except (OSError, ValueError) as error:
        raise _damaged("history", path, error) from error
    if "loss" not in steps or steps.empty:
        raise DataError("the history has no losses", path=path, remedy=AGAIN)
    record_path = path.with_name("run.yaml")
    try:
        record = yaml.safe_load(record_path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _damaged("record", record_path, error) from error
    if not isinstance(record, dict):
        raise DataError("the record is damaged", path=record_path, remedy=AGAIN)
    dataset, method, seed = path.parts[-4:-1]
    return Training(dataset, method, seed.removeprefix("seed-"), steps, record)


def _damaged(what: str, path: Path, error: Exception) -> DataError:
    return DataError(f"this training's {what} cannot be read ({first_line(error)})", path=path, remedy=AGAIN)
