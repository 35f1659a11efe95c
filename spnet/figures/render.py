"""Label volumes in three dimensions, seen from a distance and lit from above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, distance_transform_edt, gaussian_filter

_PIXELS = 240  # along a picture's longer side
_SMOOTHNESS = 0.8  # voxels
_MARGIN = 2  # voxels around the body, so that its smoothed surface is closed
_SURFACE = 0.45
_LIGHT = np.array([-0.4, 0.6, 0.7])  # to the left, above, before the body
_AMBIENT = 0.5


Box = tuple[NDArray, NDArray]


def common_box(volumes: Sequence[NDArray]) -> Box:
    """First voxel, and the one behind the last, of all that is not background in any of the volumes."""
    places = [np.argwhere(volume > 0) for volume in volumes if volume.any()]
    low = np.min([place.min(0) for place in places], axis=0)
    return low, np.max([place.max(0) for place in places], axis=0) + 1


def render(
    index: NDArray[np.uint8], colours: NDArray, box: Box, azimuth: float = 30.0, elevation: float = 15.0
) -> NDArray:
    """Draw the surface of a volume of part numbers in RAS.

    Parameters
    ----------
    index: 0 for background, n for a part in the colour n - 1.
    colours: RGB, [parts, 3].
    box: what the picture has room for; pictures of one box are of one size and scale.
    azimuth: degrees that the eye stands to the body's left of straight ahead.
    elevation: degrees that the eye stands above.

    Returns
    -------
    RGBA [rows, columns, 4], the top row first; transparent where the body is not.
    """
    picture_axes = _camera(azimuth, elevation)
    sampled, parts = _sample(index, picture_axes, box)
    inside = sampled > _SURFACE
    hit = inside.any(axis=2)
    depth = inside.argmax(axis=2)
    rows, columns = np.nonzero(hit)
    place = (rows, columns, depth[rows, columns])
    gradient = np.stack([np.gradient(sampled, axis=axis)[place] for axis in range(3)], axis=-1)
    normal = -gradient / np.linalg.norm(gradient, axis=-1, keepdims=True).clip(1e-6)
    # Down, to the right and away from the eye are the picture's axes.
    light = np.array([-_LIGHT[1], _LIGHT[0], -_LIGHT[2]]) / np.linalg.norm(_LIGHT)
    shade = _AMBIENT + (1 - _AMBIENT) * np.clip(normal @ light, 0, 1)
    picture = np.zeros((*hit.shape, 4))
    picture[rows, columns, :3] = colours[parts[place] - 1] * shade[:, None]
    picture[rows, columns, 3] = 1
    return picture


def trim(pictures: Sequence[NDArray]) -> list[NDArray]:
    """Cut away the borders where none of the pictures shows anything, but for room for a line of text at the top."""
    rows, columns = np.nonzero(np.any([picture[..., 3] > 0 for picture in pictures], axis=0))
    top = max(0, rows.min() - np.ptp(rows) // 8)
    shown = slice(top, rows.max() + 1), slice(columns.min(), columns.max() + 1)
    return [picture[shown] for picture in pictures]


def _camera(azimuth: float, elevation: float) -> NDArray:
    """Columns: down, right and away from the eye, as directions in RAS."""
    turn, rise = np.radians([azimuth, elevation])
    eye = np.array([-np.sin(turn) * np.cos(rise), np.cos(turn) * np.cos(rise), np.sin(rise)])
    right = np.array([-np.cos(turn), -np.sin(turn), 0.0])
    down = np.cross(-eye, right)
    return np.stack([down, right, -eye], axis=1)


def _sample(index: NDArray[np.uint8], axes: NDArray, box: Box) -> tuple[NDArray, NDArray]:
    """How much of every point is body, and the number of the nearest part, along the picture's axes."""
    inner = np.pad(index[tuple(slice(low, high) for low, high in zip(*box, strict=True))], _MARGIN)
    corners = (np.array(list(np.ndindex(2, 2, 2))) * (np.array(inner.shape) - 1)) @ axes
    extent = np.ptp(corners, axis=0)
    step = extent[:2].max() / _PIXELS
    shape = tuple((extent / step).astype(int) + 1)
    transform = {"matrix": axes * step, "offset": axes @ corners.min(0), "output_shape": shape}
    solid = gaussian_filter((inner > 0).astype(np.float32), _SMOOTHNESS)
    nearest = distance_transform_edt(inner == 0, return_distances=False, return_indices=True)
    filled = inner[tuple(nearest)]
    return affine_transform(solid, order=1, **transform), affine_transform(filled, order=0, mode="nearest", **transform)
