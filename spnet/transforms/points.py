"""Landmarks: files of points that say in their header what they count in, read, written and taken to another image.

=====================  =========================================================================================
``.csv``, ``.tsv``     columns ``x_mm, y_mm, z_mm`` (mm of NIfTI's world: right, anterior, superior) or ``i, j, k``
                       (voxels of the image's array, from 0), and any others, which are kept
``.fcsv``              Slicer's fiducials: mm of either world, as its ``CoordinateSystem`` says
=====================  =========================================================================================
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spnet.data.labels import AVERAGE
from spnet.data.sheets import read_sheet
from spnet.errors import DataError, OutputError, first_line
from spnet.files import write_text
from spnet.transforms.transform import Grid, Transform, transformed
from spnet.transforms.world import flip_points

Unit = Literal["mm", "mm_lps", "voxels"]

_AXES: dict[tuple[str, str, str], Unit] = {("x_mm", "y_mm", "z_mm"): "mm", ("i", "j", "k"): "voxels"}
_NAMES = ("label", "name", "id")
_SLICER: dict[str, Unit] = {"0": "mm", "RAS": "mm", "1": "mm_lps", "LPS": "mm_lps"}
_SLICER_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
_REMEDY = (
    "Name its columns x_mm, y_mm, z_mm (mm; right, anterior, superior) or i, j, k (voxels from 0),"
    " or give a fcsv file of Slicer's"
)


@dataclass(frozen=True)
class Points:
    """The points in a file, and all else that stands there.

    Attributes
    ----------
    values: [N, 3] as they stand in the file.
    unit: what they count in: mm of NIfTI's world, mm of ITK's, or voxels of an image.
    axes: the columns that hold them.
    rows: every line's fields by column.
    comments: lines before the first point, of Slicer's files.
    path: of the file.
    """

    values: NDArray[np.float64]
    unit: Unit
    axes: tuple[str, str, str]
    rows: list[dict[str, str]]
    comments: tuple[str, ...]
    path: Path

    def names(self) -> list[str]:
        """What the file calls each point, or its number from 1; names that are not unique get the number too."""
        column = next((name for name in _NAMES if self.rows and name in self.rows[0]), None)
        names = [(row[column] if column else "") or str(number) for number, row in enumerate(self.rows, start=1)]
        used = Counter([*names, AVERAGE])  # which the points' mean is called
        return [f"{name} ({number})" if used[name] > 1 else name for number, name in enumerate(names, start=1)]

    def in_world(self, grid: Grid | None, role: str) -> NDArray[np.float64]:
        """The points [N, 3] in mm (RAS); `grid` is that of the image they belong to, the fixed or the moving (`role`).

        Raises
        ------
        DataError: they count in voxels, and the grid is not known.
        """
        if self.unit == "voxels":
            return transformed(self._known(grid, role).affine, self.values.T).T
        return self.values if self.unit == "mm" else flip_points(self.values)

    def moved_to(self, points: NDArray, grid: Grid | None, role: str) -> Points:
        """The same file with other points [N, 3], in mm (RAS), of the image that `grid` belongs to."""
        if self.unit == "voxels":
            values = transformed(np.linalg.inv(self._known(grid, role).affine), points.T).T
        else:
            values = points if self.unit == "mm" else flip_points(points)
        texts = [[f"{value:.6f}" for value in point] for point in values]
        rows = [row | dict(zip(self.axes, text, strict=True)) for row, text in zip(self.rows, texts, strict=True)]
        return Points(values, self.unit, self.axes, rows, self.comments, self.path)

    def _known(self, grid: Grid | None, role: str) -> Grid:
        if grid is None:
            raise DataError(
                f"these points count in voxels, and the grid of the {role} image is not known",
                path=self.path,
                remedy=f"Give the {role} image, or points in mm",
            )
        return grid


def read_points(path: str | Path) -> Points:
    """Read a file of points.

    Raises
    ------
    DataError: no such file, no points, no header that says what they count in, or something that is no number.
    """
    path = Path(path)
    comments: tuple[str, ...] = ()
    if path.suffix == ".fcsv":
        comments, unit, rows = _read_slicer(path)
        axes = ("x", "y", "z")
    else:
        separator = "\t" if path.suffix == ".tsv" else ","
        rows = [row for _, row in read_sheet(path, (), separator=separator)]
        axes = next((names for names in _AXES if rows and set(names) <= rows[0].keys()), None)
        if axes is None:
            raise DataError("no header of this file says what its points count in", path=path, remedy=_REMEDY)
        unit = _AXES[axes]
    try:
        values = np.array([[float(row[axis]) for axis in axes] for row in rows], dtype=np.float64).reshape(-1, 3)
    except (KeyError, ValueError) as error:
        raise DataError(f"a point has no three numbers ({first_line(error)})", path=path, remedy=_REMEDY) from error
    if not len(values) or not np.isfinite(values).all():
        raise DataError("the file has no points, or some that are not finite", path=path, remedy=_REMEDY)
    return Points(values, unit, axes, rows, comments, path)


def check_inside(transform: Transform, points: NDArray, path: str | Path) -> None:
    """Refuse points [N, 3] of the fixed image's world (mm) of which a field on that image's grid knows nothing.

    Beyond such a field every program takes the identity, which leaves out the affine part. The native form and
    composites know their affines, and so do without.

    Raises
    ------
    DataError: naming the first one.
    """
    grid, fixed = transform.grid, transform.fixed
    if fixed is None or grid.shape != fixed.shape or not np.array_equal(grid.affine, fixed.affine):
        return
    voxels = transformed(np.linalg.inv(grid.affine), points.T)
    outside = ((voxels < -0.5) | (voxels > np.array(grid.shape).reshape(3, 1) - 0.5)).any(axis=0)
    if outside.any():
        raise DataError(
            f"point {int(outside.argmax()) + 1} lies outside the transform's field ({int(outside.sum())} such)",
            path=path,
            remedy="Is it of the fixed image, in the unit that the header says? The native form reaches further",
        )


def write_points(points: Points, path: str | Path) -> None:
    """Write points in the form that their file had.

    Raises
    ------
    OutputError: the name has another form's ending, or the file cannot be written.
    """
    if Path(path).suffix != points.path.suffix:
        raise OutputError(
            "points are written in the form that they came in",
            path=path,
            remedy=f"Give it a name that ends in {points.path.suffix}",
        )
    text = io.StringIO()
    separator = "\t" if points.path.suffix == ".tsv" else ","
    writer = csv.DictWriter(text, list(points.rows[0]), delimiter=separator, lineterminator="\n")
    if not points.comments:
        writer.writeheader()
    writer.writerows(points.rows)
    write_text(path, "".join(f"{line}\n" for line in points.comments) + text.getvalue())


def _read_slicer(path: Path) -> tuple[tuple[str, ...], Unit, list[dict[str, str]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"this is not a readable file ({first_line(error)})", path=path, remedy=_REMEDY) from error
    comments = tuple(line for line in lines if line.startswith("#"))
    said = _said(comments)
    system = said.get("CoordinateSystem", "")
    if system not in _SLICER:
        raise DataError(f"its CoordinateSystem is '{system}'", path=path, remedy="Known are RAS and LPS (or 0 and 1)")
    columns = said.get("columns", _SLICER_COLUMNS).split(",")
    fields = [row for row in csv.reader(line for line in lines if not line.startswith("#")) if row]
    if any(len(row) != len(columns) for row in fields):
        raise DataError("a line has another number of fields than its columns", path=path, remedy="Save it again")
    return comments, _SLICER[system], [dict(zip(columns, row, strict=True)) for row in fields]


def _said(comments: Sequence[str]) -> dict[str, str]:
    pairs = (line.lstrip("# ").split("=", 1) for line in comments if "=" in line)
    return {key.strip(): value.strip() for key, value in pairs}
