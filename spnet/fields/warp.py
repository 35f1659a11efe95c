"""Pull-back warping of volumes by a displacement."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Sampler = Literal["exact", "exact_zeros", "official"]
Interpolation = Literal["linear", "nearest"]

_GRID_SAMPLE = {
    "exact": {"align_corners": True, "padding_mode": "border"},
    "exact_zeros": {"align_corners": True, "padding_mode": "zeros"},
    "official": {"align_corners": False, "padding_mode": "zeros"},
}
_MODES = {"linear": "bilinear", "nearest": "nearest"}


def warp(
    volume: Tensor,
    displacement: Tensor,
    sampler: Sampler = "exact",
    interpolation: Interpolation = "linear",
) -> Tensor:
    """Warp `volume` by `displacement`: ``warped(x) = volume(x + u(x))`` (paper, Eq. 2).

    Parameters
    ----------
    volume: [B, C, D, H, W], floating point.
    displacement: [B, 3, D, H, W] in voxels.
    sampler: see :mod:`spnet.fields`.
    interpolation: ``nearest`` for labels.

    Returns
    -------
    The warped volume, [B, C, D, H, W].
    """
    check_field(displacement)
    if volume.ndim != 5 or volume.shape[0] != displacement.shape[0] or volume.shape[2:] != displacement.shape[2:]:
        raise ValueError(
            f"volume {tuple(volume.shape)} and displacement {tuple(displacement.shape)} differ in batch or grid"
        )
    return sample(volume, to_normalised(displacement), sampler, interpolation)


def sample(volume: Tensor, normalised: Tensor, sampler: Sampler, interpolation: Interpolation = "linear") -> Tensor:
    """Warp by a displacement that is already in normalised units (see :func:`to_normalised`).

    The volume may have another grid than the displacement; both then span the same box, from first to last voxel.
    """
    grid = identity_grid(tuple(normalised.shape[2:]), normalised.device, normalised.dtype)
    return F.grid_sample(
        volume,
        grid + normalised.permute(0, 2, 3, 4, 1),
        mode=_MODES[interpolation],
        **_GRID_SAMPLE[sampler],
    )


def to_normalised(displacement: Tensor) -> Tensor:
    """Voxels, first axis first -> units of half the grid, last axis first, as ``grid_sample`` wants them."""
    return displacement.flip(1) * _scale(displacement)


def from_normalised(normalised: Tensor) -> Tensor:
    """Inverse of :func:`to_normalised`."""
    return (normalised / _scale(normalised)).flip(1)


def _scale(field: Tensor) -> Tensor:
    factors = [2.0 / max(size - 1, 1) for size in reversed(field.shape[2:])]
    return torch.tensor(factors, dtype=field.dtype, device=field.device).view(1, 3, 1, 1, 1)


@lru_cache(maxsize=16)
def identity_grid(shape: tuple[int, int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Normalised coordinates of every voxel, [1, D, H, W, 3], last axis first.

    Cached: rebuilding it costs as much as the sampling itself, and a network asks for the same few shapes again and
    again. All samplers share it, since they differ in how the coordinates are read, not in what they are.
    """
    # An inference tensor in the cache would break a later training step.
    with torch.inference_mode(False):
        axes = [torch.linspace(-1, 1, size, device=device, dtype=dtype) for size in shape]
        return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)[None]


def check_field(field: Tensor) -> None:
    """Raise a ValueError unless `field` is [B, 3, D, H, W]."""
    if field.ndim != 5 or field.shape[1] != 3:
        raise ValueError(f"a displacement or velocity is [B, 3, D, H, W], not {tuple(field.shape)}")
