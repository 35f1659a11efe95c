"""`spnet report`: the report of a run, also while it is under way."""

from __future__ import annotations

import argparse
from pathlib import Path

_DESCRIPTION = """\
Write the report of a run from what is there by now, also while Snakemake runs:
which trainings are done, under way (step, of how many, steps a second) or not
begun, which evaluations are done, every table with its gaps, every figure, and
the hours left by the seconds measured so far. Nothing is computed anew but
means, and nothing that Snakemake made is touched.

It goes to report_so_far.html in the run's folder, one file that any browser
opens without network; report.html is Snakemake's, when all is done.
"""
_EPILOG = """\
examples:
  spnet report results/paper
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "report",
        help="how far a run is, and its results so far, on one page",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="of a run, such as results/paper")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print how far the run is, and where the page is."""
    from spnet.config.files import find_published_numbers
    from spnet.report.so_far import NAME, write_report_so_far

    for line in write_report_so_far(options.folder, find_published_numbers()):
        print(line)
    print(options.folder / NAME)
