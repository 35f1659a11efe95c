"""What registering and training cost: seconds, memory, and the hours of a whole run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from spnet.analysis.collapsed import COLUMN as COLLAPSED
from spnet.analysis.collapsed import collapses
from spnet.analysis.trainings import read_training
from spnet.config.lookups import UNTRAINED
from spnet.device import choose_device
from spnet.errors import DataError, first_line
from spnet.training.record import AGAIN

COLUMNS = ["part", "trained_on", "dataset", "method", "quantity", "value", "unit", "device"]
CONVOLUTIONS = "convolutions"  # the precision of a network's, in its training
REGISTRATION, TRAINING, RUN = "registration", "training", "run"
_PLACE = ["trained_on", "dataset", "method"]


@dataclass(frozen=True)
class Sources:
    """Where the figures come from.

    Attributes
    ----------
    metrics: all scores.
    records: run.yaml of every training, history.csv beside it.
    benchmarks: folder of Snakemake's benchmark files, one per job that ended.
    network_rules: rules whose jobs compute with networks, and so on a GPU where there is one; the first trains them.
    device: of the configuration, for networks that were not trained here.
    """

    metrics: str | Path
    records: Sequence[str | Path]
    benchmarks: str | Path
    network_rules: Sequence[str]
    device: str


def measure_cost(sources: Sources) -> pd.DataFrame:
    """Tidy table with columns `COLUMNS`, and of each training how it collapsed and in which precision its convolutions
    were; a value that was not recorded is empty.

    Raises
    ------
    DataError: a record or benchmark cannot be read.
    """
    # Where cuda was asked for it was there, whatever machine this runs on.
    default = "cuda" if sources.device.startswith("cuda") else choose_device(sources.device).type
    trainings = pd.DataFrame([_training(Path(path)) for path in sources.records])
    trained = {} if trainings.empty else dict(zip(_pairs_of(trainings), trainings["device"], strict=True))
    # Where the study names a device, pairs are registered there, whatever device the training was on.
    devices = trained if sources.device == "auto" else {}
    scores = pd.read_parquet(sources.metrics)
    rows = [
        *_registration_rows(scores, devices, default),
        *_training_rows(trainings),
        *_run_rows(sources, trained, devices, default),
    ]
    table, collapsed = pd.DataFrame(rows, columns=COLUMNS), collapses(scores)
    precisions = {} if trainings.empty else trainings.groupby(["trained_on", "method"])["convolutions"].agg(_each_once)
    return table.assign(
        **{
            COLLAPSED: [collapsed.get(pair, "") for pair in _pairs_of(table)],
            CONVOLUTIONS: [precisions.get(pair, "") for pair in _pairs_of(table)],
        }
    )


def _each_once(words: Iterable[str]) -> str:
    return "/".join(sorted(set(words)))


def _pairs_of(table: pd.DataFrame) -> Iterable[tuple[str, str]]:
    return zip(table["trained_on"], table["method"], strict=True)


def _device_of(trained_on: str, method: str, devices: Mapping[tuple[str, str], str], default: str) -> str:
    """Untrained methods keep to the CPU; a network registers where it was trained."""
    return "cpu" if trained_on == UNTRAINED else devices.get((trained_on, method), default)


def _registration_rows(
    scores: pd.DataFrame, devices: Mapping[tuple[str, str], str], default: str
) -> Iterable[tuple[Any, ...]]:
    for (trained_on, dataset, method), own in scores.groupby(_PLACE, sort=False):
        place = (REGISTRATION, trained_on, dataset, method)
        device = _device_of(trained_on, method, devices, default)
        values = own.groupby("metric")["value"]
        if {"seconds", "peak_mb"} <= set(values.groups):
            yield (*place, "seconds_per_pair", values.get_group("seconds").mean(), "s", device)
            yield (*place, "registration_peak_mb", values.get_group("peak_mb").max(), "MiB", device)


def _training(path: Path) -> dict[str, Any]:
    training = read_training(path.with_name("history.csv"))
    try:
        seconds = training.history["seconds"]
        return {
            "trained_on": training.dataset,
            "method": training.method,
            "device": training.record["device_type"],
            "convolutions": training.record.get("definition", {}).get("convolutions", "-"),
            "steps": len(seconds),
            # The median, since the first step of a start also warms up.
            "seconds_per_step": seconds.median(),
            "hours": seconds.sum() / 3600,
            "training_peak_mb": training.record["outcome"].get("peak_mb"),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"this training's record or history lacks {error}", path=path, remedy=AGAIN) from error


def _training_rows(trainings: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    if trainings.empty:
        return
    units = {"steps": "", "seconds_per_step": "s", "hours": "h", "training_peak_mb": "MiB"}
    for (trained_on, method), seeds in trainings.groupby(["trained_on", "method"], sort=False):
        for quantity, unit in units.items():
            known = seeds[quantity].dropna().astype(float)
            value = known.max() if quantity == "training_peak_mb" else known.mean()
            yield (TRAINING, trained_on, "", method, quantity, value, unit, _each_once(seeds["device"]))


def _run_rows(
    sources: Sources,
    trained: Mapping[tuple[str, str], str],
    devices: Mapping[tuple[str, str], str],
    default: str,
) -> Iterable[tuple[Any, ...]]:
    paths = sorted(Path(sources.benchmarks).rglob("*.tsv"))
    training = next(iter(sources.network_rules), None)
    jobs = [_job(sources, path, trained if training in path.parts else devices, default) for path in paths]
    table = pd.DataFrame(jobs, columns=["rule", "device", "wall", "cpu"])
    for (rule, device), own in table.groupby(["rule", "device"]):
        place = (RUN, "", "", rule)
        yield (*place, "jobs", float(len(own)), "", device)
        yield (*place, "wall_hours", own["wall"].sum() / 3600, "h", device)
        yield (*place, "core_hours", own["cpu"].sum() / 3600, "core h", "cpu")
        if device == "cuda":
            yield (*place, "gpu_hours", own["wall"].sum() / 3600, "GPU h", device)


def _job(sources: Sources, path: Path, devices: Mapping[tuple[str, str], str], default: str) -> tuple[Any, ...]:
    """Rule, device, wall and processor seconds of a job."""
    parts = path.relative_to(sources.benchmarks).with_suffix("").parts
    rule, device = parts[0], "cpu"
    if rule in sources.network_rules and len(parts) > 2:
        device = _device_of(parts[1], parts[2], devices, default)
    try:
        measured = pd.read_csv(path, sep="\t", float_precision="round_trip")
        # Jobs too short to be sampled have no processor time: NA or a dash.
        cpu = pd.to_numeric(measured["cpu_time"], errors="coerce").fillna(0).sum()
        return rule, device, float(measured["s"].sum()), float(cpu)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"this benchmark cannot be read ({first_line(error)})",
            path=path,
            remedy="Delete it: its job is not counted",
        ) from error
