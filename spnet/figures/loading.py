"""Reading registered pairs for figures, turned upright."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from spnet.analysis.summarise import per_pair
from spnet.data.labels import LabelSet
from spnet.data.nifti import read_image, read_labels, reoriented
from spnet.fields import Orientation, crop, upsample
from spnet.figures.material import ShownLevel, ShownPair, ShownSubject


def read_pair(
    fields: str | Path, facts: str | Path, prepared: str | Path, label_sets: Mapping[str, LabelSet]
) -> ShownPair:
    """Read a pair that :func:`spnet.evaluation.shown.register_shown` registered.

    Parameters
    ----------
    prepared: folder with a folder per dataset, in it one per prepared subject.
    """
    scores = pd.read_csv(facts, dtype={"structure": str, "moving": str, "fixed": str}, float_precision="round_trip")
    first = scores.iloc[0]
    folder = Path(prepared) / first["dataset"]
    (moving, affine), (fixed, _) = (_read_subject(folder, first[role]) for role in ("moving", "fixed"))
    values = per_pair(scores, label_sets)
    values = values[(values["moving"] == moving.name) & (values["fixed"] == fixed.name)]
    with np.load(fields) as file:
        arrays = dict(file)
    return ShownPair(
        first["dataset"],
        first["method"],
        moving,
        fixed,
        turn_field(arrays["forward"], affine),
        turn_field(arrays["backward"], affine),
        first["sampler"],
        _read_levels(arrays, affine),
        {(row.metric, row.structure): row.value for row in values.itertuples()},
    )


def turn_field(displacement: NDArray[np.float32], affine: NDArray) -> NDArray[np.float32]:
    """A displacement [3, ...] along a volume's axes as one along axes to the right, the front and up: grid, order and
    signs of its components.
    """
    axes, directions = io_orientation(affine).T.astype(int)
    orientation = Orientation(tuple(axes), tuple(int(axis) for axis in np.flatnonzero(directions < 0)))
    return orientation.restore(torch.from_numpy(displacement)[None])[0].numpy()


def turn_volume(volume: NDArray, affine: NDArray) -> NDArray:
    """A volume of numbers that know no direction, likewise."""
    axes, directions = io_orientation(affine).T.astype(int)
    return np.ascontiguousarray(np.flip(volume, np.flatnonzero(directions < 0)).transpose(np.argsort(axes)))


def _read_subject(folder: Path, name: str) -> tuple[ShownSubject, NDArray]:
    image = read_image(folder / name / "image.nii.gz")
    labels = read_labels(folder / name / "labels.nii.gz", image)
    upright = (reoriented(volume, "RAS").data for volume in (image, labels))
    return ShownSubject(name, *upright), image.affine


def _read_levels(arrays: Mapping[str, NDArray[np.float32]], affine: NDArray) -> tuple[ShownLevel, ...]:
    count = sum(name.endswith("_displacement") for name in arrays)
    shape = arrays["forward"].shape[1:]
    levels = []
    for index in range(count):
        displacement = arrays[f"level_{index}_displacement"]
        scale = round(arrays["level_0_displacement"].shape[1] / displacement.shape[1])
        fine = torch.from_numpy(displacement)[None]
        fine = _uncover(upsample(fine, scale) if scale > 1 else fine, shape)
        similarity, warped = (
            turn_volume(_enlarge(arrays[name], scale, shape), affine) if name in arrays else None
            for name in (f"level_{index}_similarity", f"level_{index}_warped_similarity")
        )
        levels.append(ShownLevel(scale, turn_field(fine, affine), similarity, warped))
    return tuple(levels)


def _enlarge(volume: NDArray[np.float32], scale: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A level's volume on the image's grid, each voxel repeated."""
    return _uncover(F.interpolate(torch.from_numpy(volume)[None, None], scale_factor=scale), shape)[0]


def _uncover(volume: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Take away what a method padded the images with (:func:`spnet.fields.pad_to_multiple`)."""
    missing = [padded - size for padded, size in zip(volume.shape[2:], shape, strict=True)]
    return np.ascontiguousarray(crop(volume, tuple((total // 2, total - total // 2) for total in missing))[0].numpy())
