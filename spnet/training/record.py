"""run.yaml: what exactly made a set of weights."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import yaml

from spnet.files import write_text

_PACKAGES = ("torch", "numpy", "nibabel", "antspyx", "snakemake")


def write_record(
    path: str | Path, definition: Mapping[str, Any], device: torch.device, outcome: Mapping[str, Any]
) -> None:
    """Write definition, outcome, versions, device and git commit of a training as YAML."""
    record = {
        "definition": _plain(definition),
        "outcome": dict(outcome),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or "cpu",
        "device_type": device.type,
        "threads": torch.get_num_threads(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }
    write_text(path, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))


def git_commit() -> str:
    """Commit of this checkout, with "-dirty" if files differ from it; "unknown" outside a checkout."""
    try:
        return _git("rev-parse", "HEAD") + ("-dirty" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
