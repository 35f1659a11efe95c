"""`spnet evaluate`: score labels that any program warped."""

from __future__ import annotations

import argparse
from pathlib import Path

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
form that is known (see spnet convert --help); the numbers are the same for all.
"""
_EPILOG = """\
examples:
  spnet evaluate warped.nii.gz fixed.nii.gz
  spnet evaluate warped.nii.gz fixed.nii.gz --labels 2,3,10-15 --tsv scores.tsv
  spnet evaluate warped.nii.gz fixed.nii.gz --label-set dkt50 \\
      --transform disp_0001_0002.nii.gz
  spnet evaluate out/warped_labels.nii.gz fixed_labels.nii.gz \\
      --transform out/forward_transform.nii.gz
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
    parser.add_argument("warped", type=Path, help="moving labels, warped onto the fixed image")
    parser.add_argument("fixed", type=Path, help="labels of the fixed image")
    counted = parser.add_argument_group("the labels that count")
    which = counted.add_mutually_exclusive_group()
    which.add_argument("--labels", metavar="LIST", help="their numbers, as in 2,3,10-15 (default: all that are there)")
    which.add_argument(
        "--label-set", metavar="NAME", help="or those of a protocol, with its regions: dkt50, candi28 or oai4"
    )
    parser.add_argument("--transform", type=Path, metavar="FILE", help="the one that warped them")
    parser.add_argument(
        "--moving",
        type=Path,
        metavar="FILE",
        help="the moving labels as they were, whose grid Learn2Reg's forms do not tell (default: the fixed ones' grid)",
    )
    parser.add_argument("--tsv", type=Path, metavar="FILE", help="also write the scores: metric, structure, value")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the scores, and write them where asked to."""
    from spnet.data.labels import label_set
    from spnet.evaluation.own import evaluate_labels, parse_labels, to_text, to_tsv
    from spnet.files import write_text

    labels = None
    if options.labels is not None:
        labels = parse_labels(options.labels)
    elif options.label_set is not None:
        labels = label_set(options.label_set)
    scores = evaluate_labels(options.warped, options.fixed, labels, options.transform, options.moving)
    print(to_text(scores, labels.names if labels else None))
    if options.tsv:
        write_text(options.tsv, to_tsv(scores))
