"""Which software made a result, and settings as plain values that can be written down."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

_DISTRIBUTION = "spnet-reproduced"


def git_commit() -> str:
    """Commit of this checkout, with "-dirty" if files differ from it; "unknown" outside a checkout."""
    try:
        return _git("rev-parse", "HEAD") + ("-dirty" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def installed_version(package: str) -> str:
    """Version of an installed package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def dependency_versions() -> dict[str, str]:
    """Version of this project and of everything that it needs to run, by name; empty where it is not installed."""
    try:
        declared = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        return {}
    names = [re.match(r"[\w.-]+", line).group() for line in declared if "extra ==" not in line]
    return {name: installed_version(name) for name in [_DISTRIBUTION, *sorted(names)]}


def fingerprint(definition: Mapping[str, Any], files: Sequence[str | Path], code: Sequence[str]) -> str:
    """Hash of all that decides a result: its definition, its input files, and the parts of this package it runs."""
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True, default=str).encode())
    package = Path(__file__).parent
    sources = sorted(path for part in code for path in [*(package / part).rglob("*.py"), *package.glob(f"{part}.py")])
    for path in [*files, *sources]:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()


def plain(value: Any) -> Any:
    """The same value in dictionaries and lists alone, which YAML can write."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
