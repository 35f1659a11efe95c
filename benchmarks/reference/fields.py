"""Warping and integration with the grid of coordinates built anew at every call."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# How grid_sample reads the coordinates, by the names of :mod:`spnet.fields`.
SAMPLERS = {"official": (False, "zeros"), "exact": (True, "border"), "exact_zeros": (True, "zeros")}


def warp(volume: Tensor, displacement: Tensor, sampler: str = "official", mode: str = "bilinear") -> Tensor:
    """``volume(x + u(x))`` (paper, Eq. 2); volume [B, C, D, H, W], displacement [B, 3, D, H, W] in voxels."""
    shape = displacement.shape[2:]
    axes = [torch.arange(size, dtype=displacement.dtype, device=displacement.device) for size in shape]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"))[None] + displacement
    normalised = [2 * (points[:, axis] / (size - 1) - 0.5) for axis, size in enumerate(shape)]
    align_corners, padding = SAMPLERS[sampler]
    grid = torch.stack(normalised[::-1], dim=-1)
    return F.grid_sample(volume, grid, mode=mode, padding_mode=padding, align_corners=align_corners)


def compose(outer: Tensor, inner: Tensor, sampler: str = "official") -> Tensor:
    """Displacement of going along `inner`, then along `outer`; both [B, 3, D, H, W] in voxels."""
    return inner + warp(outer, inner, sampler)


def integrate(velocity: Tensor, sampler: str = "official", steps: int = 7) -> Tensor:
    """Scaling and squaring (paper, Eq. 3), step by step: [B, 3, D, H, W] in voxels, velocity to displacement."""
    displacement = velocity / 2**steps
    for _ in range(steps):
        displacement = compose(displacement, displacement, sampler)
    return displacement
