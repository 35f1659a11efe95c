"""Whether the software is there, in the versions that the published results were made with."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from spnet import __version__
from spnet.doctor.findings import Finding
from spnet.provenance import dependency_versions, git_commit

_OLDEST_PYTHON = (3, 11, 4)
_REINSTALL = "make setup, or pip install --constraint constraints.txt --editable ."
_SHOWN = 6


def examine_installation(constraints: str | Path) -> Iterator[Finding]:
    """Python, this project, and every package that `constraints` pins."""
    ok = sys.version_info >= _OLDEST_PYTHON
    oldest = ".".join(map(str, _OLDEST_PYTHON))
    yield Finding(
        "PASS" if ok else "FAIL",
        "python",
        f"{platform.python_version()} at {sys.executable}",
        "" if ok else f"Install Python {oldest} or newer: make PYTHON=python3.11 setup",
    )
    yield Finding("PASS", "spnet", f"{__version__}, commit {git_commit()}")
    needed = dependency_versions()
    if not needed:
        yield Finding("WARN", "packages", "this project is not installed, so what it needs is not known", _REINSTALL)
    missing = [name for name, version in needed.items() if version == "not installed"]
    if missing:
        yield Finding("FAIL", "packages", f"not installed: {', '.join(missing)}", _REINSTALL)
    yield _compare(Path(constraints))


def _compare(constraints: Path) -> Finding:
    if not constraints.is_file():
        return Finding(
            "WARN", "versions", f"no {constraints.name} to compare with", "Run in a checkout, or name it: --constraints"
        )
    pinned = read_pins(constraints)
    installed = {_plain(package.name): package.version for package in distributions() if package.name}
    there = {name: version for name, version in pinned.items() if name in installed}
    # A build of torch for one kind of machine is told by a suffix: 2.13.0+cpu.
    differing = [
        f"{name} {installed[name]} (pinned {version})"
        for name, version in there.items()
        if installed[name].partition("+")[0] != version
    ]
    torch = f", torch {installed['torch']}" if "torch" in installed else ""
    if differing:
        listed = ", ".join(differing[:_SHOWN]) + (f" and {len(differing) - _SHOWN} more" if differing[_SHOWN:] else "")
        return Finding(
            "WARN",
            "versions",
            f"{len(differing)} of {len(there)} packages are not as {constraints.name} pins them: {listed}",
            f"{_REINSTALL}; results may differ in their last digits",
        )
    absent = f"; {len(pinned) - len(there)} pinned ones are not installed" if len(there) < len(pinned) else ""
    return Finding("PASS", "versions", f"all {len(there)} packages are as {constraints.name} pins them{torch}{absent}")


def read_pins(constraints: Path) -> dict[str, str]:
    """Version by package, its name in small letters with hyphens."""
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    return {_plain(name): version for name, version in pins}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
