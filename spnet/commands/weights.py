"""`spnet weights`: fetch weights that a method's authors published."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "weights",
        help="fetch weights that a method's authors published",
        description="Find published weights in $SPNET_SHARED/weights, in --weights-root or in the user's cache;"
        " else download them from their authors' repository at a pinned commit. The SHA-256 is always checked."
        " Prints the path.",
    )
    parser.add_argument("name", nargs="?", default="spnet", help="which weights (default: %(default)s)")
    parser.add_argument("--weights-root", type=Path, help="folder to look in before downloading")
    parser.add_argument("--to", type=Path, metavar="FILE", help="also copy them to FILE")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print where the weights are."""
    from spnet.weights import copy_published, find_published

    if options.to:
        print(copy_published(options.name, options.to, options.weights_root))
    else:
        print(find_published(options.name, options.weights_root))
