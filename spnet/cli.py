"""The command `spnet`, for a person at a terminal."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from spnet import __version__
from spnet.commands import doctor, evaluate
from spnet.errors import SpnetError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return options.run(options) or 0
    except SpnetError as error:
        print(f"spnet: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spnet", description="SPnet, reproduced: tools beside the workflow.")
    parser.add_argument("--version", action="version", version=f"spnet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    weights = commands.add_parser(
        "weights",
        help="fetch weights that a method's authors published",
        description="Find published weights in $SPNET_SHARED/weights, in --weights-root or in the user's cache;"
        " else download them from their authors' repository at a pinned commit. The SHA-256 is always checked."
        " Prints the path.",
    )
    weights.add_argument("name", nargs="?", default="spnet", help="which weights (default: %(default)s)")
    weights.add_argument("--weights-root", type=Path, help="folder to look in before downloading")
    weights.add_argument("--to", type=Path, metavar="FILE", help="also copy them to FILE")
    weights.set_defaults(run=_weights)
    methods = commands.add_parser(
        "methods",
        help="list all registration methods",
        description="List every method: its title, trainable parameters at the paper's size, whether its authors"
        " published weights, and where it deviates from its source or chooses what the source leaves open.",
    )
    methods.add_argument("--tsv", action="store_true", help="tab-separated, one line per method")
    methods.add_argument("--config", type=Path, metavar="FILE", help="methods.yaml (default: of this checkout)")
    methods.set_defaults(run=_methods)
    for command in (evaluate, doctor):
        command.add(commands)
    return parser


def _weights(options: argparse.Namespace) -> None:
    from spnet.weights import copy_published, find_published

    if options.to:
        print(copy_published(options.name, options.to, options.weights_root))
    else:
        print(find_published(options.name, options.weights_root))


def _methods(options: argparse.Namespace) -> None:
    from spnet.catalogue import find_methods_file, read_catalogue, to_text, to_tsv

    catalogue = read_catalogue(options.config or find_methods_file())
    print(to_tsv(catalogue) if options.tsv else to_text(catalogue))
