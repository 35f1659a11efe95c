"""When maps are worth computing together, as one batch, and when one after the other."""

from __future__ import annotations

from torch import Tensor

# Up to so many voxels of a grid, calls cost more than arithmetic. Above, the CPU's caches hold one map and not several,
# and a card is busy with one; memory is then saved as well.
_SMALL = {"cpu": 2**16, "cuda": 2**17}


def pays_together(volume: Tensor) -> bool:
    """Whether several maps on the grid of a `volume` [..., D, H, W] are computed sooner together, on its device."""
    return volume.shape[-3:].numel() <= _SMALL.get(volume.device.type, 0)
