"""What is done with a written transform: warping other images and points, Jacobian maps, other programs' forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spnet.data.nifti import Volume, label_type, read_image, read_labels, write_volume
from spnet.errors import DataError
from spnet.registration.scan import check_file
from spnet.transforms import Grid, Transform, warp_volume
from spnet.transforms.files import form_of, read_transform, write_transform
from spnet.transforms.jacobian import jacobian_map
from spnet.transforms.points import check_inside, read_points, write_points

_LEAST_DETERMINANT = 1e-3


def warp_file(
    image: Path, transform: Path, output: Path, fixed: Path | None, moving: Path | None, *, labels: bool = False
) -> None:
    """Warp an image or labels by a transform's file and write the result.

    Parameters
    ----------
    fixed, moving: images whose grids the transform does not know, or (`fixed`) another one for the result.

    Raises
    ------
    DataError: a file cannot be used, the grid of the result is not known, or nothing comes to lie on it.
    """
    found, grid = _read(transform, fixed, moving)
    check_file(image)
    volume = read_labels(image) if labels else read_image(image)
    warped = warp_volume(volume, found, grid, "nearest" if labels else "linear")
    if not warped.data.any():
        raise DataError(
            "nothing of this image comes to lie on the fixed one's grid",
            path=image,
            remedy="Is it in the world of the transform's moving image? The backward transform goes the other way",
        )
    write_volume(output, warped, label_type(warped.data) if labels else np.float32, space=1)


def warp_points(
    points: Path, transform: Path, output: Path, fixed: Path | None, moving: Path | None, *, backward: bool = False
) -> None:
    """Take a file of points through a transform's file and write them in the form that they came in.

    Parameters
    ----------
    fixed, moving: images whose grids the transform does not know: of its own, or for points that count in voxels.
    backward: the points are the moving image's and are wanted in the fixed one; else the other way.

    Raises
    ------
    DataError: a file cannot be used, a grid is not known, or the transform cannot be followed backward.
    """
    read, grids = read_points(points), [read_grid(path) for path in (fixed, moving)]
    found = read_transform(transform, *grids)
    ends = [("fixed", grids[0] or found.fixed), ("moving", grids[1] or found.moving)]
    (start, start_grid), (end, end_grid) = reversed(ends) if backward else ends
    world = read.in_world(start_grid, start)
    try:
        mapped = found.map_points_back(world) if backward else found.map_points(world)
    except ValueError as error:
        raise DataError(
            f"this transform cannot be followed backward: {error}",
            path=transform,
            remedy="Give the transform of the other way, as spnet register writes it, without --backward",
        ) from error
    check_inside(found, mapped if backward else world, points)
    write_points(read.moved_to(mapped, end_grid, end), output)


def write_jacobian(
    transform: Path, output: Path, fixed: Path | None, moving: Path | None, *, log: bool = False
) -> dict[str, float]:
    """Write the map of a transform's Jacobian determinant.

    Parameters
    ----------
    fixed, moving: as for :func:`warp_file`.
    log: natural logarithms; what is below `_LEAST_DETERMINANT` counts as that.

    Returns
    -------
    Least, mean and largest determinant, and the percentage of voxels that are folded.
    """
    found, grid = _read(transform, fixed, moving)
    determinant = jacobian_map(found, grid)
    data = determinant.data
    shown = np.log(np.maximum(data, _LEAST_DETERMINANT)) if log else data
    write_volume(output, Volume(shown, determinant.affine), np.float32, space=1)
    return {
        "least": float(data.min()),
        "mean": float(data.mean(dtype=np.float64)),
        "largest": float(data.max()),
        "percent_folded": 100 * float((data <= 0).mean()),
    }


def convert_file(
    transform: Path, output: Path, form: str | None, fixed: Path | None, moving: Path | None, *, half: bool = False
) -> None:
    """Write a transform in another form, by default the one that the output's name stands for.

    Raises
    ------
    DataError: as :func:`spnet.transforms.files.read_transform` and ``write_transform``.
    """
    grids = [read_grid(path) for path in (fixed, moving)]
    write_transform(read_transform(transform, *grids), output, form or form_of(output), *grids, half=half)


def _read(transform: Path, fixed: Path | None, moving: Path | None) -> tuple[Transform, Grid]:
    """A transform, and the grid of the fixed image."""
    given, other = (read_grid(path) for path in (fixed, moving))
    found = read_transform(transform, given, other)
    grid = given or found.fixed
    if grid is None:
        raise DataError("this transform does not know its fixed image", path=transform, remedy="Give it with --fixed")
    return found, grid


def read_grid(path: Path | None) -> Grid | None:
    """The grid of an image's file; None of none."""
    if path is None:
        return None
    check_file(path)
    return Grid.of(read_image(path))
