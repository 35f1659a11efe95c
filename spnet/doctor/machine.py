"""What there is to compute on and to write to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from spnet.doctor.findings import Finding

_GB = 1e9
# SPnet registers 160x192x160 voxels on the CPU in 3.7 GB (REPRODUCING.md); the system wants some as well.
_MEMORY_GB = 6
# Prepared scans and results of a run, by far not all of which are at the paper's size.
_DISK_GB, _NO_DISK_GB = 10, 1


def examine_device() -> Iterator[Finding]:
    """Every CUDA device, or that there is none."""
    # Late: memory and disk can be told without.
    import torch

    cores = os.cpu_count()
    if not torch.cuda.is_available():
        build = "" if torch.version.cuda else "; this torch is a build for the CPU"
        yield Finding(
            "WARN",
            "device",
            f"no CUDA device: networks compute on the CPU ({cores} cores){build}",
            "Nothing for the demo and for single pairs; trainings at the paper's size need a GPU, its driver, and torch"
            " built for it",
        )
        return
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        yield Finding(
            "PASS",
            "device",
            f"cuda:{index} {torch.cuda.get_device_name(index)}, {total / _GB:.1f} GB ({free / _GB:.1f} free), CUDA"
            f" {torch.version.cuda}; {cores} CPU cores",
        )


def examine_memory() -> Iterator[Finding]:
    """Memory of the machine, where the system tells it."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _GB
    except (AttributeError, OSError, ValueError):
        return
    enough = total >= _MEMORY_GB
    remedy = f"At 160x192x160, SPnet needs 3.7 GB: a machine with {_MEMORY_GB} GB or more, or smaller volumes"
    yield Finding("PASS" if enough else "WARN", "memory", f"{total:.1f} GB", "" if enough else remedy)


def examine_disk(folder: str | Path) -> Finding:
    """Free space where results go; `folder` need not exist yet."""
    path = Path(folder).absolute()
    there = next(place for place in (path, *path.parents) if place.exists())
    free = shutil.disk_usage(there).free / _GB
    level = "PASS" if free >= _DISK_GB else "WARN" if free >= _NO_DISK_GB else "FAIL"
    remedy = "" if level == "PASS" else "Free some, or run where there is more: results/ may be a link to a larger disk"
    return Finding(level, "disk", f"{free:.1f} GB free at {there}", remedy)
