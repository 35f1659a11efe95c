"""Target registration error of landmarks that people set in both images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from spnet.data.labels import AVERAGE
from spnet.errors import DataError
from spnet.transforms import Grid
from spnet.transforms.files import read_transform
from spnet.transforms.points import check_inside, read_points

COLUMNS = ["metric", "structure", "value"]
TRE, TRE_BEFORE = "tre", "tre_before"


def registration_error(
    transform: str | Path,
    fixed_points: str | Path,
    moving_points: str | Path,
    fixed: Grid | None = None,
    moving: Grid | None = None,
) -> pd.DataFrame:
    """Distance in mm from where the transform takes each landmark of the fixed image to the moving image's own.

    Parameters
    ----------
    transform: in any form; it maps the fixed image's points to the moving image's.
    fixed_points, moving_points: files of the same landmarks in the same order
        (:func:`spnet.transforms.points.read_points`).
    fixed, moving: grids of the images, for points in voxels, where the transform does not know them.

    Returns
    -------
    Columns metric, structure (the landmark's name, or Average) and value: ``tre``, and ``tre_before``, the same
    distance without the transform.

    Raises
    ------
    DataError: a file that cannot be used, or files of different landmarks.
    """
    ends = read_points(fixed_points), read_points(moving_points)
    found = read_transform(transform, fixed, moving)
    start = ends[0].in_world(fixed or found.fixed, "fixed")
    end = ends[1].in_world(moving or found.moving, "moving")
    names = ends[0].names()
    if len(start) != len(end) or names != ends[1].names():
        raise DataError(
            f"these are other landmarks than those of {Path(fixed_points).name}: {len(end)} against {len(start)}, or"
            " with other names",
            path=moving_points,
            remedy="Give the same landmarks in both files, in one order",
        )
    check_inside(found, start, fixed_points)
    points = {TRE: found.map_points(start), TRE_BEFORE: start}
    distances = {metric: np.linalg.norm(there - end, axis=1) for metric, there in points.items()}
    rows = [
        (metric, name, float(value))
        for metric, values in distances.items()
        for name, value in [*zip(names, values, strict=True), (AVERAGE, values.mean())]
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def to_text(errors: pd.DataFrame) -> str:
    """For reading: a line per landmark, and their mean."""
    names = errors.loc[errors["metric"] == TRE, "structure"]
    values = (errors.loc[errors["metric"] == metric, "value"] for metric in (TRE, TRE_BEFORE))
    width = max(map(len, [*names, "landmark"]))
    lines = [f"{'landmark':{width}}  {'TRE mm':>8}  {'before':>8}"]
    lines += [f"{name:{width}}  {left:8.3f}  {before:8.3f}" for name, left, before in zip(names, *values, strict=True)]
    return "\n".join(lines)
