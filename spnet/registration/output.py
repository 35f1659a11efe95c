"""From two scans' files to a folder: warped image and labels, transforms both ways, a picture and a report."""

from __future__ import annotations

import json
import logging
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spnet.data.nifti import Volume, label_type, write_volume
from spnet.errors import DataError
from spnet.evaluation.cost import measure
from spnet.fields import jacobian_determinant, warp
from spnet.figures.registration import draw_registration
from spnet.files import make_folder, sha256_of, write_text
from spnet.methods.base import Method
from spnet.metrics.overlap import dice_per_label
from spnet.provenance import dependency_versions, git_commit, plain
from spnet.registration.choice import Choice
from spnet.registration.pair import MatchedPair, Reading, match
from spnet.registration.scan import PreparedScan, ScanFiles, prepare_scan, read_native
from spnet.transforms import Grid, Transform, warp_volume
from spnet.transforms.files import write_transform

log = logging.getLogger(__name__)

REPORT = "report.json"
Native = tuple[Volume, Volume | None]  # image and labels of a scan, on its own grid
# Form -> its files: of the forward transform, which warps the moving scan, and of the backward one.
_FILES = {
    "itk": ("forward_transform.nii.gz", "backward_transform.nii.gz"),
    "native": ("forward_transform.npz", "backward_transform.npz"),
    "composite": ("forward_transform.h5", "backward_transform.h5"),
    "learn2reg": ("disp_fixed_moving.npz", "disp_moving_fixed.npz"),
    "learn2reg_nifti": ("disp_fixed_moving.nii.gz", "disp_moving_fixed.nii.gz"),
}
_MOST_FOLDING = 1.0  # percent; beyond what any method of the paper has
# Choices, for a person to look: cortical labels of real brains have .5 to .7, of brains turned against each other .01.
_LEAST_DICE, _LEAST_CORRELATION = 0.3, 0.7
_SAME = 0.999  # correlation of scans that cannot become more alike


@dataclass(frozen=True)
class PairFiles:
    """What belongs to a pair."""

    moving: ScanFiles
    fixed: ScanFiles

    def checksums(self) -> list[dict[str, str | None]]:
        """:func:`scan_checksums` of the moving and of the fixed scan."""
        return [scan_checksums(self.moving), scan_checksums(self.fixed)]

    def names(self) -> tuple[str, str]:
        """What to call moving and fixed image: their files' names, with their folders' where those are the same."""
        moving, fixed = self.moving.image, self.fixed.image
        if moving.name != fixed.name:
            return moving.name, fixed.name
        return f"{moving.parent.name}/{moving.name}", f"{fixed.parent.name}/{fixed.name}"


def scan_checksums(scan: ScanFiles) -> dict[str, str | None]:
    """SHA-256 of a scan's files, by kind (None of one that is not there), and what else is said of it."""
    given = {"image": scan.image, "labels": scan.labels, "mask": scan.mask}
    sums = {kind: sha256_of(path) if path is not None and path.exists() else None for kind, path in given.items()}
    return {**sums, "side": scan.side}


@dataclass(frozen=True)
class Settings:
    """How pairs are registered and what is written; part of what a finished pair is recognised by.

    Attributes
    ----------
    instance_steps: of refinement on the pair itself.
    forms: of the transforms' files (:data:`spnet.transforms.files.FORMS`).
    reading: of the method's fields (:func:`spnet.registration.pair.match`).
    """

    instance_steps: int = 0
    forms: tuple[str, ...] = ("itk", "native")
    reading: Reading = "auto"


def register_files(
    files: PairFiles,
    choice: Choice,
    method: Method,
    settings: Settings,
    folder: str | Path,
    prepared: tuple[PreparedScan, PreparedScan] | None = None,
    identity: str = "",
) -> dict[str, Any]:
    """Register a pair and write everything into `folder`, the report last.

    Parameters
    ----------
    method: `choice`'s, ready on its device.
    prepared: moving and fixed scan on the common grid, where that was done before.
    identity: fingerprint of inputs and settings, for the report.

    Returns
    -------
    The report.

    Raises
    ------
    DataError, RegistrationError: what cannot be used or registered, told for the person who gave it.
    """
    folder = make_folder(folder)
    stated = choice.preparation.orientation, choice.preparation.series
    native = read_native(files.moving, *stated), read_native(files.fixed, *stated)
    with measure(torch.device("cpu")) as preparing:
        if prepared is None:
            log.info("preparing %s and %s (some minutes)", *files.names())
            prepared = tuple(prepare_scan(scan, choice.preparation) for scan in (files.moving, files.fixed))
    log.info("registering")
    grids = tuple(Grid.of(image) for image, _ in native)
    found = match(method, *prepared, grids, settings.instance_steps, settings.reading)
    with measure(torch.device("cpu")) as writing:
        written, dice = _write_results(files, native, found, settings.forms, folder)
        draw_pair(*prepared, found, " onto ".join(files.names()), folder / "qc.png")
    report = {
        "written": [*written, "qc.png"],
        "moving": {kind: str(path) for kind, path in asdict(files.moving).items() if path},
        "fixed": {kind: str(path) for kind, path in asdict(files.fixed).items() if path},
        "method": _describe(choice, method),
        "settings": asdict(settings) | {"preparation": asdict(choice.preparation)},
        **found.figures,
        **dice,
        "seconds": {"preparing": preparing.seconds, "writing": writing.seconds},
        "peak_mb": max(found.figures["peak_mb"], preparing.peak_mb, writing.peak_mb),
        "flags": _flags(prepared, found.figures, dice),
        "fingerprint": identity,
        "versions": {"python": platform.python_version(), "commit": git_commit(), **dependency_versions()},
    }
    report["seconds"]["network"] = report.pop("network_seconds")
    report["seconds"]["refining"] = report.get("refinement", {}).get("seconds", 0.0)
    report = plain(report)
    write_text(folder / REPORT, json.dumps(report, indent=2) + "\n")
    return report


def _write_results(
    files: PairFiles, native: tuple[Native, Native], found: MatchedPair, forms: tuple[str, ...], folder: Path
) -> tuple[list[str], dict[str, Any]]:
    """Write warped image and labels, and the transforms; their files' names, and Dice by the names of the report."""
    (moving, moving_labels), (fixed, fixed_labels) = native
    warped = warp_volume(moving, found.forward, Grid.of(fixed))
    if not warped.data.any():
        raise DataError(
            "nothing of the moving scan comes to lie on the fixed one: they do not overlap",
            path=files.moving.image,
            remedy="Look at both scans' positions in a viewer, or let the affine step run (without --aligned)",
        )
    write_volume(folder / "warped.nii.gz", warped, np.float32, space=1)
    for form in forms:
        for transform, name in zip((found.forward, found.backward), _FILES[form], strict=True):
            write_transform(transform, folder / name, form)
    dice = _write_labels(moving_labels, fixed_labels, found.forward, fixed, folder)
    names = ["warped.nii.gz", *(["warped_labels.nii.gz"] if moving_labels else [])]
    return [*names, *(name for form in forms for name in _FILES[form])], dice


def draw_pair(moving: PreparedScan, fixed: PreparedScan, found: MatchedPair, title: str, path: Path) -> None:
    """The QC picture of a pair."""
    image = torch.from_numpy(moving.image.data)[None, None]
    warped = warp(image, found.displacement)[0, 0].numpy()
    determinant = jacobian_determinant(found.displacement, "central")[0].numpy()
    spacing = moving.image.spacing.reshape(3, 1, 1, 1)
    positions = (np.indices(warped.shape) + found.displacement[0].numpy()) * spacing
    draw_registration(
        moving.image, Volume(warped, fixed.image.affine), fixed.image, positions, determinant, title, path
    )


def _write_labels(
    moving: Volume | None, fixed: Volume | None, transform: Transform, image: Volume, folder: Path
) -> dict[str, Any]:
    """Write the warped labels; Dice with the fixed ones where both are there, and with the affine step alone."""
    if moving is None:
        return {}
    still = Transform(np.zeros((3, 2, 2, 2), dtype=np.float32), transform.affine, transform.before, transform.after)
    warped, affine_only = (warp_volume(moving, one, Grid.of(image), "nearest") for one in (transform, still))
    write_volume(folder / "warped_labels.nii.gz", warped, label_type(warped.data), space=1)
    if fixed is None:
        return {}
    ids = sorted({*np.unique(moving.data).tolist(), *np.unique(fixed.data).tolist()} - {0})
    if not ids:
        return {}
    target = torch.from_numpy(fixed.data)
    after, before = (dice_per_label(torch.from_numpy(one.data), target, ids) for one in (warped, affine_only))
    return {
        "dice_before": float(np.mean(list(before.values()))),
        "dice_after": float(np.mean(list(after.values()))),
        "dice": {str(label): value for label, value in after.items()},
    }


def _describe(choice: Choice, method: Method) -> dict[str, Any]:
    return {
        "name": choice.method,
        "implementation": choice.spec.implementation,
        "dataset": choice.dataset,
        "weights": str(choice.spec.weights) if choice.spec.weights else None,
        "weights_sha256": choice.weights_sha256(),
        "sampler": method.sampler,
        "device": str(method.device),
    }


def _flags(prepared: tuple[PreparedScan, PreparedScan], figures: dict[str, Any], dice: dict[str, Any]) -> list[str]:
    """What tells a person that this registration may have failed."""
    flags = [
        f"{role} scan: {flag}" for role, scan in zip(("moving", "fixed"), prepared, strict=True) for flag in scan.flags
    ]
    same = figures["correlation_before"] > _SAME
    if figures["similarity_after"] <= figures["similarity_before"] and not same:
        flags.append(
            "the scans are no more alike than after the affine step alone: other contrast, or another body part?"
        )
    if figures["jab_percent"] > _MOST_FOLDING:
        flags.append(f"{figures['jab_percent']:.2f} % of the field is folded")
    if figures["correlation_after"] < _LEAST_CORRELATION:
        flags.append(
            f"the scans correlate by {figures['correlation_after']:.2f} only: is one turned, of another contrast, or"
            " with its skull on?"
        )
    if dice and dice["dice_after"] < dice["dice_before"] and not same:
        flags.append("labels overlap less than after the affine step alone")
    if dice and dice["dice_after"] < _LEAST_DICE:
        flags.append(
            f"labels overlap by a Dice of {dice['dice_after']:.2f} only: is one scan turned, or are the labels of two"
            " protocols?"
        )
    return flags


def to_text(report: dict[str, Any]) -> str:
    """A report's figures, for a person at a terminal."""
    lines = [
        f"likeness (local cross-correlation)  {report['similarity_before']:.4f} -> {report['similarity_after']:.4f}",
        f"folded voxels                       {report['jab_percent']:.4f} %",
        f"inverse consistency error           {report['ice_mm']:.4f} mm",
    ]
    if "dice_after" in report:
        lines.insert(
            1, f"Dice, mean over the labels          {report['dice_before']:.4f} -> {report['dice_after']:.4f}"
        )
    return "\n".join([*lines, *(f"LOOK: {flag}" for flag in report["flags"])])
