"""Displacements as colour: hue for the direction in the plane, darkness for the length, so that grey shows it too."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spnet.figures import style

# CIE Lab: white where nothing moves; at full length equally dark and colourful in all directions.
_LIGHT, _DARK, _COLOUR = 98.0, 45.0, 62.0
_WHITE_POINT = np.array([0.9505, 1.0, 1.089])
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


def direction_colours(across: NDArray, up: NDArray, largest: float) -> NDArray:
    """Displacement components -> RGB [..., 3]; lengths of `largest` and above are in full colour."""
    length = np.clip(np.hypot(across, up) / largest, 0, 1)
    angle = np.arctan2(up, across)
    light = _LIGHT - (_LIGHT - _DARK) * length
    return _lab_to_rgb(light, _COLOUR * length * np.cos(angle), _COLOUR * length * np.sin(angle))


def draw_wheel(figure: Figure, left: float, bottom: float) -> None:
    """The key of directions, half an inch wide; `left` and `bottom` in inches."""
    width, height = figure.get_size_inches()
    panel = figure.add_axes((left / width, bottom / height, 0.5 / width, 0.5 / height))
    across, up = np.meshgrid(np.linspace(-1, 1, 201), np.linspace(-1, 1, 201))
    inside = np.hypot(across, up) <= 1
    panel.imshow(np.dstack([direction_colours(across, up, 1.0), inside]), origin="lower")
    panel.set_axis_off()
    panel.annotate(
        "hue: direction within the plane\ndarkness: length, up to what is written for the rim",
        (1.1, 0.5),
        xycoords="axes fraction",
        va="center",
        fontsize=style.SMALL,
    )


def _lab_to_rgb(light: NDArray, a: NDArray, b: NDArray) -> NDArray:
    middle = (light + 16) / 116
    cubic = np.stack([middle + a / 500, middle, middle - b / 200], axis=-1)
    xyz = np.where(cubic > 6 / 29, cubic**3, (cubic - 16 / 116) * 3 * (6 / 29) ** 2) * _WHITE_POINT
    linear = np.clip(xyz @ _XYZ_TO_RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
