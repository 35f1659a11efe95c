"""`spnet jacobian`: how a transform changes volumes."""

from __future__ import annotations

import argparse
from pathlib import Path

from spnet.commands.grids import add_grids

_DESCRIPTION = """\
Write the determinant of a transform's Jacobian as a NIfTI map, and print its
least, mean and largest value and the percentage of voxels that are folded.

Voxel by voxel it tells by how much the moving image's tissue is larger (above
1) or smaller (below 1) than the fixed image's, the affine part between the two
scans included. Below zero the transform is folded: there it is no
correspondence. A mirroring of the whole (a right knee onto a left one) is no
fold and is taken out. Derivatives are central differences between the voxels of the
grid.
"""
_EPILOG = """\
examples:
  spnet jacobian out/forward_transform.npz -o determinant.nii.gz
  spnet jacobian out/forward_transform.npz -o growth.nii.gz --log
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "jacobian",
        help="map of a transform's Jacobian determinant",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("transform", type=Path, help="of any form, see spnet convert --help")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="map, NIfTI: float32")
    parser.add_argument(
        "--log", action="store_true", help="natural logarithm instead; determinants below .001 count as .001"
    )
    add_grids(parser, "image whose grid the map gets")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Write the map and print its figures."""
    from spnet.registration.tools import write_jacobian

    figures = write_jacobian(options.transform, options.output, options.fixed, options.moving, log=options.log)
    for name, value in figures.items():
        print(f"{name:16} {value:.6g}")
    print(options.output)
