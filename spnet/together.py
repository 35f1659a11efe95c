"""When maps are worth computing together, as one batch, and when one after the other."""

from __future__ import annotations

import torch

# Up to so many voxels of a grid (of all volumes of its batch), calls cost more than arithmetic. Above, the CPU's caches
# hold one map and not several, and a card is busy with one; memory is then saved as well.
_SMALL = {"cpu": 2**16, "cuda": 2**20}


def pays_together(device: torch.device, voxels: int) -> bool:
    """Whether maps of so many voxels each are computed sooner together, on `device`."""
    return voxels <= _SMALL.get(device.type, 0)
