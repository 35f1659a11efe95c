"""Reading back what a training left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.errors import DataError, first_line
from spnet.training.record import AGAIN, NAME, collapse_of, read_record


@dataclass(frozen=True)
class Training:
    """A training of the run: its folder is ``models/{dataset}/{method}/seed-{seed}``."""

    dataset: str
    method: str
    seed: str
    history: pd.DataFrame
    record: Mapping[str, Any]

    @property
    def collapsed(self) -> str:
        """How it collapsed; nothing if it did not."""
        return collapse_of(self.record)


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
        raise DataError(
            f"this training's history cannot be read ({first_line(error)})", path=path, remedy=AGAIN
        ) from error
    if "loss" not in steps or steps.empty:
        raise DataError("the history has no losses", path=path, remedy=AGAIN)
    record = read_record(path.with_name(NAME))
    dataset, method, seed = path.parts[-4:-1]
    return Training(dataset, method, seed.removeprefix("seed-"), steps, record)
