"""run.yaml: what exactly made a set of weights."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import yaml

from spnet.files import write_text
from spnet.provenance import git_commit, installed_version, plain

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
