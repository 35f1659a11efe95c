"""`spnet methods`: list all registration methods."""

from __future__ import annotations

import argparse
from pathlib import Path

_DESCRIPTION = """\
List every registration method of methods.yaml: its name (as spnet register
--method and the configuration take it), its title, the number of trainable
parameters at the paper's size, whether its authors published weights, and where
it deviates from its source or chooses what the source leaves open.
"""
_EPILOG = """\
examples:
  spnet methods
  spnet methods --tsv > methods.tsv
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "methods",
        help="list all registration methods",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--tsv", action="store_true", help="print a tab-separated table, one line per method (default: text)"
    )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FOLDER",
        help="with methods.yaml and datasets.yaml (default: ./config, else this checkout's)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the catalogue."""
    from spnet.methods.listing import list_methods, to_text, to_tsv

    catalogue = list_methods(options.config)
    print(to_tsv(catalogue) if options.tsv else to_text(catalogue))
