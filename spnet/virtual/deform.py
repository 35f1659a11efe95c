"""What virtual brains and heads share: random deformation, acquisition and pose."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from nibabel.processing import resample_from_to
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray
from scipy.ndimage import zoom
from scipy.spatial.transform import Rotation
from torch import Tensor

from spnet.data.nifti import Volume
from spnet.fields import warp


@dataclass(frozen=True)
class VirtualOptions:
    """How far virtual subjects differ (the `virtual` entry of a dataset).

    Attributes
    ----------
    spacing: of the raw scan, in mm.
    deformation: root mean square of the random velocity inside the brain, in mm.
    smoothness: distance over which the velocity varies, in mm.
    contrast: largest change of the exponent of the intensities.
    bias: root mean square of the logarithm of the bias field.
    noise: standard deviation, as a fraction of the brightest tissue.
    rotation: largest rotation about each axis, in degrees.
    scaling: largest relative change of size along each axis.
    shift: largest displacement of the head, in mm.
    """

    spacing: float = 2.0
    deformation: float = 5.0
    smoothness: float = 25.0
    contrast: float = 0.25
    bias: float = 0.1
    noise: float = 0.02
    rotation: float = 8.0
    scaling: float = 0.08
    shift: float = 8.0


def generator(name: str, seed: int) -> np.random.Generator:
    """The random numbers of the subject `name`: the same on every machine."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def resampled(volume: Volume, shape: tuple[int, ...], affine: NDArray, order: int) -> NDArray:
    """The volume on another grid, zero outside its box; `order` 0 takes the nearest voxel, 1 interpolates linearly."""
    source = SpatialImage(volume.data, volume.affine)
    return np.asarray(resample_from_to(source, (shape, affine), order=order).dataobj)


def random_velocity(
    inside: NDArray[np.bool_], spacing: float, size: float, smoothness: float, random: np.random.Generator
) -> Tensor:
    """A smooth random velocity.

    Parameters
    ----------
    inside: [D, H, W], where the velocity's size is measured.
    spacing: of the grid, in mm.
    size: root mean square of the velocity's length, in mm.
    smoothness: distance over which it varies, in mm.

    Returns
    -------
    [1, 3, D, H, W], in voxels.
    """
    coarse_shape = [max(4, round(length * spacing / smoothness)) for length in inside.shape]
    coarse = torch.from_numpy(random.standard_normal((1, 3, *coarse_shape)).astype(np.float32))
    velocity = F.interpolate(coarse, size=inside.shape, mode="trilinear", align_corners=True)
    return velocity * (size / spacing / velocity[..., torch.from_numpy(inside)].square().sum(1).mean().sqrt())


def warped(data: NDArray, displacement: Tensor, interpolation: str) -> NDArray[np.float32]:
    """An array [D, H, W] pulled back by a displacement [1, 3, D, H, W] in voxels."""
    volume = torch.from_numpy(data.astype(np.float32))[None, None]
    return warp(volume, displacement, "exact", interpolation)[0, 0].numpy()


def acquire(tissue: NDArray, options: VirtualOptions, random: np.random.Generator, gamma: float = 1.0) -> NDArray:
    """Contrast (about the exponent `gamma`), bias field and Rician noise, for an image whose brightest tissue is 1."""
    contrasted = tissue ** (gamma * np.exp(random.uniform(-options.contrast, options.contrast)))
    coarse = random.standard_normal((4, 4, 4))
    bias = zoom(coarse, [size / 4 for size in tissue.shape], order=3, grid_mode=True, mode="nearest")
    biased = contrasted * np.exp(options.bias * bias / bias.std())
    real, imaginary = options.noise * random.standard_normal((2, *tissue.shape))
    return np.hypot(biased + real, imaginary)


def random_pose(options: VirtualOptions, random: np.random.Generator) -> NDArray:
    """A 4x4 matrix in mm: size along each axis, then rotation, then shift."""
    rotation = Rotation.from_euler("xyz", random.uniform(-1, 1, 3) * options.rotation, degrees=True).as_matrix()
    # Scaling before rotating keeps the axes orthogonal, as ITK demands.
    pose = np.eye(4)
    pose[:3, :3] = rotation @ np.diag(1 + random.uniform(-1, 1, 3) * options.scaling)
    pose[:3, 3] = random.uniform(-1, 1, 3) * options.shift
    return pose
