"""Counting what a training step asks of torch: what small grids, and a card that waits for Python, pay for."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from spnet.methods.base import Method

_WARM_UP = 2  # caches fill, Adam makes its state


def operator_events(method: Method, images: list[Tensor]) -> Counter[str]:
    """How often each of torch's operators is entered in one training step: loss, backward pass, norm, Adam.

    Operators that others call count too, as in the profiler's own table.
    """
    optimiser = torch.optim.Adam(method.parameters())
    for _ in range(_WARM_UP):
        _step(method, images, optimiser)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        _step(method, images, optimiser)
    return Counter(event.name for event in profiler.events() if event.name.startswith("aten::"))


def _step(method: Method, images: list[Tensor], optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad(set_to_none=True)
    sum(method.training_loss(images).values()).backward()
    torch.nn.utils.clip_grad_norm_(method.parameters(), float("inf"))
    optimiser.step()


def main() -> None:
    """Print the events of a step of SPnet at 32 x 48 x 32, and the operators entered most often."""
    from spnet.device import choose_device, to_device
    from spnet.methods import build_method

    device = choose_device("auto")
    method = to_device(build_method("spnet"), device).train()
    images = [torch.rand(1, 1, 32, 48, 32, generator=torch.Generator().manual_seed(i)).to(device) for i in range(2)]
    events = operator_events(method, images)
    print(f"{sum(events.values())} events of torch's operators in a step of SPnet at 32x48x32 on {device}")
    for name, count in events.most_common(25):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
