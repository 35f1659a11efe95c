"""Displacement and velocity fields, in one convention for the whole project.

A field is a tensor [B, 3, D, H, W] in voxels of its own grid; channel k moves array axis k; warping pulls back:
``warped(x) = moving(x + u(x))``.

Three samplers exist (methods differ in which they were trained with, and every number says which measured it):

``exact``
    A zero field is the identity; outside the volume the border value is repeated.
``exact_zeros``
    The same, but zero outside the volume (ICNet, SYMNet).
``official``
    What the authors of SPnet (and of the legacy PyTorch VoxelMorph) run: coordinates normalised by ``size - 1`` but
    sampled with ``align_corners=False`` and zeros outside. A zero field then samples ``x * s / (s - 1) - 1 / 2``, a
    stretch about the centre of half a voxel at the borders.
"""

from spnet.fields.compose import compose
from spnet.fields.integrate import integrate
from spnet.fields.jacobian import jacobian_determinant
from spnet.fields.mend import mended
from spnet.fields.orient import Orientation
from spnet.fields.resize import crop, pad_to_multiple, upsample, upsample_from_corner
from spnet.fields.warp import Sampler, warp

__all__ = [
    "Orientation",
    "Sampler",
    "compose",
    "crop",
    "integrate",
    "jacobian_determinant",
    "mended",
    "pad_to_multiple",
    "upsample",
    "upsample_from_corner",
    "warp",
]
