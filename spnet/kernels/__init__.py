"""Kernels of our own for CUDA, in Triton (which torch's CUDA builds bring along).

Each does what a plain form beside its caller does, up to rounding, and is used where it was measured to be faster. The
modules here import Triton, so whoever calls them asks :func:`usable` first.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from spnet.errors import first_line

log = logging.getLogger(__name__)

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


@cache
def _installed() -> bool:
    if os.environ.get(SWITCH) == "0" or not torch.cuda.is_available() or find_spec("triton") is None:
        return False
    try:
        from spnet.kernels.probe import try_out

        try_out()
    except Exception as error:  # of many kinds: no C compiler, a card or driver that Triton does not know
        log.warning(
            "our CUDA kernels do not run here (%s): slower plain forms take their place. Triton needs"
            " a C compiler and Python's headers; the environment variable %s=0 keeps to the plain forms without trying",
            first_line(error),
            SWITCH,
        )
        return False
    return True
