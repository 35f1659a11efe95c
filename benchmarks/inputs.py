"""Images, fields, weights and subjects to measure with: made from seeds, of any size, nothing to download."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from spnet.data.labels import LABEL_SETS, LabelSet
from spnet.data.nifti import Volume, write_volume
from spnet.fields import warp
from spnet.methods import build_method
from spnet.methods.base import Method
from spnet.methods.layers import he_normal, start

Size = tuple[int, int, int]
PAPER_SIZE: Size = (160, 192, 160)  # Mindboggle101's grid

LABELS: LabelSet = LABEL_SETS["dkt50"]
# With the tiny weights that a flow head starts with, fields would be zero and every warp the identity.
_FLOW_STD = 0.2
_BLOBS = 16  # voxels between the nodes that a smooth image is interpolated from


def make_image(seed: int, size: Size) -> Tensor:
    """A smooth image [1, 1, D, H, W] in [0, 1] with some noise, zero outside an ellipsoid, as a stripped head."""
    random = torch.Generator().manual_seed(seed)
    nodes = [edge // _BLOBS + 2 for edge in size]
    smooth = F.interpolate(torch.rand(1, 1, *nodes, generator=random), size=size, mode="trilinear", align_corners=True)
    noisy = smooth + 0.05 * torch.randn(1, 1, *size, generator=random)
    return noisy.clamp(0, 1) * _ellipsoid(size)


def make_field(seed: int, size: Size, largest: float = 4.0) -> Tensor:
    """A smooth field [1, 3, D, H, W] with components between -`largest` and `largest` voxels."""
    random = torch.Generator().manual_seed(seed)
    nodes = [edge // _BLOBS + 2 for edge in size]
    coarse = torch.rand(1, 3, *nodes, generator=random) * 2 - 1
    return largest * F.interpolate(coarse, size=size, mode="trilinear", align_corners=True)


def make_labels(seed: int, size: Size) -> Tensor:
    """Whole numbers [D, H, W]: blocks of scored labels and of those merged into them, deformed by `seed`."""
    random = torch.Generator().manual_seed(0)
    ids = torch.tensor([*LABELS.scored, *LABELS.merged])
    blocks = ids[torch.randint(len(ids), (6, 6, 6), generator=random)].float()[None, None]
    whole = F.interpolate(blocks, size=size, mode="nearest") * _ellipsoid(size)
    return warp(whole, make_field(seed, size), "exact", "nearest")[0, 0].int()


def make_method(implementation: str = "spnet", **options: object) -> Method:
    """A method with weights drawn by seed 0 such that its largest displacements are some voxels."""
    torch.manual_seed(0)
    method = build_method(implementation, options)
    start(method, he_normal)
    for layer in method.modules():
        if isinstance(layer, torch.nn.Conv3d) and layer.out_channels == 3:
            torch.nn.init.normal_(layer.weight, std=_FLOW_STD)
    return method


def write_subjects(count: int, size: Size) -> tuple[Path, tempfile.TemporaryDirectory]:
    """Prepared subjects 00, 01, ... in a temporary folder, which lives as long as the second object returned."""
    keeper = tempfile.TemporaryDirectory(prefix="spnet-benchmark-")
    for index in range(count):
        folder = Path(keeper.name) / f"{index:02d}"
        # All subjects share what is smooth, as heads do, and differ in a part of it.
        image = (0.7 * make_image(0, size) + 0.3 * make_image(index + 1, size))[0, 0].numpy()
        write_volume(folder / "image.nii.gz", Volume(image, np.eye(4)), np.float32)
        write_volume(folder / "labels.nii.gz", Volume(make_labels(index, size).numpy(), np.eye(4)), np.int32)
    return Path(keeper.name), keeper


def _ellipsoid(size: Size) -> Tensor:
    axes = [torch.linspace(-1, 1, edge) for edge in size]
    squares = [axis.square() for axis in axes]
    return (squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :] < 0.81).float()
