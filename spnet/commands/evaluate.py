"""`spnet evaluate`: score labels and landmarks that any program moved."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from spnet.commands.grids import add_grids

if TYPE_CHECKING:  # pandas takes a while to import
    import pandas as pd

_DESCRIPTION = """\
Score warped labels against fixed ones: Dice and HD95 of every structure, and
their means, as a table on the terminal.

Both volumes are label volumes (whole numbers, 0 is background), NIfTI, on one
grid: the moving labels as they were warped onto the fixed image, with nearest
neighbour, by whatever program. HD95 is in mm, by the spacing in the header;
surfaces and percentile are those of the Learn2Reg challenge. A label that only
one volume has scores Dice 0 and has no HD95; one that neither has is left out.
Both are told, and means are over the structures that have a value.

With the transform, its folding (Jab, percent of voxels) and the spread of its
Jacobian (SDlogJ) as well, at the voxels of the fixed labels. It may have any
form that is known (see spnet convert --help); the numbers are the same for all,
if Learn2Reg's are given the --moving image where its grid is another.

With --points it is landmarks instead of labels (files of points as spnet warp
takes them, the same in one order): the target registration error in mm is the
distance from where the transform takes each fixed landmark to the moving one.
"""
_EPILOG = """\
examples:
  spnet evaluate warped.nii.gz fixed.nii.gz
  spnet evaluate warped.nii.gz fixed.nii.gz --labels 2,3,10-15 --tsv scores.tsv
  spnet evaluate warped.nii.gz fixed.nii.gz --label-set dkt50 \\
      --transform disp_0001_0002.nii.gz
  spnet evaluate out/warped_labels.nii.gz fixed_labels.nii.gz \\
      --transform out/forward_transform.nii.gz
  spnet evaluate moving.csv fixed.csv --points \\
      --transform out/forward_transform.npz
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "evaluate",
        help="score your own warped labels: Dice, HD95; Jab and SDlogJ of a transform",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("warped", type=Path, help="moving labels, warped onto the fixed image; or the moving landmarks")
    parser.add_argument("target", type=Path, metavar="fixed", help="labels, or landmarks, of the fixed image")
    parser.add_argument("--points", action="store_true", help="both are landmarks: files of points")
    counted = parser.add_argument_group("the labels that count")
    which = counted.add_mutually_exclusive_group()
    which.add_argument("--labels", metavar="LIST", help="their numbers, as in 2,3,10-15 (default: all that are there)")
    which.add_argument(
        "--label-set", metavar="NAME", help="or those of a protocol, with its regions: dkt50, candi28 or oai4"
    )
    parser.add_argument("--transform", type=Path, metavar="FILE", help="the one that warped them")
    parser.add_argument("--tsv", type=Path, metavar="FILE", help="also write the scores: metric, structure, value")
    add_grids(parser, "image that landmarks in voxels belong to")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the scores, and write them where asked to."""
    from spnet.files import write_text

    table = _score_points(options) if options.points else _score_labels(options)
    if options.tsv:
        write_text(options.tsv, table.to_csv(sep="\t", index=False))


def _score_points(options: argparse.Namespace) -> pd.DataFrame:
    from spnet.errors import ConfigError
    from spnet.evaluation.landmarks import registration_error, to_text
    from spnet.registration.tools import read_grid

    if options.transform is None or options.labels or options.label_set:
        raise ConfigError("landmarks are scored with a --transform, and without labels")
    grids = (read_grid(path) for path in (options.fixed, options.moving))
    errors = registration_error(options.transform, options.target, options.warped, *grids)
    print(to_text(errors))
    return errors


def _score_labels(options: argparse.Namespace) -> pd.DataFrame:
    from spnet.data.labels import label_set
    from spnet.errors import ConfigError
    from spnet.evaluation.own import evaluate_labels, parse_labels, to_text

    if options.fixed:
        raise ConfigError("--fixed is of landmarks: of labels, the fixed ones have the grid")
    labels = None
    if options.labels is not None:
        labels = parse_labels(options.labels)
    elif options.label_set is not None:
        labels = label_set(options.label_set)
    scores = evaluate_labels(options.warped, options.target, labels, options.transform, options.moving)
    print(to_text(scores, labels.names if labels else None))
    return scores.table
