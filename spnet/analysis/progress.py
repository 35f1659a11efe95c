"""How far a run is, from the files that it has left so far and the seconds that it measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import prod
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from spnet.analysis.trainings import read_training
from spnet.config.lookups import seeds_of, settings
from spnet.evaluation.chunk import JOURNAL
from spnet.planning import all_scores, pairs_per_job, training_order
from spnet.training import TrainingOptions, checkpoint

_RECENT = 200  # steps that tell how fast a training is now
_FILES = ("weights.pt", "history.csv", "run.yaml")


@dataclass(frozen=True)
class Work:
    """A training, or a method's evaluation on a dataset, and how much of it is done.

    Attributes
    ----------
    trained_on, method, seed: of the network; seed is empty for an evaluation, which is of all.
    dataset: on which it is evaluated; empty for a training.
    done, total: steps of a training, unordered pairs of an evaluation (of all seeds); no total if not yet known.
    finished: its results are all there.
    seconds: that a step or pair took here, if any was measured.
    saved: when the last of an unfinished training was saved.
    """

    trained_on: str
    method: str
    seed: str
    dataset: str
    done: int
    total: int | None
    finished: bool
    seconds: float | None = None
    saved: datetime | None = None

    @property
    def state(self) -> str:
        """In a word or two."""
        return "done" if self.finished else "under way" if self.done else "not begun"

    @property
    def hours_left(self) -> float | None:
        """By its seconds; None if they, or the total, are not known."""
        if self.finished:
            return 0.0
        return None if self.seconds is None or self.total is None else (self.total - self.done) * self.seconds / 3600


@dataclass(frozen=True)
class Progress:
    """All that a run trains and evaluates, in the order in which it does."""

    trainings: Sequence[Work]
    evaluations: Sequence[Work]


def find_progress(run: Path, config: Mapping[str, Any]) -> Progress:
    """The state of the run in this folder.

    Seconds that were not measured are taken from the same method on another dataset, by the number of voxels.
    """
    trainings = [
        _training(run, config, dataset, method, str(seed))
        for dataset, method in training_order(config)
        for seed in seeds_of(config, method)
    ]
    evaluations = [_evaluation(run, config, *score) for score in all_scores(config)]
    voxels = {name: prod(entry["prepare"]["shape"]) for name, entry in config["datasets"].items()}
    return Progress(
        _with_seconds(trainings, voxels, lambda work: work.trained_on),
        _with_seconds(evaluations, voxels, lambda work: work.dataset),
    )


def training_folder(run: Path, work: Work) -> Path:
    """Where a training leaves its results and its last checkpoint."""
    return run / "models" / work.trained_on / work.method / f"seed-{work.seed}"


def _training(run: Path, config: Mapping[str, Any], dataset: str, method: str, seed: str) -> Work:
    steps = TrainingOptions(**settings(config["methods"][method], "training", dataset)).steps
    work = Work(dataset, method, seed, "", 0, steps, finished=False)
    folder = training_folder(run, work)
    finished = all((folder / name).exists() for name in _FILES)
    if finished:
        history = read_training(folder / "history.csv").history.to_dict("records")
    else:
        history = _saved_history(folder / checkpoint.NAME)
    recent = [float(row["seconds"]) for row in history[-_RECENT:] if "seconds" in row]
    seconds = float(pd.Series(recent).median()) if recent else None
    saved = None if finished or not history else datetime.fromtimestamp((folder / checkpoint.NAME).stat().st_mtime)
    return replace(work, done=len(history), finished=finished, seconds=seconds, saved=saved)


def _saved_history(path: Path) -> list[dict[str, Any]]:
    """That of the last checkpoint; nothing if there is none, or one that the training itself will not use."""
    try:
        return checkpoint.read(path)["progress"]["history"] if path.exists() else []
    except Exception:  # as in checkpoint.load
        return []


def _evaluation(run: Path, config: Mapping[str, Any], trained_on: str, dataset: str, method: str) -> Work:
    entry = config["methods"][method]
    seeds = seeds_of(config, method)
    per_job, pairs = pairs_per_job(entry, config["pairs_per_chunk"]), _count_lines(run / "pairs" / f"{dataset}.tsv")
    finished = (run / "metrics" / trained_on / dataset / f"{method}.parquet").exists()
    pairs = max(0, pairs - 1)  # the header
    jobs = [
        _job(run, f"{trained_on}/{method}/seed-{seed}/{dataset}/chunk-{first // per_job}", min(per_job, pairs - first))
        for seed in seeds
        for first in range(0, pairs, per_job)
    ]
    timed = [(pairs_done, wall) for pairs_done, wall in jobs if wall is not None]
    seconds = sum(wall for _, wall in timed) / sum(pairs_done for pairs_done, _ in timed) if timed else None
    total = pairs * len(seeds) or None
    return Work(trained_on, method, "", dataset, sum(pairs_done for pairs_done, _ in jobs), total, finished, seconds)


def _job(run: Path, name: str, pairs: int) -> tuple[int, float | None]:
    """How many of an evaluation job's pairs are scored, and the seconds that it took if it has ended."""
    table = run / "evaluation" / f"{name}.csv"
    if not table.exists():
        return _count_lines(table.with_suffix(JOURNAL)), None
    return pairs, _wall_seconds(run / "benchmarks" / "evaluate_chunk" / f"{name}.tsv")


def _count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wall_seconds(benchmark: Path) -> float | None:
    """Of a job, as Snakemake measured it; None where it did not, or cannot be read."""
    try:
        return float(pd.read_csv(benchmark, sep="\t")["s"].sum())
    except (OSError, ValueError, KeyError):
        return None


def _with_seconds(works: Sequence[Work], voxels: Mapping[str, int], dataset_of: Callable[[Work], str]) -> list[Work]:
    def estimate(work: Work) -> float | None:
        per_voxel = [
            other.seconds / voxels[dataset_of(other)]
            for other in works
            if other.method == work.method and other.seconds is not None
        ]
        return fmean(per_voxel) * voxels[dataset_of(work)] if per_voxel else None

    return [work if work.seconds is not None else replace(work, seconds=estimate(work)) for work in works]


def hours_left(works: Iterable[Work]) -> tuple[float, int]:
    """Hours of what is not finished, by measured seconds; and how many of which nothing was measured."""
    left = [work.hours_left for work in works]
    return sum(hours for hours in left if hours is not None), left.count(None)
