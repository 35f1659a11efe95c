"""Registering a pair both ways with any method."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spnet.errors import RegistrationError
from spnet.evaluation.cost import Cost, measure
from spnet.methods.base import Method


@dataclass(frozen=True)
class BothWays:
    """Displacements [1, 3, D, H, W] of a pair, and what each of them cost.

    Where one pass gave both, each has half of its seconds and its whole peak of memory.
    """

    forward: Tensor
    backward: Tensor
    forward_cost: Cost
    backward_cost: Cost


@torch.no_grad()
def register_both_ways(method: Method, first: Tensor, second: Tensor) -> BothWays:
    """Register `first` to `second` and `second` to `first`, images [1, 1, D, H, W] on the method's device.

    A method with one direction only is run twice, inputs swapped.

    Raises
    ------
    RegistrationError: a field has values that are not finite.
    """
    with measure(first.device) as forward_cost:
        registration = method(first, second)
    forward, backward = registration.displacement, registration.inverse
    if backward is not None:
        forward_cost = backward_cost = Cost(forward_cost.seconds / 2, forward_cost.peak_mb)
    else:
        with measure(first.device) as backward_cost:
            backward = method(second, first).displacement
    for field in (forward, backward):
        if not torch.isfinite(field).all():
            raise RegistrationError(
                f"{type(method).__name__} gave a field with values that are not finite",
                remedy="The weights may come from a training that diverged: train again",
            )
    return BothWays(forward, backward, forward_cost, backward_cost)
