"""The ways of doing a network's arithmetic that are compared on a device."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from spnet.methods.compute import Compute


@dataclass(frozen=True)
class Mode:
    """One way.

    Attributes
    ----------
    compute: the package's own switches.
    spnet_only: only SPnet has such a switch.
    """

    compute: Compute
    spnet_only: bool = False


MODES = {
    "float32": Mode(Compute(convolutions="float32")),
    "tf32": Mode(Compute(convolutions="tf32")),
    "bfloat16": Mode(Compute(convolutions="bfloat16")),
    "tf32, recomputed": Mode(Compute(convolutions="tf32", recompute=True), spnet_only=True),
    "bfloat16, recomputed": Mode(Compute(convolutions="bfloat16", recompute=True), spnet_only=True),
}


def has_bfloat16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 have kernels of their own on `device`; without, they are many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
