"""Inverse consistency of two deformations."""

from __future__ import annotations

from torch import Tensor

from spnet.fields import Sampler, compose


def inverse_consistency_error(forward: Tensor, backward: Tensor, sampler: Sampler) -> float:
    """ICE: mean of ``|u_AB(x) + u_BA(x + u_AB(x))|`` over all voxels and components (paper, Eq. 13), in voxels.

    Parameters
    ----------
    forward, backward: displacements A to B and B to A, [B, 3, D, H, W] in voxels.
    sampler: of the composition; the paper's figures are those of ``official``, whatever the method.
    """
    return compose(backward, forward, sampler).abs().mean().item()
