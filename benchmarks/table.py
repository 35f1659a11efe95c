"""The results: rows of ratios, checks, and the machine they are of."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.inputs import Size
from benchmarks.peers import PEERS
from spnet.files import write_text
from spnet.provenance import git_commit, installed_version


@dataclass(frozen=True)
class Row:
    """One piece of work in two forms.

    Attributes
    ----------
    ratio: their seconds over ours, above 1 where we are faster.
    our_seconds, their_seconds: medians of rounds in which both took turns.
    our_mb, their_mb: MiB by which one run raises the peak of a fresh process's resident memory.
    """

    what: str
    against: str
    size: str
    ratio: float
    our_seconds: float
    their_seconds: float
    our_mb: float
    their_mb: float


@dataclass(frozen=True)
class Check:
    """One figure beside what it should be, if anything.

    Attributes
    ----------
    wanted: such as ``>= 100``; empty where the figure is only told.
    """

    what: str
    size: str
    found: float
    wanted: str = ""

    @property
    def holds(self) -> str:
        """``yes`` or ``no``, empty where nothing is wanted."""
        if not self.wanted:
            return ""
        sign, bound = self.wanted.split()
        return "yes" if (self.found >= float(bound) if sign == ">=" else self.found <= float(bound)) else "no"


ROW_COLUMNS = tuple(field.name for field in fields(Row))
CHECK_COLUMNS = ("what", "size", "found", "wanted", "holds")


def text_of(size: Size) -> str:
    """A size as the table names it, 96x112x96."""
    return "x".join(map(str, size))


def write_results(path: Path, rows: Sequence[Row], checks: Sequence[Check], machine: Sequence[str]) -> None:
    """Write rows to `path` and checks beside it (name and ``.checks``), tab-separated, with `machine` as comments."""
    head = [f"# {line}" for line in machine]
    write_text(path, "\n".join([*head, *_tab_separated(ROW_COLUMNS, map(_cells_of_row, rows))]) + "\n")
    lines = _tab_separated(CHECK_COLUMNS, map(_cells_of_check, checks))
    write_text(path.with_suffix(f".checks{path.suffix}"), "\n".join([*head, *lines]) + "\n")


def format_results(rows: Sequence[Row], checks: Sequence[Check], machine: Sequence[str]) -> str:
    """The same for a terminal."""
    parts = ["\n".join(machine), _aligned(ROW_COLUMNS, [_cells_of_row(row) for row in rows])]
    if checks:
        parts.append(_aligned(CHECK_COLUMNS, [_cells_of_check(check) for check in checks]))
    return "\n\n".join(parts)


def describe_machine(threads: int, rounds: int) -> list[str]:
    """What the figures hang on, one line each."""
    peers = ", ".join(f"{package} {installed_version(package) or 'not installed'}" for package in PEERS.values())
    return [
        f"machine: {processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB; {threads} threads",
        f"torch {installed_version('torch')}, Python {platform.python_version()}; {peers}",
        f"measured {datetime.now(UTC):%Y-%m-%d} at commit {git_commit()}; medians of {rounds} interleaved rounds;"
        " memory is the growth of a fresh process's peak, in MiB",
        "ratio = their_seconds / our_seconds; rows of growth are against proportion to voxels, or to pairs",
    ]


def processor() -> str:
    """The processor's name and its widest instructions."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line for line in lines if line.startswith("model name")).split(":")[1].strip()
        flags = next(line for line in lines if line.startswith("flags")).split()
        widest = next((flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags), "no AVX2")
        return f"{name} ({widest})"
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    with suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return float("nan")


def _cells_of_row(row: Row) -> list[str]:
    numbers = [row.our_seconds, row.their_seconds]
    memory = [f"{value:.0f}" for value in (row.our_mb, row.their_mb)]
    return [row.what, row.against, row.size, f"{row.ratio:.2f}", *(f"{value:.4g}" for value in numbers), *memory]


def _cells_of_check(check: Check) -> list[str]:
    return [check.what, check.size, f"{check.found:.3g}", check.wanted, check.holds]


def _tab_separated(columns: Iterable[str], rows: Iterable[list[str]]) -> list[str]:
    return ["\t".join(cells) for cells in (columns, *rows)]


def _aligned(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    table = [list(columns), *rows]
    widths = [max(len(row[index]) for row in table) for index in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
