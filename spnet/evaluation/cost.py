"""Seconds and peak memory of a piece of work."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclass
class Cost:
    """Filled in when the measured block ends: wall seconds, and peak memory in MiB (of the GPU where the work ran
    there, else of the process).
    """

    seconds: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def measure(device: torch.device) -> Iterator[Cost]:
    """Measure the block; on CUDA the clock stops when the device has finished."""
    cost = Cost()
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):  # only Linux can reset the peak; elsewhere it is the peak since the start
            _RESET.write_text("5")
    start = time.perf_counter()
    yield cost
    if on_gpu:
        torch.cuda.synchronize(device)
    cost.seconds = time.perf_counter() - start
    cost.peak_mb = torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else resident_mb("VmHWM")


def resident_mb(field: str) -> float:
    """Memory of this process in MiB: now (``VmRSS``) or at its peak (``VmHWM``); outside Linux always the peak."""
    with suppress(OSError, StopIteration):
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
