"""Which published weights and raw scans are at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from spnet.config.lookups import fill_defaults
from spnet.data.layouts import find_subjects
from spnet.data.layouts.source import find_archives
from spnet.doctor.findings import Finding
from spnet.errors import ConfigError, DataError, WeightsError, first_line
from spnet.weights import PUBLISHED, locate_published


def examine_weights(weights_root: str | Path | None) -> Iterator[Finding]:
    """Every published file, by its checksum; nothing is downloaded."""
    for name in PUBLISHED:
        try:
            path = locate_published(name, weights_root)
        except WeightsError as error:
            yield Finding("FAIL", "weights", f"{name}: {error.path}: {error.problem}", error.remedy or "")
            continue
        if path is None:
            yield Finding("WARN", "weights", f"{name}: not on this machine", f"spnet weights {name} downloads them")
        else:
            yield Finding("PASS", "weights", f"{name}: {path}, SHA-256 as published")


def examine_data(datasets: str | Path, data_root: str | Path) -> Iterator[Finding]:
    """Every dataset of datasets.yaml, looked for under `data_root`.

    Raises
    ------
    ConfigError: datasets.yaml cannot be read.
    """
    if not Path(datasets).is_file():
        yield Finding(
            "WARN", "data", f"no {datasets} to tell which scans are wanted", "Run in a checkout, or name it: --config"
        )
        return
    for name, entry in _read_datasets(Path(datasets)).items():
        yield _examine_dataset(name, entry, Path(data_root) / name)


def _read_datasets(path: Path) -> dict[str, Any]:
    try:
        config = {"datasets": yaml.safe_load(path.read_text(encoding="utf-8"))["datasets"]}
        fill_defaults(config)
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(
            f"this is no datasets.yaml ({first_line(error)})",
            path=path,
            remedy="Run in a checkout, or name it: --config",
        ) from error
    return config["datasets"]


def _examine_dataset(name: str, entry: Mapping[str, Any], root: Path) -> Finding:
    pending = find_archives(root, entry, download=False).pending
    if pending:
        return Finding(
            "WARN",
            "data",
            f"{name}: {', '.join(pending)} in {root} not unpacked",
            "snakemake --cores 1 unpack, or any run",
        )
    try:
        found = find_subjects(root, {**entry, "complete": False})
    except DataError as error:
        return Finding("WARN", "data", f"{name}: {error.problem} ({root})", error.remedy or "")
    counts = Counter(subject.split for subject in found)
    told = f"{name}: {len(found)} of {_wanted(entry)} subjects ({_counted(counts)}) in {root}"
    if len(found) >= _wanted(entry):
        return Finding("PASS", "data", told)
    return Finding(
        "WARN",
        "data",
        told,
        f"Get the others from {entry['source']['page']}, or run on these: datasets: {{{name}: {{complete: false}}}}",
    )


def _wanted(entry: Mapping[str, Any]) -> int:
    """How many subjects the configuration uses."""
    if entry["split"]:
        return sum(entry["split"]["counts"].values())
    return sum(cohort["subjects"] for cohort in entry["cohorts"].values())


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {part}" for part, count in counts.items())
