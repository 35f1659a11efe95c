"""`spnet warp`: apply a transform to another image, or to labels."""

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
"""
_EPILOG = """\
examples:
  spnet warp flair.nii.gz out/forward_transform.npz -o flair_warped.nii.gz
  spnet warp lesions.nii.gz out/forward_transform.nii.gz -o warped.nii.gz --labels
  spnet warp atlas.nii.gz out/backward_transform.npz -o on_moving.nii.gz --labels
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "warp",
        help="apply a transform to another image, or to labels",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", type=Path, help="to be warped, in the world of the transform's moving image")
    parser.add_argument("transform", type=Path, help="of any form, see spnet convert --help")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="result, NIfTI: float32")
    parser.add_argument(
        "--labels", action="store_true", help="the image holds labels: nearest neighbour, whole numbers"
    )
    add_grids(parser, "the result")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Warp, and print where the result is."""
    from spnet.registration.tools import warp_file

    warp_file(options.image, options.transform, options.output, options.fixed, options.moving, labels=options.labels)
    print(options.output)
