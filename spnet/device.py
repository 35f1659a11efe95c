"""Choosing where to compute."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import TypeVar

import torch
from torch import nn

from spnet.errors import ConfigError

Module = TypeVar("Module", bound=nn.Module)

# Of glibc's malloc.h: how many blocks may come from the system directly, and how much free memory goes back to it.
_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1


def choose_device(wish: str) -> torch.device:
    """``auto`` is CUDA where there is one; any other wish is taken at its word.

    Raises
    ------
    ConfigError: the wish is not a device, or is not there.
    """
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise ConfigError(f"'{wish}' is not a device", remedy="Set device to auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device '{wish}' is not supported", remedy="Set device to auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"device '{wish}' is not there: {torch.cuda.device_count()} CUDA devices are visible",
            remedy="Set device to auto or cpu",
        )
    return device


def to_device(network: Module, device: torch.device) -> Module:
    """Move a network to `device`, channels last: its 3-D convolutions run faster there, with the same results."""
    return network.to(device=device, memory_format=torch.channels_last_3d)


def prepare_process() -> None:
    """What a process that trains or registers does first."""
    use_exact_float32()
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next tensor, where it is one that can be told so (glibc).

    Otherwise large tensors come from the system every time, page by page: a sixth of a training step on the CPU.
    """
    with suppress(AttributeError, OSError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_M_MMAP_MAX, 0)
        set_option(_M_TRIM_THRESHOLD, -1)


def use_exact_float32() -> None:
    """Keep TF32 out of convolutions: it changes cross-correlations in the third digit."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
