"""`spnet doctor`: look at everything that a run needs."""

from __future__ import annotations

import argparse
from pathlib import Path

_DESCRIPTION = """\
Look at everything that a run needs, and tell what to do where something is
amiss. Nothing is downloaded, and nothing stays on the disk.

Looked at: Python, and every package against the versions in constraints.txt;
CUDA devices and their memory; the machine's memory; free disk space where
results go; published weights and their SHA-256; raw scans under the data root,
by dataset. Then a self-test of about 20 seconds: a small virtual pair (fixed
seed) is warped, registered, trained on and scored, and what must come out is
known: opposite velocities undo each other and fold nowhere, swapped images give
swapped fields, a shifted box has Dice 1/2 and an HD95 of its shift, training
lowers the loss, ANTs finds a known shift, and a GPU agrees with the CPU.

Every line begins with
  PASS   as it should be
  WARN   not there, or slow; you may not need it
  FAIL   broken
and what to do stands below. The exit status is 1 if anything failed, else 0.
"""
_EPILOG = """\
examples:
  spnet doctor
  spnet doctor --data-root /my/data --weights-root /my/weights
  spnet doctor --no-test
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "doctor",
        help="check versions, device, weights, scans and disk, and test itself",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--no-test", action="store_true", help="only look, compute nothing")
    places = parser.add_argument_group("where things are")
    places.add_argument(
        "--data-root",
        type=Path,
        default=Path("data"),
        metavar="FOLDER",
        help="folder of the raw scans (default: %(default)s)",
    )
    places.add_argument(
        "--weights-root",
        type=Path,
        metavar="FOLDER",
        help="of published weights, besides $SPNET_SHARED/weights and the user's cache",
    )
    places.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="FOLDER",
        help="where results go (default: %(default)s)",
    )
    places.add_argument(
        "--config",
        type=Path,
        metavar="FOLDER",
        help="with datasets.yaml and methods.yaml (default: ./config, else this checkout's)",
    )
    places.add_argument("--constraints", type=Path, metavar="FILE", help="constraints.txt (default: of this checkout)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every finding as it comes; returns the exit status."""
    from spnet.doctor import Places, examine

    given = {"config": options.config, "constraints": options.constraints}
    places = Places(
        options.data_root,
        options.results,
        options.weights_root,
        **{name: path for name, path in given.items() if path is not None},
    )
    failed = 0
    for finding in examine(places, test=not options.no_test):
        print(finding, flush=True)
        failed += finding.level == "FAIL"
    if failed:
        print(f"\n{failed} of the above failed.")
    return 1 if failed else 0
