"""run.yaml: what exactly made a set of weights."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import yaml

from spnet.errors import DataError, first_line
from spnet.files import write_text
from spnet.provenance import git_commit, installed_version, plain

NAME = "run.yaml"
AGAIN = "Delete the folder of this model and run again: it is then trained anew"

_PACKAGES = ("torch", "numpy", "nibabel", "antspyx", "snakemake")


def write_record(
    path: str | Path, definition: Mapping[str, Any], device: torch.device, outcome: Mapping[str, Any]
) -> None:
    """Write definition, outcome, versions, device and git commit of a training as YAML."""
    record = {
        "definition": plain(definition),
        "outcome": dict(outcome),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu",
        "device_type": device.type,
        "threads": torch.get_num_threads(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: installed_version(name) for name in _PACKAGES},
    }
    write_text(path, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))


def read_record(path: str | Path) -> dict[str, Any]:
    """What :func:`write_record` wrote.

    Raises
    ------
    DataError: it is missing or damaged.
    """
    try:
        record = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(
            f"this training's record cannot be read ({first_line(error)})", path=path, remedy=AGAIN
        ) from error
    if not isinstance(record, dict):
        raise DataError("the record is damaged", path=path, remedy=AGAIN)
    return record


def collapse_of(record: Mapping[str, Any]) -> str:
    """How the recorded training collapsed; nothing if it did not, or was recorded before this was looked for."""
    return (record.get("outcome") or {}).get("collapsed") or ""


def collapse_behind(weights: str | Path | None) -> str:
    """How the training of these weights collapsed; nothing for published weights, which have no record beside them."""
    path = None if weights is None else Path(weights).with_name(NAME)
    return collapse_of(read_record(path)) if path is not None and path.exists() else ""
