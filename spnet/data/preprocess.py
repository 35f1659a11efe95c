"""One subject: skull off, knees all left, affine to the target, onto the common grid, intensities to [0, 1], stray
labels out.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from spnet.ants_bridge import import_ants, to_ants, transform_matrix
from spnet.data.affine import AffineStep, ants_pair, register_affine
from spnet.data.brainmask import mask_from_labels, mask_from_template
from spnet.data.labels import LARGEST_LABEL, LabelSet
from spnet.data.layouts import Subject
from spnet.data.nifti import Volume
from spnet.data.options import PreprocessOptions
from spnet.data.quality import brain_volume, find_flags, label_fit, label_record, share_outside
from spnet.data.raw import RawScan, mirrored, read_raw
from spnet.data.targets import MNI152
from spnet.data.templates import centre_grid, read_template
from spnet.data.turned import Turn, find_turn
from spnet.errors import DataError, first_line

log = logging.getLogger(__name__)

_MIRROR = np.diag([-1.0, 1, 1, 1])


@dataclass(frozen=True)
class PreparedSubject:
    """A subject on the common grid.

    Attributes
    ----------
    image: float32 from 0; at most 1 where clipped.
    labels: int32, zero everywhere for a subject without labels.
    target: the target image on the same grid.
    raw: the scan as it came.
    record: what was done, and what looked odd (`flags`).
    """

    image: Volume
    labels: Volume
    target: NDArray
    raw: RawScan
    record: dict


@dataclass(frozen=True)
class _OnGrid:
    """Image, labels and target on the common grid, the matrix from target to scan (4x4, mm), and what looked odd."""

    matrix: NDArray
    image: NDArray[np.float32]
    labels: NDArray[np.integer]
    target: NDArray
    flags: Sequence[str]
    turn: Turn | None


def preprocess(subject: Subject, options: PreprocessOptions, labels: LabelSet, seed: int = 0) -> PreparedSubject:
    """Prepare one subject.

    Raises
    ------
    DataError: a file that cannot be used, named; nothing has been written then.
    """
    raw = read_raw(subject, labels, options.series, options.mask_placement, options.orientation)
    image = strip_skull(raw, options, subject, seed)
    flipped = must_flip(raw, options, subject)
    native = RawScan(mirrored(image), raw.labels and mirrored(raw.labels)) if flipped else RawScan(image, raw.labels)
    template = read_template(options.target)
    affine, shape = centre_grid(template, options.spacing, options.shape)
    grid = Volume(np.zeros(shape, dtype=np.float32), affine)
    aligned = subject.space == "target" and options.target == MNI152
    register = options.affine == "register" and not aligned

    with _failures_told(subject):
        found = _to_grid(native, grid, template, options, register, seed)
    matrix, target = found.matrix, found.target
    scaled, unit = _scale_intensity(found.image, options, subject)
    kept = _keep_known(found.labels, labels)
    if subject.labels and not np.isin(kept, labels.scored).any():
        raise DataError(
            "none of the labels to be scored lies on the common grid",
            path=subject.labels,
            remedy="Look at the position in the headers of image and labels, or leave the subject out",
        )
    record = {
        "subject": subject.subject,
        "image": str(subject.image),
        "labels": str(subject.labels) if subject.labels else None,
        "skull_strip": options.skull_strip,
        "flipped": flipped,
        "registered": register,
        "target_to_native_mm": (_MIRROR @ matrix if flipped else matrix).round(6).tolist(),
        "volume_scaling": float(np.linalg.det(matrix[:3, :3])),
        "intensity_unit": unit,
        "correlation_with_target": float(np.corrcoef(scaled.ravel(), target.ravel())[0, 1]),
        **share_outside(native, grid, matrix),
        **label_record(native.labels, kept, labels),
        **label_fit(raw),
        **(brain_volume(image) if options.skull_strip != "none" else {}),
        **raw.notes,
    }
    turned = [found.turn.sentence(raw.image.affine, mirrored=flipped)] if found.turn else []
    record["flags"] = [*turned, *found.flags, *find_flags(record, options.min_correlation)]
    for flag in record["flags"]:
        log.warning("%s: %s", subject.subject, flag)
    return PreparedSubject(Volume(scaled, affine), Volume(kept, affine), target, raw, record)


def strip_skull(raw: RawScan, options: PreprocessOptions, subject: Subject, seed: int) -> Volume:
    """The image with all but the brain set to zero, as `options.skull_strip` says.

    Raises
    ------
    DataError: the mask is to be made of labels, and the subject has none.
    """
    if options.skull_strip == "none":
        return raw.image
    if options.skull_strip == "template":
        with _failures_told(subject):
            mask = mask_from_template(raw.image, read_template(MNI152), options.dilation, seed)
    elif raw.labels is not None:
        mask = mask_from_labels(raw.labels, options.closing, options.dilation)
    else:
        raise DataError(
            "this scan has no labels to strip the skull with",
            path=subject.image,
            remedy="Give labels, set the dataset's prepare.skull_strip to template, or leave the subject out",
        )
    return Volume(np.where(mask, raw.image.data, 0).astype(np.float32), raw.image.affine)


def must_flip(raw: RawScan, options: PreprocessOptions, subject: Subject) -> bool:
    """Whether this is a knee to be reflected.

    Raises
    ------
    DataError: nothing tells the side.
    """
    if options.flip == "none":
        return False
    if raw.side is None:
        raise DataError(
            "nothing tells whether this is a left or a right knee: neither the series' description nor a table",
            path=subject.image,
            remedy="Put the OAI's table mri00.txt into the dataset's folder",
        )
    return raw.side == "right"


@contextmanager
def _failures_told(subject: Subject) -> Iterator[None]:
    """ANTs tells no file."""
    try:
        yield
    except RuntimeError as error:
        raise DataError(
            f"ANTs cannot register this scan to the target ({first_line(error)})",
            path=subject.image,
            remedy="Look at the scan and its header, or leave the subject out",
        ) from error


def _to_grid(
    native: RawScan, grid: Volume, template: Volume, options: PreprocessOptions, register: bool, seed: int
) -> _OnGrid:
    ants = import_ants(seed)
    scale, bound = options.spacing, options.min_correlation
    with tempfile.TemporaryDirectory(prefix="spnet-affine-") as folder:
        pair = ants_pair(native.image, template, scale, folder, ants)
        step = register_affine(pair, bound) if register else AffineStep(pair.write_matrix("none", np.eye(4)))
        transforms = [step.transform] if register else []
        return _OnGrid(
            transform_matrix(step.transform, ants) if register else np.eye(4),
            _resample(native.image, grid, transforms, "linear", ants),
            _resample_labels(native.labels, grid, transforms, ants) if native.labels else grid.data.astype(np.int32),
            _resample(template, grid, [], "linear", ants),
            step.flags,
            find_turn(pair, step.transform, bound),
        )


def _resample(
    volume: Volume, grid: Volume, transforms: list[str], interpolator: str, ants: ModuleType
) -> NDArray[np.float32]:
    return ants.apply_transforms(
        fixed=to_ants(grid, ants),
        moving=to_ants(volume, ants),
        transformlist=transforms,
        interpolator=interpolator,
    ).numpy()


def _resample_labels(volume: Volume, grid: Volume, transforms: list[str], ants: ModuleType) -> NDArray[np.integer]:
    """Nearest neighbour; ids that ANTs' 32-bit floats do not hold go through it as positions among those that occur."""
    ids = None
    if volume.data.max() > LARGEST_LABEL:
        ids, positions = np.unique(np.append(0, volume.data), return_inverse=True)
        volume = Volume(positions[1:].reshape(volume.data.shape), volume.affine)
    labels = np.rint(_resample(volume, grid, transforms, "nearestNeighbor", ants)).astype(np.int32)
    return labels if ids is None else ids[labels]


def _scale_intensity(
    data: NDArray[np.float32], options: PreprocessOptions, subject: Subject
) -> tuple[NDArray[np.float32], float]:
    unit = float(np.percentile(data, options.percentile))
    if unit <= 0:
        raise DataError(
            f"after the affine step the {options.percentile:g}th percentile of the intensities is {unit:g}:"
            " the body is not inside the target's box",
            path=subject.image,
            remedy="Look at the scan's header (position, orientation), or leave the subject out",
        )
    scaled = np.maximum(data / unit, 0)
    return (np.minimum(scaled, 1) if options.clip else scaled).astype(np.float32), unit


def _keep_known(data: NDArray[np.integer], labels: LabelSet) -> NDArray[np.integer]:
    """What the protocol defines but is not scored stays."""
    return np.where(np.isin(data, list(labels.known)), data, 0).astype(data.dtype)
