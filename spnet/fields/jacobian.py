"""Jacobian determinant of a deformation."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from spnet.fields.warp import check_field

Differences = Literal["forward", "central"]

_SLAB = 16  # planes at a time


def jacobian_determinant(displacement: Tensor, differences: Differences = "forward") -> Tensor:
    """Determinant of the Jacobian of ``phi = id + u`` (paper, Eq. 12).

    Where no gradient is asked for it is computed in slabs along the first axis, to the same bits: a determinant of a
    whole volume takes some twenty volumes of memory.

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels.
    differences: ``forward`` gives [B, D-1, H-1, W-1], which reproduces the magnitude of the paper's Table 3;
        ``central`` (one-sided at the borders, as ``numpy.gradient``) gives [B, D, H, W].
    """
    check_field(displacement)
    if differences not in ("forward", "central"):
        raise ValueError(f"differences are forward or central, not '{differences}'")
    if displacement.requires_grad and torch.is_grad_enabled():
        return _determinant(displacement, differences)
    planes = displacement.shape[2]
    neighbours, missing = (0, 1) if differences == "forward" else (1, 0)  # planes looked at below; planes without value
    result = displacement.new_empty(displacement.shape[0], *(size - missing for size in displacement.shape[2:]))
    for start in range(0, planes - missing, _SLAB):
        stop = min(start + _SLAB, planes - missing)
        low = max(start - neighbours, 0)
        slab = _determinant(displacement[:, :, low : min(stop + 1, planes)], differences)
        result[:, start:stop] = slab[:, start - low : stop - low]
    return result


def _determinant(displacement: Tensor, differences: Differences) -> Tensor:
    if differences == "forward":
        corner = displacement[:, :, :-1, :-1, :-1]
        gradients = [
            displacement[:, :, 1:, :-1, :-1] - corner,
            displacement[:, :, :-1, 1:, :-1] - corner,
            displacement[:, :, :-1, :-1, 1:] - corner,
        ]
    else:
        gradients = list(torch.gradient(displacement, dim=(2, 3, 4)))
    # rows[k][j] is d(phi_k)/d(x_j)
    rows = [[gradients[j][:, k] + (1.0 if j == k else 0.0) for j in range(3)] for k in range(3)]
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
