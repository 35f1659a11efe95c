"""How a method's arithmetic is done: what changes speed and memory, and results by rounding at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch.utils.checkpoint import checkpoint

Result = TypeVar("Result")


@dataclass(frozen=True)
class Compute:
    """The `compute` entry of the configuration; defaults are what was measured best on the CPU.

    Attributes
    ----------
    convolutions: ``bfloat16`` runs a network's convolutions in that precision, its heads, fields and losses in float32.
    batch_directions: SPnet estimates there and back as one batch of two, not one after the other.
    recompute: SPnet keeps neither activations nor squarings for the backward pass and does them again there: less
        memory, more time.
    """

    convolutions: Literal["float32", "bfloat16"] = "float32"
    batch_directions: bool = False
    recompute: bool = False

    def precision(self, device: torch.device) -> torch.autocast:
        """Context in which a network runs on `device`."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.convolutions == "bfloat16")

    def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """``function(*arguments)``, its activations recomputed in the backward pass where that is wanted."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(function, *arguments, use_reentrant=False)
        return function(*arguments)
