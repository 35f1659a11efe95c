"""Step time, pair time and peak memory of one method on one device, in one precision."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from benchmarks.inputs import LABELS, Size, make_image, make_labels
from benchmarks.modes import MODES
from spnet.config.lookups import settings
from spnet.device import prepare_process, to_device
from spnet.errors import ConfigError, TrainingError
from spnet.evaluation.cost import measure
from spnet.evaluation.evaluate import Scoring, evaluate_pairs
from spnet.methods import build_method
from spnet.methods.base import Method, Stage
from spnet.training.step import Step, stream_of_its_own

# Measured ones, after some that warm up until the steps are recorded; SCCnet's cycle term enters every fourth step.
STEPS, PAIRS, WARM_UP = 8, 2, 16
_DATASET = "mindboggle101"


@dataclass(frozen=True)
class Figures:
    """What one method costs; None where it is not trained or was not measured.

    Attributes
    ----------
    mode: of :mod:`benchmarks.modes`.
    step_seconds: of one training step, the stages of a method weighted by their lengths; see `clock_of`.
    pair_seconds: of a pair both ways, with all metrics.
    step_mb, pair_mb: peak memory in MiB.
    left_out: why there are no figures.
    """

    method: str
    mode: str
    step_seconds: float | None = None
    pair_seconds: float | None = None
    step_mb: float | None = None
    pair_mb: float | None = None
    left_out: str = ""


def clock_of(device: torch.device) -> Callable[[], float]:
    """Wall time where a card computes; on the CPU the processor time of all threads, which other work beside hardly
    changes: with one thread it is what a quiet core would take.
    """
    return time.perf_counter if device.type == "cuda" else time.process_time


def measure_method(name: str, entry: Mapping[str, Any], mode: str, size: Size, device: torch.device) -> Figures:
    """Figures of a method as its entry in methods.yaml describes it, with random weights."""
    if entry["implementation"] == "syn":
        return Figures(name, mode, left_out="runs on the CPU")
    found = Figures(name, mode)
    try:
        torch.manual_seed(0)
        method = to_device(build_method(entry["implementation"], settings(entry, "options", _DATASET)), device)
        method.compute = MODES[mode].compute.on(device)
        prepare_process(method.compute.convolutions)
        if entry["kind"] == "trained":
            seconds, peak_mb = _measure_steps(method, settings(entry, "training", _DATASET), size, device)
            found = replace(found, step_seconds=seconds, step_mb=peak_mb)
        seconds, peak_mb = _measure_pair(method, size, device)
    except ConfigError as error:
        return replace(found, left_out=error.problem)
    except (torch.OutOfMemoryError, TrainingError):
        return replace(found, left_out="does not fit the memory")
    finally:
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return replace(found, pair_seconds=seconds, pair_mb=peak_mb)


def _measure_steps(
    method: Method, training: Mapping[str, Any], size: Size, device: torch.device
) -> tuple[float, float]:
    """Seconds of a step on average over a whole training, and the peak of memory in any stage."""
    images = [make_image(index, size) for index in range(method.images_per_step)]
    if device.type == "cuda":
        images = [image.pin_memory() for image in images]
    stages = method.stages(training["steps"], training["learning_rate"])
    method.train()
    seconds, peak = 0.0, 0.0
    with stream_of_its_own(device):
        for stage in stages:
            clock, step = clock_of(device), Step(method, stage.learning_rate, device)
            # From the middle of the stage, when all of it trains that ever will; until its steps are recorded.
            first = stage.steps // 2
            # The memory of a recorded step is what it took when it was not yet recorded.
            with measure(device) as cost:
                _run(step, method, stage, images, range(first, first + (WARM_UP if device.type == "cuda" else 1)))
                first += WARM_UP
                start = clock()
                _run(step, method, stage, images, range(first, first + STEPS))
                took = clock() - start
            seconds += took / STEPS * stage.steps / sum(each.steps for each in stages)
            peak = max(peak, cost.peak_mb)
            del step
    return seconds, peak


def _run(step: Step, method: Method, stage: Stage, images: list[Tensor], numbers: Iterable[int]) -> None:
    """Steps as the training takes them: what one measured is read when the next is under way."""
    pending = None
    for number in numbers:
        launched = step.run(images, stage.learning_rate, method.begin_step(stage, number))
        if pending is not None:
            pending.read()
        pending = launched
    pending.read()


def _measure_pair(method: Method, size: Size, device: torch.device) -> tuple[float, float]:
    read = make_reader(size, device)
    pair = pd.DataFrame({"first": ["0"], "second": ["1"]})
    method.eval().zero_grad(set_to_none=True)
    clock, times = clock_of(device), []
    for _ in range(1 + PAIRS):
        start = clock()
        scores = evaluate_pairs(method, pair, read, Scoring(LABELS))
        times.append(clock() - start)
    return median(times[1:]), scores.loc[scores["metric"] == "peak_mb", "value"].max()


def make_reader(size: Size, device: torch.device) -> Callable[[str], tuple[Tensor, Tensor]]:
    """A reader of two virtual subjects, 0 and 1, that lie on `device`."""
    subjects = {
        str(index): (
            make_image(index, size).to(device),
            make_labels(index, size)[None, None].float().to(device),
        )
        for index in range(2)
    }
    return subjects.__getitem__
