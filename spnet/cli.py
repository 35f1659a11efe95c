"""The command `spnet`, for a person at a terminal: puts the commands of spnet/commands together."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from spnet import __version__
from spnet.commands import convert, doctor, evaluate, jacobian, methods, register, report, warp, weights
from spnet.errors import SpnetError

COMMANDS = (
    register,
    warp,
    jacobian,
    convert,
    evaluate,
    report,
    methods,
    weights,
    doctor,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        # A command that can end badly without an error says so by a status.
        status = options.run(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever reads has had enough, as `| head` has; Python would fail once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SpnetError as error:
        print(f"spnet: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="spnet", description="SPnet, reproduced: tools beside the workflow.")
    parser.add_argument("--version", action="version", version=f"spnet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
