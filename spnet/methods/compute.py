"""How a method's arithmetic is done: what changes speed and memory, and results by rounding at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from spnet.together import pays_together

Result = TypeVar("Result")


@dataclass(frozen=True)
class Compute:
    """The `compute` entry of the configuration; defaults are what was measured best on the CPU.

    Attributes
    ----------
    convolutions: ``bfloat16`` runs a network's convolutions in that precision, its heads, fields and losses in float32.
    batch_directions: SPnet's ways there and back are one batch of two, not one after the other; ``auto`` decides at
        every level, by device and size.
    recompute: SPnet keeps neither activations nor squarings for the backward pass and does them again there: less
        memory, more time.
    """

    convolutions: Literal["float32", "bfloat16"] = "float32"
    batch_directions: Literal["auto", True, False] = "auto"
    recompute: bool = False

    def precision(self, device: torch.device) -> torch.autocast:
        """Context in which a network runs on `device`."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.convolutions == "bfloat16")

    def batches(self, volume: Tensor) -> bool:
        """Whether the two directions of a level are one batch, at one of whose maps [B, C, D, H, W] you are."""
        if self.batch_directions != "auto":
            return self.batch_directions
        return pays_together(volume.device, volume.shape[0] * volume.shape[2:].numel())

    def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """``function(*arguments)``, its activations recomputed in the backward pass where that is wanted.

        The function draws no random numbers. So the generator's state need not be kept for the second time, which
        cannot be done while a CUDA graph is captured.
        """
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)
        return function(*arguments)
