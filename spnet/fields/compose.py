"""Composition of deformations."""

from __future__ import annotations

from torch import Tensor

from spnet.fields.warp import Sampler, check_field, warp


def compose(outer: Tensor, inner: Tensor, sampler: Sampler = "exact") -> Tensor:
    """Displacement of ``phi_outer o phi_inner``: ``u(x) = inner(x) + outer(x + inner(x))``.

    Both fields are [B, 3, D, H, W] in voxels. Warping by the result equals warping by `outer` first and by `inner`
    second, up to interpolation.
    """
    check_field(outer)
    return inner + warp(outer, inner, sampler)
