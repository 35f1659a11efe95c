"""Seconds and memory of runs inside one process."""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from spnet.evaluation import cost

# Does one piece of the work that is measured; takes the number of the round.
Run = Callable[[int], Any]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def time_interleaved(
    runs: Mapping[str, Run], rounds: int, after_round: Callable[[dict[str, Any]], None] | None = None
) -> dict[str, list[float]]:
    """Wall seconds of every run in every round; all run once before any runs again, so that load strikes all alike.

    `after_round` is given the results of a round, which are otherwise dropped at once.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        results = {}
        for name, run in runs.items():
            gc.collect()
            start = time.perf_counter()
            result = run(number)
            seconds[name].append(time.perf_counter() - start)
            if after_round:
                results[name] = result
            del result
        if after_round:
            after_round(results)
    return seconds


def measure_once(run: Run) -> tuple[float, float]:
    """Wall seconds of one run, and by how many MiB it raised the peak of this process's resident memory.

    Only Linux can reset the peak; elsewhere it must not have been higher before, as in a fresh process.
    """
    gc.collect()
    with suppress(OSError):
        _RESET.write_text("5")
    before = _resident("VmRSS")
    # The package measures its own registrations and resets the peak for it, which would hide all before.
    with patch.object(cost, "_RESET", Path(os.devnull)):
        start = time.perf_counter()
        result = run(0)
        seconds = time.perf_counter() - start
    del result
    return seconds, _resident("VmHWM") - before


def _resident(field: str) -> float:
    with suppress(OSError, StopIteration):
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
