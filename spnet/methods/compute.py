"""How a method's arithmetic is done: what changes speed and memory, and results by rounding at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from spnet.device import resolve_convolutions
from spnet.together import pays_together

Result = TypeVar("Result")


@dataclass(frozen=True)
class Compute:
    """The `compute` entry of the configuration; defaults are what was measured best on the CPU.

    Attributes
    ----------
    convolutions: precision of a network's convolutions, and of nothing else: ``float32``; ``tf32`` (CUDA alone: inputs
        rounded to 11 bits, sums in float32); ``bfloat16`` (heads as with ``tf32``); or ``auto``, which is TF32 where
        there is such, else float32.
    batch_directions: SPnet's forward and backward ways are one batch of two, not one after the other; ``auto`` decides
        at every level, by device and size.
    recompute: SPnet keeps neither activations nor squarings for the backward pass and does them again there: less
        memory, more time.
    """

    convolutions: Literal["auto", "float32", "tf32", "bfloat16"] = "auto"
    batch_directions: Literal["auto", True, False] = "auto"
    recompute: bool = False

    def on(self, device: torch.device) -> Compute:
        """The same with the precision that ``auto`` means on `device`.

        Raises
        ------
        ConfigError: `device` has not the precision that is asked for.
        """
        return replace(self, convolutions=resolve_convolutions(self.convolutions, device))

    def precision(self, device: torch.device) -> torch.autocast:
        """Context in which a network runs on `device`."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.convolutions == "bfloat16")

    def batches(self, volume: Tensor) -> bool:
        """Whether both directions, and both images, are one batch on the grid of a `volume` [..., D, H, W]."""
        return pays_together(volume) if self.batch_directions == "auto" else self.batch_directions

    def run(self, function: Callable[..., Result], *arguments: object) -> Result:
        """``function(*arguments)``, its activations recomputed in the backward pass where that is wanted.

        The function draws no random numbers. So the generator's state need not be kept for the second time, which
        cannot be done while a CUDA graph is captured.
        """
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(function, *arguments, use_reentrant=False, preserve_rng_state=False)
        return function(*arguments)
