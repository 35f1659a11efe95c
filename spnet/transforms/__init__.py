"""Transforms between images in physical space: composed, applied, and exchanged with other programs.

A transform maps a point of the fixed image's world to the moving image's, in mm, and warping pulls back through it:
``warped(p) = moving(phi(p))``. Worlds are NIfTI's (right, anterior, superior); other programs' conventions exist only
while a file is read or written (:mod:`spnet.transforms.files`).
"""

from spnet.transforms.apply import warp_volume
from spnet.transforms.transform import Grid, Transform, on_grid

__all__ = ["Grid", "Transform", "on_grid", "warp_volume"]
