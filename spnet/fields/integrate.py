"""Exponential of a stationary velocity field."""

from __future__ import annotations

from torch import Tensor

from spnet.fields.warp import Sampler, check_field, from_normalised, sample, to_normalised


def integrate(velocity: Tensor, steps: int = 7, sampler: Sampler = "exact") -> Tensor:
    """Integrate a stationary velocity over unit time by scaling and squaring (paper, Eq. 3 and section 3.3.4).

    Parameters
    ----------
    velocity: [B, 3, D, H, W] in voxels per unit time.
    steps: number of squarings; the paper's T = 7.
    sampler: see :mod:`spnet.fields`.

    Returns
    -------
    The displacement exp(v) - id, [B, 3, D, H, W] in voxels.
    """
    check_field(velocity)
    # All squarings stay in grid_sample's own units: converting once instead of at every step halves the time.
    field = to_normalised(velocity) / 2**steps
    for _ in range(steps):
        field = field + sample(field, field, sampler)
    return from_normalised(field)
