"""Which published weights and raw scans are at hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spnet.config.files import find_config
from spnet.config.load import load_catalogue
from spnet.data.layouts import find_subjects
from spnet.data.layouts.source import find_archives
from spnet.doctor.findings import Finding
from spnet.errors import ConfigError, DataError, WeightsError
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


def examine_data(config: str | Path | None, data_root: str | Path) -> Iterator[Finding]:
    """Every dataset of datasets.yaml, looked for under `data_root`.

    Parameters
    ----------
    config: the folder of datasets.yaml; unless given, ./config or that of this checkout.

    Raises
    ------
    ConfigError: datasets.yaml cannot be used.
    """
    try:
        folder = find_config(config)
    except ConfigError as error:
        yield Finding("WARN", "data", f"{error.problem}, so it is not known which scans are wanted", error.remedy or "")
        return
    for name, entry in load_catalogue(folder)["datasets"].items():
        yield _examine_dataset(name, entry, Path(data_root) / name)


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
