"""One subject: affine to the target, onto the common grid, intensities to [0, 1], stray labels out."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spnet.ants_bridge import import_ants, to_ants, transform_matrix
from spnet.data.labels import LabelSet
from spnet.data.layouts import Subject
from spnet.data.nifti import Volume, read_image, read_labels
from spnet.data.templates import centre_grid, read_template
from spnet.errors import DataError

log = logging.getLogger(__name__)

# A choice, for a person to look: the eight real subjects of REPRODUCING.md have .86 to .89 after the affine step.
LOW_CORRELATION = 0.7


@dataclass(frozen=True)
class PreprocessOptions:
    """How a dataset is prepared (its `prepare` entry in datasets.yaml).

    Attributes
    ----------
    target: ``mni152`` or a NIfTI file; the space that all subjects are brought to.
    spacing: of the common grid, in mm, isotropic.
    shape: of the common grid, in voxels: a centre crop of the target's box.
    affine: ``register`` native scans to the target, or take the scans as ``aligned``.
    percentile: this percentile of the cropped volume, background included, becomes intensity 1.
    clip: cut intensities above 1 (the authors do in training, not in testing; see REPRODUCING.md).
    """

    target: str
    spacing: float
    shape: tuple[int, int, int]
    affine: Literal["register", "aligned"] = "register"
    percentile: float = 99.5
    clip: bool = True


@dataclass(frozen=True)
class Prepared:
    """A subject on the common grid.

    Attributes
    ----------
    image: float32 from 0; at most 1 where clipped.
    labels: int32, zero everywhere for a subject without labels.
    target: the target image on the same grid.
    record: what was done, and what looked odd (`flags`).
    """

    image: Volume
    labels: Volume
    target: NDArray
    record: dict


def preprocess(subject: Subject, options: PreprocessOptions, labels: LabelSet, seed: int = 0) -> Prepared:
    """Prepare one subject.

    Raises
    ------
    DataError: a file that cannot be used, named; nothing has been written then.
    """
    image = read_image(subject.image)
    label_volume = read_labels(subject.labels, image) if subject.labels else None
    template = read_template(options.target)
    affine, shape = centre_grid(template, options.spacing, options.shape)
    grid = Volume(np.zeros(shape, dtype=np.float32), affine)

    ants = import_ants(seed)
    register = options.affine == "register" and subject.space == "native"
    with tempfile.TemporaryDirectory(prefix="spnet-affine-") as folder:
        transforms = [_register_affine(image, template, options.spacing, folder, ants)] if register else []
        matrix = transform_matrix(transforms[0], ants) if register else np.eye(4)
        resampled = _resample(image, grid, transforms, "linear", ants)
        on_grid = _resample(label_volume, grid, transforms, "nearestNeighbor", ants) if label_volume else grid.data
        target = _resample(template, grid, [], "linear", ants)
    scaled, unit = _scale_intensity(resampled, options, subject)
    kept, label_record = _keep_known(np.rint(on_grid).astype(np.int32), label_volume, labels)
    if subject.labels and not np.isin(kept, labels.scored).any():
        raise DataError(
            "none of the labels to be scored is in this volume",
            path=subject.labels,
            remedy="Check that it follows the protocol of the dataset's label_set",
        )
    record = {
        "subject": subject.subject,
        "image": str(subject.image),
        "labels": str(subject.labels) if subject.labels else None,
        "registered": register,
        "target_to_native_mm": matrix.round(6).tolist(),
        "volume_scaling": float(np.linalg.det(matrix[:3, :3])),
        "intensity_unit": unit,
        "correlation_with_target": float(np.corrcoef(scaled.ravel(), target.ravel())[0, 1]),
        "cut_by_crop": _cut_fraction(image, grid, matrix),
        **label_record,
    }
    record["flags"] = _flags(record)
    for flag in record["flags"]:
        log.warning("%s: %s", subject.subject, flag)
    return Prepared(Volume(scaled, affine), Volume(kept, affine), target, record)


def _register_affine(image: Volume, template: Volume, spacing: float, folder: str, ants: ModuleType) -> str:
    fixed = to_ants(template, ants)
    if not np.allclose(template.spacing, spacing):
        fixed = ants.resample_image(fixed, (spacing,) * 3, use_voxels=False, interp_type=0)
    result = ants.registration(
        fixed=fixed, moving=to_ants(image, ants), type_of_transform="Affine", outprefix=f"{folder}/"
    )
    return result["fwdtransforms"][0]


def _resample(
    volume: Volume, grid: Volume, transforms: list[str], interpolator: str, ants: ModuleType
) -> NDArray[np.float32]:
    return ants.apply_transforms(
        fixed=to_ants(grid, ants),
        moving=to_ants(volume, ants),
        transformlist=transforms,
        interpolator=interpolator,
    ).numpy()


def _scale_intensity(
    data: NDArray[np.float32], options: PreprocessOptions, subject: Subject
) -> tuple[NDArray[np.float32], float]:
    unit = float(np.percentile(data, options.percentile))
    if unit <= 0:
        raise DataError(
            f"after the affine step the {options.percentile:g}th percentile of the intensities is {unit:g}:"
            " the head is not inside the target's box",
            path=subject.image,
            remedy="Look at the scan's header (position, orientation), or leave the subject out",
        )
    scaled = np.maximum(data / unit, 0)
    return (np.minimum(scaled, 1) if options.clip else scaled).astype(np.float32), unit


def _keep_known(data: NDArray[np.int32], raw: Volume | None, labels: LabelSet) -> tuple[NDArray[np.int32], dict]:
    """Drop ids the protocol does not define, and say which; what the protocol defines but is not scored stays."""
    if raw is None:
        return data, {"dropped_labels": {}, "missing_labels": []}
    ids, counts = np.unique(raw.data, return_counts=True)
    stray = {int(i): int(n) for i, n in zip(ids, counts, strict=True) if i != 0 and int(i) not in labels.known}
    kept = np.where(np.isin(data, list(labels.known)), data, 0).astype(np.int32)
    missing = sorted(set(labels.scored) - set(np.unique(kept).tolist()))
    return kept, {"dropped_labels": stray, "missing_labels": missing}


def _cut_fraction(image: Volume, grid: Volume, matrix: NDArray) -> float:
    """Share of the head (voxels above zero) that lies outside the common grid."""
    head = np.argwhere(image.data > 0)
    to_grid = np.linalg.inv(matrix @ grid.affine) @ image.affine
    positions = head @ to_grid[:3, :3].T + to_grid[:3, 3]
    outside = (positions < -0.5) | (positions > np.asarray(grid.data.shape) - 0.5)
    return float(outside.any(axis=1).mean())


def _flags(record: dict) -> list[str]:
    flags = []
    if record["correlation_with_target"] < LOW_CORRELATION:
        flags.append(
            f"correlation with the target is only {record['correlation_with_target']:.2f}: look at the QC picture"
        )
    if record["cut_by_crop"] > 0.02:
        flags.append(f"{record['cut_by_crop']:.1%} of the head lies outside the common grid")
    if record["dropped_labels"]:
        listed = ", ".join(f"{i} ({n} voxels)" for i, n in record["dropped_labels"].items())
        flags.append(f"label ids that the protocol does not know were dropped: {listed}")
    if record["missing_labels"]:
        flags.append(f"scored labels that are not there: {record['missing_labels']}")
    return flags
