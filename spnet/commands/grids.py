"""Options that several commands share: the images whose grids a transform does not know itself."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_grids(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --fixed and --moving; `what` says what the fixed image is for."""
    grids = parser.add_argument_group("images whose grids are needed")
    grids.add_argument(
        "--fixed",
        type=Path,
        metavar="FILE",
        help=f"{what} (default: the fixed image that the transform was made for; ITK's composites and Learn2Reg's files"
        " do not tell it)",
    )
    grids.add_argument(
        "--moving",
        type=Path,
        metavar="FILE",
        help="the moving image, which only Learn2Reg's forms and points in voxels need to be told",
    )
