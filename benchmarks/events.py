"""Counting what a training step asks of torch: what small grids, and a card that waits for Python, pay for."""

from __future__ import annotations

from collections import Counter

import torch
from torch.profiler import ProfilerActivity, profile

from spnet.device import to_device
from spnet.methods import build_method
from spnet.training.step import Step

_WARM_UP = 2  # caches fill, Adam makes its state


def operator_events(implementation: str, shape: tuple[int, int, int]) -> Counter[str]:
    """How often a training step of that method on the CPU enters each of torch's operators.

    Operators that others call count too, as in the profiler's own table.
    """
    device = torch.device("cpu")
    method = to_device(build_method(implementation), device).train()
    step, images = Step(method, 1e-4, device), [torch.rand(1, 1, *shape) for _ in range(method.images_per_step)]
    for _ in range(_WARM_UP):
        step.run(images, 1e-4)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step.run(images, 1e-4)
    return Counter(event.name for event in profiler.events() if event.name.startswith("aten::"))


def main() -> None:
    """Print the events of a step of SPnet at 32x48x32, and the operators entered most often."""
    events = operator_events("spnet", (32, 48, 32))
    print(f"{sum(events.values())} events of torch's operators in a step of SPnet at 32x48x32")
    for name, count in events.most_common(20):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
