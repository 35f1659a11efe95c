"""Regularity of a deformation."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from spnet.fields.jacobian import Differences, jacobian_determinant

_SLAB = 16  # planes at a time: a determinant of a whole volume takes some twenty volumes of memory


def percent_folding(displacement: Tensor, differences: Differences = "forward") -> float:
    """Jab: percentage of voxels whose Jacobian determinant is not positive (paper, section 4.2).

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels.
    differences: forward differences give the magnitude of the paper's Table 3, central ones do not.
    """
    folded, voxels = 0, 0
    for determinant in _determinants(displacement, differences):
        folded = folded + (determinant <= 0).sum()
        voxels += determinant.numel()
    return 100 * int(folded) / voxels


def _determinants(displacement: Tensor, differences: Differences) -> Iterator[Tensor]:
    """The Jacobian determinant in slabs along the first axis, each the same as of the whole volume."""
    planes = displacement.shape[2]
    neighbours = 0 if differences == "forward" else 1  # planes below that a difference looks at; above it is one
    last = planes - 1 if differences == "forward" else planes
    for start in range(0, last, _SLAB):
        stop = min(start + _SLAB, last)
        low = max(start - neighbours, 0)
        slab = jacobian_determinant(displacement[:, :, low : min(stop + 1, planes)], differences)
        yield slab[:, start - low : stop - low]
