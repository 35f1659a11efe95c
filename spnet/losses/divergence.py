"""Divergence of a Gaussian velocity field from a prior of smooth ones."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from spnet.losses.smoothness import gradient_smoothness


def smooth_prior_divergence(mean: Tensor, log_variance: Tensor, precision: float) -> Tensor:
    """KL divergence of N(mean, exp(log_variance)) from a prior with the grid's Laplacian as precision.

    As the authors' program of Dalca et al. (2018): up to a constant, divided by the number of voxels. With D the number
    of grid neighbours of a voxel: ``3/2 [ mean(precision D exp(s) - s) + precision / 2 * smoothness(mean) ]``.

    Parameters
    ----------
    mean, log_variance: [B, 3, D, H, W], voxels of their own grid.
    precision: weight of the prior (the papers' lambda).
    """
    neighbours = _count_neighbours(tuple(mean.shape[2:]), mean.device, mean.dtype)
    spread = (precision * neighbours * log_variance.exp() - log_variance).mean()
    return 1.5 * (spread + precision / 2 * gradient_smoothness(mean))


@cache  # without a bound, as the grids of spnet.fields.warp
def _count_neighbours(shape: tuple[int, int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """How many of its six neighbours every voxel has inside the volume."""
    with torch.inference_mode(False):  # an inference tensor in the cache would break a later training step
        count = torch.zeros(shape, device=device, dtype=dtype)
        for axis, size in enumerate(shape):
            count.narrow(axis, 1, size - 1).add_(1)
            count.narrow(axis, 0, size - 1).add_(1)
        return count
