"""Kernels of our own for CUDA, in Triton (which torch's CUDA builds bring along).

Each does what a plain form beside its caller does, up to rounding, and is used where it was measured to be faster. The
modules here import Triton, so whoever calls them asks :func:`usable` first.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec

import torch
from torch import Tensor

SWITCH = "SPNET_KERNELS"
_LARGEST = 2**31 - 1  # elements that 32-bit indices reach


def usable(*tensors: Tensor) -> bool:
    """Whether our kernels take these tensors: in float32 (or narrower) on a CUDA device, with Triton installed.

    The environment variable `SPNET_KERNELS` set to 0 keeps to the plain forms.
    """
    return _installed() and all(
        tensor.is_cuda and tensor.dtype in (torch.float32, torch.bfloat16) and tensor.numel() <= _LARGEST
        for tensor in tensors
    )


@lru_cache(maxsize=1)
def _installed() -> bool:
    return os.environ.get(SWITCH) != "0" and torch.cuda.is_available() and find_spec("triton") is not None
