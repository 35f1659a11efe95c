"""The ways of doing a network's arithmetic that are compared on a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from spnet.methods.compute import Compute


@dataclass(frozen=True)
class Mode:
    """One way.

    Attributes
    ----------
    tf32: convolutions may round their inputs to TF32, which CUDA devices since Ampere have.
    compute: the package's own switches.
    spnet_only: only SPnet has such a switch.
    """

    tf32: bool = False
    compute: Compute = field(default_factory=Compute)
    spnet_only: bool = False


MODES = {
    "float32": Mode(),
    "tf32": Mode(tf32=True),
    "bfloat16": Mode(compute=Compute(convolutions="bfloat16")),
    "bfloat16, directions batched": Mode(
        compute=Compute(convolutions="bfloat16", batch_directions=True), spnet_only=True
    ),
    "bfloat16, recomputed": Mode(compute=Compute(convolutions="bfloat16", recompute=True), spnet_only=True),
}


@contextmanager
def use_tf32(allowed: bool) -> Iterator[None]:
    """Whether convolutions and matrix products may use TF32 within the block."""
    backends = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = allowed
    try:
        yield
    finally:
        for backend, value in zip(backends, before, strict=True):
            backend.allow_tf32 = value


def has_bfloat16(device: torch.device) -> bool:
    """Whether convolutions in bfloat16 have kernels of their own on `device`; without, they are many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
