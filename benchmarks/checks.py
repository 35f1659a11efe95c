"""What the figures should come to, and what follows from several of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from benchmarks.cases import CASES, OURS, OURS_BFLOAT16, OURS_RECOMPUTED, PLAIN, VM_DENSE, VM_OURS
from benchmarks.table import Check, Row

_BYTES = 4  # of a voxel in float32


@dataclass(frozen=True)
class Aim:
    """A figure of one row. At other sizes than `size` it is told without a judgement.

    Attributes
    ----------
    case: whose rows they are, or ``real``.
    ours, against: the forms of the row.
    """

    name: str
    case: str
    ours: str
    against: str
    figure: Callable[[Row], float]
    size: str = ""
    wanted: str = ""


def _ratio(row: Row) -> float:
    return row.ratio


def _memory_ratio(row: Row) -> float:
    return row.our_mb / row.their_mb


def _our_volumes(row: Row) -> float:
    return row.our_mb * 2**20 / (_BYTES * voxels(row.size))


def _their_volumes(row: Row) -> float:
    return row.their_mb * 2**20 / (_BYTES * voxels(row.size))


LARGE = "96x112x96"
AIMS = (
    Aim("LNCC, speed-up over the dense form", "lncc", OURS, PLAIN, _ratio, LARGE, ">= 100"),
    Aim("LNCC, speed-up over MONAI", "lncc", OURS, "MONAI", _ratio, LARGE, ">= 1"),
    Aim("LNCC, speed-up over FireANTs", "lncc", OURS, "FireANTs", _ratio, LARGE, ">= 1"),
    Aim("LNCC, extra memory in volumes", "lncc", OURS, PLAIN, _our_volumes, LARGE, "<= 15"),
    Aim("LNCC, extra memory of the dense form in volumes", "lncc", OURS, PLAIN, _their_volumes),
    Aim("SPnet training step, speed-up", "step", OURS, PLAIN, _ratio, LARGE, ">= 5"),
    Aim("SPnet training step, bfloat16, speed-up", "step", OURS_BFLOAT16, PLAIN, _ratio, LARGE, ">= 7.5"),
    Aim(
        "SPnet training step, memory over VM-2 with the dense LNCC",
        "step",
        OURS,
        VM_DENSE,
        _memory_ratio,
        LARGE,
        "<= 1",
    ),
    Aim("SPnet training step, memory over VM-2 with our LNCC", "step", OURS, VM_OURS, _memory_ratio),
    Aim(
        "SPnet training step, recomputed, memory over VM-2 with the dense LNCC",
        "step",
        OURS_RECOMPUTED,
        VM_DENSE,
        _memory_ratio,
        LARGE,
        "<= 1",
    ),
    Aim("SPnet training step, recomputed, speed-up", "step", OURS_RECOMPUTED, PLAIN, _ratio),
    Aim(
        "SPnet, evaluation of a real pair, bfloat16, speed-up",
        "real",
        OURS_BFLOAT16,
        PLAIN,
        _ratio,
        "160x192x160",
        ">= 3",
    ),
    Aim("SPnet, evaluation of a real pair, speed-up", "real", OURS, PLAIN, _ratio, "160x192x160", ">= 2"),
)
GRADIENT_ERROR = "<= 1e-05"


def check_aims(case: str, rows: Mapping[tuple[str, str], Row]) -> list[Check]:
    """Checks of the rows, by their forms, that a case came to at one size."""
    found = []
    for aim in AIMS:
        row = rows.get((aim.ours, aim.against))
        if aim.case == case and row:
            found.append(Check(aim.name, row.size, aim.figure(row), aim.wanted if row.size == aim.size else ""))
    return found


def check_differences(
    case: str, size: str, differences: Mapping[str, Mapping[str, float]], errors: Mapping[str, float]
) -> Iterator[Check]:
    """How far results of two forms are apart, and from exact ones."""
    for row in CASES[case].rows:
        for quantity, value in differences.get(f"{row.ours} | {row.against}", {}).items():
            bound = CASES[case].bound(row, quantity, tuple(map(int, size.split("x"))))
            wanted = "" if bound is None else f"<= {bound:.0e}"
            yield Check(f"{row.what}, against {row.against}: difference of {quantity}", size, value, wanted)
    for form, value in errors.items():
        wanted = GRADIENT_ERROR if form == OURS else ""
        yield Check(f"{CASES[case].rows[0].what}: largest gradient error of {form}", size, value, wanted)


def grow(rows: Sequence[Row]) -> tuple[list[Row], list[Check]]:
    """Rows of one piece of work at several sizes -> every size against proportion to its voxels from the smallest, and
    the exponents of seconds and memory, 1 being proportion.
    """
    ordered = sorted(rows, key=lambda row: voxels(row.size))
    smallest = ordered[0]
    grown = []
    for row in ordered[1:]:
        times = voxels(row.size) / voxels(smallest.size)
        seconds, memory = times * smallest.our_seconds, times * smallest.our_mb
        against = f"in proportion from {smallest.size}"
        grown.append(
            Row(
                f"growth of {row.what}",
                against,
                row.size,
                seconds / row.our_seconds,
                row.our_seconds,
                seconds,
                row.our_mb,
                memory,
            )
        )
    span = f"{smallest.size} to {ordered[-1].size}"
    what = f"growth of {smallest.what}, exponent of voxels"
    slopes = [
        Check(f"{what}: {name}", span, _exponent(ordered, figure))
        for name, figure in (
            ("seconds", lambda row: row.our_seconds),
            ("memory", lambda row: row.our_mb),
            ("seconds of the plain form", lambda row: row.their_seconds),
            ("memory of the plain form", lambda row: row.their_mb),
        )
    ]
    return grown, slopes


def voxels(size: str) -> int:
    """Number of voxels of a size as the table names it."""
    return math.prod(int(edge) for edge in size.split("x"))


def _exponent(rows: Sequence[Row], figure: Callable[[Row], float]) -> float:
    logarithms = [(math.log(voxels(row.size)), math.log(max(figure(row), 1e-9))) for row in rows]
    return linear_regression(*zip(*logarithms, strict=True)).slope
