"""`spnet weights`: fetch weights that a method's authors published."""

from __future__ import annotations

import argparse
from pathlib import Path

_DESCRIPTION = """\
Fetch weights that a method's authors published, and print where they are.

They are looked for in $SPNET_SHARED/weights, in --weights-root and in the
user's cache; else they are downloaded into that cache, from their authors'
repository at a pinned commit. The SHA-256 is checked wherever they come from.

names:
  spnet          SPnet, trained on Mindboggle101
  lapirn-diff    LapIRN, diffeomorphic, trained on OASIS
  lapirn-disp    LapIRN, displacements, trained on OASIS
  symnet         SYMNet, trained on OASIS
"""
_EPILOG = """\
examples:
  spnet weights
  spnet weights lapirn-diff --to lapirn.pth
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "weights",
        help="fetch weights that a method's authors published",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", default="spnet", help="which of them (default: %(default)s)")
    parser.add_argument("--weights-root", type=Path, metavar="FOLDER", help="to look in before downloading")
    parser.add_argument("--to", type=Path, metavar="FILE", help="also copy them to FILE")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print where the weights are."""
    from spnet.weights import copy_published, find_published

    if options.to:
        print(copy_published(options.name, options.to, options.weights_root))
    else:
        print(find_published(options.name, options.weights_root))
