"""Jacobian determinant of a deformation."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from spnet.fields.warp import check_field

Differences = Literal["forward", "central"]


def jacobian_determinant(displacement: Tensor, differences: Differences = "forward") -> Tensor:
    """Determinant of the Jacobian of ``phi = id + u`` (paper, Eq. 12).

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels.
    differences: ``forward`` gives [B, D-1, H-1, W-1], which reproduces the magnitude of the paper's Table 3;
        ``central`` (one-sided at the borders, as ``numpy.gradient``) gives [B, D, H, W].
    """
    check_field(displacement)
    if differences == "forward":
        corner = displacement[:, :, :-1, :-1, :-1]
        gradients = [
            displacement[:, :, 1:, :-1, :-1] - corner,
            displacement[:, :, :-1, 1:, :-1] - corner,
            displacement[:, :, :-1, :-1, 1:] - corner,
        ]
    elif differences == "central":
        gradients = list(torch.gradient(displacement, dim=(2, 3, 4)))
    else:
        raise ValueError(f"differences are forward or central, not '{differences}'")
    # rows[k][j] is d(phi_k)/d(x_j)
    rows = [[gradients[j][:, k] + (1.0 if j == k else 0.0) for j in range(3)] for k in range(3)]
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
