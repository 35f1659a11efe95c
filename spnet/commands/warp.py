"""`spnet warp`: apply a transform to another image, to labels, or to points."""

from __future__ import annotations

import argparse
from pathlib import Path

from spnet.commands.grids import add_grids

_DESCRIPTION = """\
Warp an image, or labels, by a transform of any form that is known (see
spnet convert --help), and write it as NIfTI.

The result lies on the grid of the fixed image that the transform was made for,
or on another one's (--fixed), and is resampled once, linearly; where nothing of
the image comes to lie it is zero. Labels keep their numbers: nearest neighbour.

Points (landmarks) go the way that the transform itself goes: --points takes
points of the fixed image to the moving one, and with --backward points of the
moving image to the fixed one. Files of points:
  .csv, .tsv  columns x_mm, y_mm, z_mm (mm; right, anterior, superior), or
              i, j, k (voxels from 0), and any others, which are kept
  .fcsv       Slicer's fiducials, RAS or LPS
The result has the form of the file that was given.
"""
_EPILOG = """\
examples:
  spnet warp flair.nii.gz out/forward_transform.npz -o flair_warped.nii.gz
  spnet warp lesions.nii.gz out/forward_transform.nii.gz -o warped.nii.gz --labels
  spnet warp atlas.nii.gz out/backward_transform.npz -o on_moving.nii.gz --labels
  spnet warp --points fixed.csv out/forward_transform.npz -o on_moving.csv
  spnet warp --points moving.fcsv out/forward_transform.npz -o on_fixed.fcsv \\
      --backward
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "warp",
        help="apply a transform to another image, to labels, or to points",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        type=Path,
        metavar="IMAGE",
        help="to be warped, in the world of the transform's moving image; or a file of points, with --points",
    )
    parser.add_argument("transform", type=Path, help="of any form, see spnet convert --help")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="result, NIfTI: float32; or points"
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--labels", action="store_true", help="the image holds labels: nearest neighbour, whole numbers")
    kinds.add_argument("--points", action="store_true", help="it is no image but a file of points")
    parser.add_argument("--backward", action="store_true", help="the points are the moving image's")
    add_grids(parser, "image whose grid the result gets")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Warp, and print where the result is."""
    from spnet.errors import ConfigError
    from spnet.registration.tools import warp_file, warp_points

    if options.backward and not options.points:
        raise ConfigError("--backward is of points; an image is warped backward by the backward transform")
    files = options.source, options.transform, options.output, options.fixed, options.moving
    if options.points:
        warp_points(*files, backward=options.backward)
    else:
        warp_file(*files, labels=options.labels)
    print(options.output)
