"""Choosing where to compute."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Literal, TypeVar

import torch
from torch import nn

from spnet.errors import ConfigError

Module = TypeVar("Module", bound=nn.Module)
Convolutions = Literal["float32", "tf32", "bfloat16"]
Precision = Literal["ieee", "tf32"]

_TF32_SINCE = 8  # major compute capability of Ampere

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


def prepare_process(convolutions: Convolutions = "float32", device: torch.device | None = None) -> None:
    """What a process that trains or registers does first; `convolutions` as :func:`resolve_convolutions` gave it.

    A `device` with a number becomes the one that kernels of our own are launched on.
    """
    if device is not None and device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    set_convolution_precision("ieee" if convolutions == "float32" else "tf32")
    keep_freed_memory()


def resolve_convolutions(wish: str, device: torch.device) -> Convolutions:
    """The precision of convolutions on `device`: ``auto`` is TF32 where there is such, else float32.

    TF32 is what torch itself takes for convolutions on CUDA since its version 1.7.

    Raises
    ------
    ConfigError: TF32 is asked of a device without it, or bfloat16 of the CPU: there it is slower than float32, and
        torch's gradients to the weights of small grids are now and then of memory that nobody has written (torch 2.13).
    """
    has_tf32 = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= _TF32_SINCE
    if wish == "auto":
        return "tf32" if has_tf32 else "float32"
    if wish == "tf32" and not has_tf32:
        where = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
        raise ConfigError(
            f"convolutions: tf32 is not possible on {where}, which has no TF32",
            remedy="Set compute: convolutions to auto or float32; TF32 needs a CUDA card of 2020 or later (Ampere)",
        )
    if wish == "bfloat16" and device.type == "cpu":
        raise ConfigError(
            "convolutions: bfloat16 is not possible on the CPU, where it is slower than float32 and not reliable",
            remedy="Set compute: convolutions to auto or float32",
        )
    return wish


def convolution_precision() -> Precision:
    """How CUDA multiplies the float32 numbers of a convolution in this process."""
    if hasattr(torch.backends.cudnn, "conv"):
        return "tf32" if torch.backends.cudnn.conv.fp32_precision == "tf32" else "ieee"
    return "tf32" if torch.backends.cudnn.allow_tf32 else "ieee"


def set_convolution_precision(precision: Precision) -> None:
    """Choose it, for convolutions alone: matrix products stay in float32.

    By torch's new switches where it has them (2.9); to touch an old one as well would be an error.
    """
    if hasattr(torch.backends.cudnn, "conv"):
        torch.backends.cudnn.conv.fp32_precision = precision
        torch.backends.cuda.matmul.fp32_precision = "ieee"
    else:
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = False


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next tensor, where it is one that can be told so (glibc).

    Otherwise large tensors come from the system every time, page by page: a sixth of a training step on the CPU.
    """
    with suppress(AttributeError, OSError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_M_MMAP_MAX, 0)
        set_option(_M_TRIM_THRESHOLD, -1)
