"""What a field means to one sampler, told to another."""

from __future__ import annotations

import torch
from torch import Tensor

from spnet.fields.warp import Sampler, check_field


def as_exact(displacement: Tensor, sampler: Sampler) -> Tensor:
    """The displacement with which the ``exact`` sampler reads where `sampler` reads with the given one.

    Parameters
    ----------
    displacement: [B, 3, D, H, W] in voxels.
    sampler: that the displacement was made for; ``official`` stretches by s / (s - 1) about the centre.
    """
    check_field(displacement)
    if sampler != "official":
        return displacement
    converted = []
    for axis, size in enumerate(displacement.shape[2:]):
        voxels = torch.arange(size, dtype=displacement.dtype, device=displacement.device)
        channel = displacement[:, axis] * (size / (size - 1))
        stretch = voxels / (size - 1) - 0.5
        converted.append(channel + stretch.reshape([-1 if other == axis else 1 for other in range(3)]))
    return torch.stack(converted, dim=1)
