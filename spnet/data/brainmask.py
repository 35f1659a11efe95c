"""Skull-stripping: a brain mask from a scan's labels, or by registration from the target's brain."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter, label

from spnet.ants_bridge import import_ants, to_ants
from spnet.data.nifti import Volume

if TYPE_CHECKING:
    import ants

# Registration runs at this voxel size: finer costs minutes and hardly moves the border of a brain.
_REGISTRATION_SPACING = 3.0
# Only here are head and template compared: the brain and, around it, fluid and bone, which are as dark as the
# template's background. Scalp, face and neck have no counterpart in a template without them.
_RIM_MM = 6.0
# The crown of a head lies so far above its brain; so far below the brain's top, an adult's head is still only skull.
_CROWN_MM, _SKULL_CAP_MM = 12.0, 100.0
# Brain sizes, relative to the template's, to start from. From one too large, brains stretch out to the scalp: that is
# another optimum, which a worse correlation gives away.
_START_SIZES = (0.8, 0.9, 1.0, 1.1)
# Share of the bright end of the intensities above which a voxel is taken for head, to find where the head lies.
_HEAD_THRESHOLD = 0.25
# Keeps voxels whose distance equals the radius but for rounding.
_ROUNDING_MM = 1e-6


def mask_from_labels(labels: Volume, closing_mm: float, dilation_mm: float) -> NDArray[np.bool_]:
    """All labels together, closed, grown, and without holes.

    Parameters
    ----------
    labels: [D, H, W], zero outside the brain.
    closing_mm: radius of the ball, in mm, that closes gaps such as sulci; narrower ones than twice this are filled.
    dilation_mm: growth in every direction, in mm, whatever the voxel size along it.

    Returns
    -------
    The mask, [D, H, W]; empty where there are no labels.
    """
    return _grown(_closed(labels.data > 0, labels.spacing, closing_mm), labels.spacing, dilation_mm)


def mask_from_template(image: Volume, template: Volume, dilation_mm: float, seed: int = 0) -> NDArray[np.bool_]:
    """The template's brain, registered to a scan with its skull: for scans without labels.

    Parameters
    ----------
    image: [D, H, W], a whole head upright in the world of its header, at any position.
    template: a skull-stripped brain, zero outside.
    dilation_mm: growth in every direction, in mm.

    Returns
    -------
    The mask on the grid of `image`, [D, H, W]. The same image, template and seed give the same mask.
    """
    library = import_ants(seed)
    brain = Volume(binary_fill_holes(template.data > 0).astype(np.float32), template.affine)
    clipped = np.minimum(image.data, np.percentile(image.data, 99.5))
    moving = to_ants(Volume(clipped, image.affine), library)
    with tempfile.TemporaryDirectory(prefix="spnet-brain-") as folder:
        starts = [_write_start(image, brain, size, folder, library) for size in _START_SIZES]
        to_image = _register(moving, template, brain, starts, folder, library)
        pulled_back = library.apply_transforms(
            fixed=moving, moving=to_ants(brain, library), transformlist=to_image, whichtoinvert=[True, False]
        ).numpy()
    return _grown(pulled_back > 0.5, image.spacing, dilation_mm)


def _within(mask: NDArray[np.bool_], spacing: NDArray, radius: float) -> NDArray[np.bool_]:
    """Voxels at most `radius` mm from the mask; none if it is empty."""
    if not mask.any():
        return mask
    return distance_transform_edt(~mask, sampling=spacing) <= radius + _ROUNDING_MM


def _grown(mask: NDArray[np.bool_], spacing: NDArray, radius: float) -> NDArray[np.bool_]:
    return binary_fill_holes(_within(mask, spacing, radius))


def _closed(mask: NDArray[np.bool_], spacing: NDArray, radius: float) -> NDArray[np.bool_]:
    # Room for what grows beyond the volume's border; cut off there, it would not shrink back to where it came from.
    margins = [int(radius / size) + 2 for size in spacing]
    padded = np.pad(mask, [(margin, margin) for margin in margins])
    closed = ~_within(~_within(padded, spacing, radius), spacing, radius)
    return closed[tuple(slice(margin, -margin) for margin in margins)]


def _write_start(image: Volume, brain: Volume, size: float, folder: str, library: ModuleType) -> str:
    """An affine file that lays the template's brain, scaled by `size`, under the crown and amid the cap of the head."""
    head, target = _head_points(image), _points(brain, brain.data > 0)
    crown, top = np.percentile(head[:, 2], 99.9) - _CROWN_MM, target[:, 2].max()
    cap = head[head[:, 2] > crown - size * _SKULL_CAP_MM].mean(axis=0)
    shift = cap - size * target[target[:, 2] > top - _SKULL_CAP_MM].mean(axis=0)
    shift[2] = crown - size * top
    start = library.create_ants_transform(
        transform_type="AffineTransform",
        dimension=3,
        matrix=size * np.eye(3),
        # ITK's world points left and posterior.
        translation=(shift * (-1, -1, 1)).tolist(),
    )
    path = f"{folder}/start-{size:g}.mat"
    library.write_transform(start, path)
    return path


def _head_points(image: Volume) -> NDArray[np.float64]:
    smooth = gaussian_filter(image.data.astype(np.float32), 1)
    parts, _ = label(smooth > _HEAD_THRESHOLD * np.percentile(image.data, 99))
    largest = 1 + np.argmax(np.bincount(parts.ravel())[1:])
    return _points(image, parts == largest)


def _points(volume: Volume, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """World coordinates (RAS, mm) of a mask's voxels, [N, 3]."""
    return np.argwhere(mask) @ volume.affine[:3, :3].T + volume.affine[:3, 3]


def _register(
    moving: ants.ANTsImage, template: Volume, brain: Volume, starts: list[str], folder: str, library: ModuleType
) -> list[str]:
    """Similarities from every start, affine from the best, then SyN; returns the transforms from template to head."""
    fixed, inside = (
        library.resample_image(to_ants(volume, library), (_REGISTRATION_SPACING,) * 3, use_voxels=False, interp_type=0)
        for volume in (template, brain)
    )
    region = _within(inside.numpy() > 0.5, np.asarray(inside.spacing), _RIM_MM)
    mask = inside.new_image_like(region.astype(np.float32))

    def run(kind: str, start: str) -> dict:
        prefix = f"{folder}/{kind}-{Path(start).stem}-"
        return library.registration(
            fixed=fixed, moving=moving, type_of_transform=kind, initial_transform=start, mask=mask, outprefix=prefix
        )

    def likeness(path: str) -> float:
        there = library.apply_transforms(fixed=fixed, moving=moving, transformlist=[path]).numpy()
        return float(np.corrcoef(there[region], fixed.numpy()[region])[0, 1])

    similarities = [run("Similarity", start)["fwdtransforms"][0] for start in starts]
    similarity = max(similarities, key=likeness)
    affine = run("Affine", similarity)["fwdtransforms"][0]
    return run("SyNOnly", max(similarity, affine, key=likeness))["invtransforms"]
