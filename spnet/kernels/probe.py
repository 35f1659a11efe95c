"""Whether Triton can build and launch a kernel on this machine at all."""

from __future__ import annotations

import torch
import triton
import triton.language as tl


def try_out() -> None:
    """Launch a kernel that does next to nothing; whatever Triton raises where it cannot."""
    _write_one[(1,)](torch.empty(1, device="cuda"))
    torch.cuda.synchronize()


@triton.jit
def _write_one(place):
    tl.store(place, 1.0)
