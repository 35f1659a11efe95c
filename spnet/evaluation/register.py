"""Registering a pair both ways with any method."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spnet.errors import RegistrationError
from spnet.evaluation.cost import Cost, measure
from spnet.methods.base import Method, Prepared


@dataclass(frozen=True)
class Ready:
    """An image that a method has prepared, and what that cost."""

    prepared: Prepared
    cost: Cost


@dataclass(frozen=True)
class BothWays:
    """Displacements [1, 3, D, H, W] of a pair, and what each of them cost.

    Of the whole registration, the preparation of both images included, whether or not it served other pairs as well.
    Where one pass gave both (`one_pass`), each has half of the seconds and the whole peak of memory, unless the method
    depends on the order of the images: it is then run for each ordered pair.
    """

    forward: Tensor
    backward: Tensor
    forward_cost: Cost
    backward_cost: Cost
    one_pass: bool = False

    def swapped(self) -> BothWays:
        """The same with the second image first."""
        return BothWays(self.backward, self.forward, self.backward_cost, self.forward_cost, self.one_pass)


def register_both_ways(method: Method, first: Tensor, second: Tensor) -> BothWays:
    """Register `first` to `second` and `second` to `first`, images [1, 1, D, H, W] on the method's device.

    A method with one direction only is run twice, inputs swapped.

    Raises
    ------
    RegistrationError: a field has values that are not finite.
    """
    return register_ready(method, make_ready(method, first), make_ready(method, second))


@torch.no_grad()
def make_ready(method: Method, image: Tensor) -> Ready:
    """Have an image [1, 1, D, H, W] prepared by the method, for any number of pairs."""
    with measure(image.device) as cost:
        prepared = method.prepare(image)
    return Ready(prepared, cost)


@torch.no_grad()
def register_ready(method: Method, first: Ready, second: Ready) -> BothWays:
    """:func:`register_both_ways` of images made ready."""
    device = method.device
    with measure(device) as forward_match:
        registration = method.match(first.prepared, second.prepared)
    forward, backward = registration.forward, registration.backward
    costs = [_whole_cost(first, second, forward_match)]
    one_pass = backward is not None
    if not one_pass:
        with measure(device) as backward_match:
            backward = method.match(second.prepared, first.prepared).forward
        costs.append(_whole_cost(first, second, backward_match))
    else:
        share = 1 if method.order_dependent else 2
        costs = [Cost(costs[0].seconds / share, costs[0].peak_mb)] * 2
    for field in (forward, backward):
        if not torch.isfinite(field).all():
            raise RegistrationError(
                f"{type(method).__name__} gave a field with values that are not finite",
                remedy="The weights may come from a training that diverged: train again",
            )
    return BothWays(forward, backward, *costs, one_pass)


def _whole_cost(first: Ready, second: Ready, match: Cost) -> Cost:
    parts = (first.cost, second.cost, match)
    return Cost(sum(part.seconds for part in parts), max(part.peak_mb for part in parts))
