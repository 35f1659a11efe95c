"""The same volumes and fields with their array axes in another order."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from spnet.fields.warp import check_field


@dataclass(frozen=True)
class Orientation:
    """How somebody else's arrays lie: our axes in their order, then some of theirs reversed.

    Attributes
    ----------
    axes: their axis i is our axis ``axes[i]``.
    reversed_axes: their axes that run the other way.
    """

    axes: tuple[int, ...] = (0, 1, 2)
    reversed_axes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if sorted(self.axes) != [0, 1, 2] or not set(self.reversed_axes) <= {0, 1, 2}:
            raise ValueError(f"axes {self.axes} and reversed_axes {self.reversed_axes} are not axes 0, 1 and 2")

    def apply(self, volume: Tensor) -> Tensor:
        """A volume [B, C, D, H, W] as theirs."""
        return volume.permute(0, 1, *(2 + axis for axis in self.axes)).flip([2 + axis for axis in self.reversed_axes])

    def restore(self, displacement: Tensor) -> Tensor:
        """Their displacement [B, 3, ...] as ours: grid, component order and signs."""
        check_field(displacement)
        position = [self.axes.index(axis) for axis in range(3)]
        back = displacement.flip([2 + axis for axis in self.reversed_axes]).clone()
        for axis in self.reversed_axes:
            back[:, axis] *= -1
        back = back.permute(0, 1, *(2 + index for index in position))
        return torch.stack([back[:, index] for index in position], dim=1)
