"""Virtual knees: a left knee drawn with implicit surfaces, deformed, posed, biased and noisy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.ndimage import zoom
from scipy.spatial.transform import Rotation

from spnet.data.nifti import Volume
from spnet.fields import integrate
from spnet.virtual.deform import generator
from spnet.virtual.oai_files import write_mask, write_series_folder

# Along the image's axes (posterior, inferior, right), in mm: 384 x 0.36458, 384 x 0.36458, 160 x 0.7.
_FIELD_OF_VIEW = np.array([140.0, 140.0, 112.0])
# The deformation is smooth, so it is integrated on this grid and interpolated from there.
_DEFORMATION_SPACING = 4.0
# Millimetres of fluid between the two cartilages: they touch without it and their labels would merge when resampled.
_JOINT_SPACE = 0.6
# Surfaces are evaluated for so many slices at once, which bounds the memory of a full-size knee.
_SLAB = 8
# DESS with water excitation: fluid brightest, then cartilage; marrow and fat suppressed; tendon and meniscus black.
_INTENSITY = {
    "skin": 0.38,
    "fat": 0.24,
    "muscle": 0.42,
    "vessel": 0.85,
    "fluid": 1.0,
    "cartilage": 0.75,
    "meniscus": 0.10,
    "tendon": 0.07,
    "cortex": 0.06,
    "marrow": 0.18,
}
# Capsules: both ends and the radius at each, in mm, in the left knee (x medial, y anterior, z superior).
_MUSCLES = (
    ((24, 4, 100), (26, 2, 32), (24, 8)),  # vastus medialis
    ((-24, 6, 100), (-22, 14, 48), (22, 6)),  # vastus lateralis
    ((-1, 26, 100), (-1, 34, 58), (14, 6)),  # rectus femoris
    ((24, -42, 100), (30, -34, -20), (16, 5)),  # semimembranosus
    ((-28, -42, 100), (-36, -30, -12), (14, 4)),  # biceps femoris
    ((20, -40, 18), (17, -46, -100), (9, 20)),  # gastrocnemius, medial head
    ((-19, -40, 16), (-18, -46, -100), (8, 18)),  # gastrocnemius, lateral head
    ((-24, 4, -36), (-28, 4, -100), (8, 15)),  # tibialis anterior
    ((0, -24, -24), (2, -26, -100), (8, 14)),  # popliteus and soleus
)

Points = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
Distance = NDArray[np.float32]
Paint = Callable[[Distance, str], None]


@dataclass(frozen=True)
class KneeOptions:
    """How virtual knees are sampled and how far they differ. The field of view is 140 x 140 x 112 mm.

    Attributes
    ----------
    matrix: rows and columns of a slice; 384 in the OAI.
    slices: sagittal slices; 160 in the OAI.
    cartilage: thickness of both cartilages, in mm; at least the voxel size at which they must survive.
    deformation: root mean square of the random velocity, in mm.
    smoothness: distance over which the velocity varies, in mm.
    rotation: largest rotation about each axis, in degrees.
    scaling: largest relative change of size along each axis.
    shift: largest displacement of the knee, in mm.
    contrast: largest change of the exponent of the intensities.
    bias: root mean square of the logarithm of the bias field.
    noise: standard deviation, as a fraction of the brightness of fluid.
    """

    matrix: int = 384
    slices: int = 160
    cartilage: float = 2.5
    deformation: float = 2.5
    smoothness: float = 30.0
    rotation: float = 6.0
    scaling: float = 0.06
    shift: float = 4.0
    contrast: float = 0.15
    bias: float = 0.1
    noise: float = 0.03


def virtual_knee(name: str, options: KneeOptions, seed: int) -> tuple[Volume, Volume, str]:
    """Draw a virtual knee; `name` and `seed` decide everything.

    Returns
    -------
    The image (float32, 0 to about 1000) and labels (int32: 1 femur, 2 its cartilage, 3 tibia, 4 its cartilage), both
    [matrix, matrix, slices] with axes to posterior, inferior and right, and the side, ``left`` or ``right``.
    """
    random = generator(name, seed)
    side = "left" if random.random() < 0.5 else "right"
    affine = _sagittal_affine(options)
    points = _canonical_points(affine, options, side, random)
    slabs = [slice(start, start + _SLAB) for start in range(0, options.slices, _SLAB)]
    edge = float(_FIELD_OF_VIEW[0] / options.matrix)
    drawn = [_draw(tuple(axis[..., slab] for axis in points), options.cartilage, edge) for slab in slabs]
    image = _acquire(np.concatenate([part[0] for part in drawn], axis=2), options, random)
    return Volume(image, affine), Volume(np.concatenate([part[1] for part in drawn], axis=2), affine), side


def write_virtual_knee(name: str, options: KneeOptions, seed: int, image: str | Path, labels: str | Path) -> None:
    """Make a virtual knee (:func:`virtual_knee`) and write it as the real archives hold theirs.

    Parameters
    ----------
    image: folder of the DICOM series; a localiser series lies in it too.
    labels: the ``.mhd``; its ``.raw`` goes beside it.
    """
    scan, regions, side = virtual_knee(name, options, seed)
    write_series_folder(image, scan, side, name, seed)
    write_mask(labels, regions.data)


def _shape(options: KneeOptions) -> tuple[int, int, int]:
    return options.matrix, options.matrix, options.slices


def _sagittal_affine(options: KneeOptions) -> NDArray[np.float64]:
    spacing = _FIELD_OF_VIEW / _shape(options)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]]) * spacing
    affine[:3, 3] = -affine[:3, :3] @ (np.array(_shape(options)) - 1) / 2
    return affine


def _canonical_points(affine: NDArray, options: KneeOptions, side: str, random: np.random.Generator) -> Points:
    """Where every voxel lies in the left knee as drawn, in mm: x to the right (medial), y anterior, z superior."""
    rotation = Rotation.from_euler("xyz", random.uniform(-1, 1, 3) * options.rotation, degrees=True).as_matrix()
    scale = 1 + random.uniform(-1, 1, 3) * options.scaling
    shift = random.uniform(-1, 1, 3) * options.shift
    mirror = np.diag([1.0 if side == "left" else -1.0, 1.0, 1.0])
    to_canonical = np.diag(1 / scale) @ rotation.T @ mirror
    matrix, offset = to_canonical @ affine[:3, :3], to_canonical @ (affine[:3, 3] - mirror @ shift)
    index = np.ogrid[tuple(slice(size) for size in _shape(options))]
    displacement = _random_displacement(options, random)
    return tuple(
        sum((matrix[axis, k] * index[k] for k in range(3)), start=offset[axis] + displacement[axis]).astype(np.float32)
        for axis in range(3)
    )


def _random_displacement(options: KneeOptions, random: np.random.Generator) -> NDArray[np.float32]:
    """A diffeomorphic displacement in mm, [3, matrix, matrix, slices]; the same anatomy whatever the matrix."""
    control = [max(3, round(length / options.smoothness)) for length in _FIELD_OF_VIEW]
    grid = [round(length / _DEFORMATION_SPACING) for length in _FIELD_OF_VIEW]
    noise = torch.from_numpy(random.standard_normal((1, 3, *control)).astype(np.float32))
    velocity = F.interpolate(noise, size=grid, mode="trilinear", align_corners=True)
    velocity *= options.deformation / _DEFORMATION_SPACING / velocity.square().sum(1).mean().sqrt()
    displacement = integrate(velocity) * _DEFORMATION_SPACING
    return F.interpolate(displacement, size=_shape(options), mode="trilinear", align_corners=True)[0].numpy()


def _ellipsoid(points: Points, centre: Sequence[float], radii: Sequence[float]) -> Distance:
    """Signed distance, to first order."""
    scaled = [(p - c) / r for p, c, r in zip(points, centre, radii, strict=True)]
    length = np.sqrt(sum(s * s for s in scaled))
    slope = np.sqrt(sum((s / r) ** 2 for s, r in zip(scaled, radii, strict=True)))
    return length * (length - 1) / np.maximum(slope, 1e-6)


def _cone(points: Points, start: Sequence[float], end: Sequence[float], radii: tuple[float, float]) -> Distance:
    """A capsule whose radius goes from the first of `radii` to the second."""
    axis = np.subtract(end, start)
    along = sum((p - c) * a for p, c, a in zip(points, start, axis, strict=True)) / float(axis @ axis)
    along = np.clip(along, 0, 1).astype(np.float32)
    off = sum((p - (c + along * a)) ** 2 for p, c, a in zip(points, start, axis.tolist(), strict=True))
    return np.sqrt(off) - (radii[0] + along * (radii[1] - radii[0]))


def _union(*shapes: Distance, blend: float) -> Distance:
    """Union with fillets of about `blend` mm."""
    joined = shapes[0]
    for shape in shapes[1:]:
        overlap = np.maximum(blend - np.abs(joined - shape), 0) / blend
        joined = np.minimum(joined, shape) - overlap * overlap * blend / 4
    return joined


def _femur(points: Points) -> Distance:
    solid = _union(
        _cone(points, (1, 0, 100), (1, 0, 36), (13, 17)),
        _ellipsoid(points, (22, -8, 21), (15, 29, 22)),
        _ellipsoid(points, (-21, -6, 20), (13, 26, 20)),
        _ellipsoid(points, (-2, 9, 27), (27, 19, 18)),
        blend=9,
    )
    notch = _cone(points, (1, -45, 8), (1, -2, 2), (8, 8))
    return -_union(-solid, notch, blend=3)


def _tibia(points: Points, femur: Distance, clearance: float) -> Distance:
    """The tibia, hollowed where it would come nearer to the femur than both cartilages need."""
    solid = _union(
        _ellipsoid(points, (19, -5, -15), (20, 26, 13)),
        _ellipsoid(points, (-19, -5, -15), (19, 23, 12)),
        _ellipsoid(points, (0, -4, -9), (7, 12, 12)),
        _cone(points, (0, -4, -24), (2, -6, -45), (22, 15)),
        _cone(points, (2, -6, -45), (3, -8, -100), (15, 12)),
        _ellipsoid(points, (-3, 16, -30), (9, 9, 11)),
        blend=8,
    )
    return np.maximum(solid, clearance - femur)


def _cartilages(points: Points, femur: Distance, tibia: Distance, thickness: float) -> tuple[Distance, Distance]:
    """Femoral and tibial cartilage: shells of the bones, cut to where the joint is."""
    x, y, z = points
    shell = np.maximum(femur - thickness, -femur)
    upper = 17 + 0.75 * np.clip(y, 0, 30)
    between_condyles = np.minimum(7 - np.abs(x - 1), 4 - y)
    femoral = np.maximum.reduce([shell, z - upper, between_condyles, np.abs(x) - 35])
    shell = np.maximum(tibia - thickness, -tibia)
    apart = femur - (2 * thickness + _JOINT_SPACE + 5)
    tibial = np.maximum.reduce([shell, apart, 6 - np.abs(x), -14 - z])
    return femoral, tibial


def _draw(points: Points, thickness: float, edge: float) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Image in 0 to 1, surfaces softened over `edge` mm, and labels."""
    femur = _femur(points)
    tibia = _tibia(points, femur, 2 * thickness + _JOINT_SPACE)
    femoral, tibial = _cartilages(points, femur, tibia, thickness)
    image = np.zeros(points[0].shape, dtype=np.float32)

    def paint(distance: Distance, tissue: str) -> None:
        image[...] += np.clip(0.5 - distance / edge, 0, 1) * (_INTENSITY[tissue] - image)

    _draw_soft_tissue(points, paint)
    _draw_joint(points, femur, tibia, thickness, paint)
    paint(femoral, "cartilage")
    paint(tibial, "cartilage")
    for bone in (femur, tibia, _cone(points, (-34, -22, -22), (-31, -20, -100), (9, 5))):
        paint(bone, "cortex")
        paint(bone + 1.2, "marrow")
    _draw_extensor(points, paint)
    labels = np.select([femur < 0, femoral < 0, tibia < 0, tibial < 0], [1, 2, 3, 4], 0).astype(np.int32)
    return image, labels


def _draw_soft_tissue(points: Points, paint: Paint) -> None:
    leg = _ellipsoid(points, (0, -4, 0), (53, 58, 1e6))
    paint(leg, "skin")
    paint(leg + 2, "fat")
    for start, end, radii in _MUSCLES:
        paint(np.maximum(_cone(points, start, end, radii), leg + 7), "muscle")
    paint(_cone(points, (-3, -38, 100), (-1, -36, -100), (4, 3)), "vessel")
    paint(_cone(points, (6, -44, 100), (4, -43, -100), (3, 3)), "vessel")


def _draw_joint(points: Points, femur: Distance, tibia: Distance, thickness: float, paint: Paint) -> None:
    x, y, _ = points
    plateau = 30 * np.hypot(x / 40, (y + 4) / 29) - 30
    paint(np.maximum.reduce([femur - thickness - 3, tibia - thickness - 3, plateau]), "fluid")
    paint(np.maximum(_ellipsoid(points, (-1, 31, 50), (20, 4, 20)), 1 - femur), "fluid")
    contact = np.minimum(np.hypot(x - 20, 0.75 * (y + 5)), np.hypot(x + 20, 0.75 * (y + 5)))
    rim = np.hypot(x, 1.35 * (y + 5)) - 39
    wedge = np.maximum.reduce([femur - thickness - 6, tibia - thickness - 6, 10 - contact, rim, 7 - np.abs(x)])
    paint(wedge, "meniscus")
    paint(_cone(points, (-8, -14, 14), (3, 8, -5), (4, 4)), "tendon")
    paint(_cone(points, (9, 0, 10), (0, -30, -14), (5, 4)), "tendon")


def _draw_extensor(points: Points, paint: Paint) -> None:
    """Patella with its cartilage and tendons; the fat pad behind it is the leg's fat."""
    patella = _ellipsoid(points, (-2, 41, 27), (21, 9, 20))
    paint(np.maximum(patella - 3, points[1] - 38), "cartilage")
    paint(_cone(points, (-2, 43, 12), (-3, 24, -32), (3, 3)), "tendon")
    paint(_cone(points, (-2, 44, 44), (-1, 36, 100), (4, 4)), "tendon")
    paint(patella, "cortex")
    paint(patella + 1.2, "marrow")


def _acquire(image: NDArray, options: KneeOptions, random: np.random.Generator) -> NDArray[np.float32]:
    """Contrast, bias field and Rician noise, which air has too."""
    contrasted = image ** np.exp(random.uniform(-options.contrast, options.contrast))
    coarse = random.standard_normal((4, 4, 4))
    bias = zoom(coarse / coarse.std(), [size / 4 for size in image.shape], order=1, grid_mode=True, mode="nearest")
    biased = contrasted * np.exp(options.bias * bias.astype(np.float32))
    real, imaginary = options.noise * random.standard_normal((2, *image.shape), dtype=np.float32)
    return (1000 * np.hypot(biased + real, imaginary)).astype(np.float32)
