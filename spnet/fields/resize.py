"""Changing the grid of volumes and fields."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from spnet.fields.warp import check_field

Margins = tuple[tuple[int, int], ...]


def upsample(displacement: Tensor, factor: int = 2) -> Tensor:
    """Bring a displacement to a grid `factor` times finer, still in voxels (of the finer grid).

    Trilinear with ``align_corners=False``, as in the authors' program (paper, section 3.3.1).
    """
    check_field(displacement)
    return factor * F.interpolate(displacement, scale_factor=factor, mode="trilinear", align_corners=False)


def upsample_from_corner(displacement: Tensor) -> Tensor:
    """Bring a displacement to a grid twice as fine, still in voxels, first voxel on first voxel.

    Fine voxel j takes the linear interpolation at j/2, the border value beyond the last coarse voxel: the resizing of
    the Keras VoxelMorph (its ``neuron`` package), whose strided convolutions put coarse voxel i on fine voxel 2i.
    """
    check_field(displacement)
    fine = 2 * displacement
    for axis in (2, 3, 4):
        last = fine.narrow(axis, fine.shape[axis] - 1, 1)
        following = torch.cat([fine.narrow(axis, 1, fine.shape[axis] - 1), last], dim=axis)
        fine = torch.stack([fine, (fine + following) / 2], dim=axis + 1).flatten(axis, axis + 1)
    return fine


def pad_to_multiple(volume: Tensor, multiple: int) -> tuple[Tensor, Margins]:
    """Pad the three last axes with zeros, evenly on both sides, up to multiples of `multiple`.

    Returns
    -------
    The padded volume, and the margins that :func:`crop` takes away again.
    """
    missing = [-size % multiple for size in volume.shape[-3:]]
    margins = tuple((total // 2, total - total // 2) for total in missing)
    if not any(missing):
        return volume, margins
    return F.pad(volume, [width for pair in reversed(margins) for width in pair]), margins


def crop(volume: Tensor, margins: Margins) -> Tensor:
    """Undo :func:`pad_to_multiple` on a volume or field of the padded grid."""
    (d0, d1), (h0, h1), (w0, w1) = margins
    depth, height, width = volume.shape[-3:]
    return volume[..., d0 : depth - d1, h0 : height - h1, w0 : width - w1]
