"""`spnet register`: two scans, or a table of pairs, from native space to native space."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import
    from spnet.registration.choice import Choice
    from spnet.registration.output import PairFiles, Settings

_DESCRIPTION = """\
Register a moving scan to a fixed one, both as they come: any position,
orientation, spacing and size.

Each scan is prepared as the scans were that the network was trained on
(affine step to the template, common grid, intensities), the network registers
them there, and everything is brought back: the moving image and labels lie on
the fixed image's own grid in the end, resampled once. Preparing a scan takes a
minute or two, the network less.

The network expects what it was trained on. For the published SPnet that is
T1-weighted adult brains without skull, with a background of zero: give masks of
whole heads (--moving-mask, --fixed-mask), or have the skull stripped.

written into the output folder:
  warped.nii.gz              the moving image on the fixed one's grid
  warped_labels.nii.gz       the moving labels there, where they were given
  forward_transform.nii.gz   ITK displacement field (mm, LPS), affine parts
  backward_transform.nii.gz  included, and the one that warps the fixed scan:
                             antsApplyTransforms -r fixed -i moving
                               -t forward_transform.nii.gz
  forward_transform.npz      the same for spnet warp, jacobian and convert:
  backward_transform.npz     smaller, exact
  qc.png                     before, after, deformed grid, Jacobian: look at it
  report.json                likeness before and after, Dice, folding (percent
                             of voxels), inverse consistency (mm), seconds,
                             memory (MiB), versions, checksum of the weights;
                             and flags, which tell that it may have failed
"""
_EPILOG = """\
the table of pairs:
  --pairs names a table, separated by tabs, with the columns moving and fixed,
  and where wanted id, moving_labels, fixed_labels, moving_mask, fixed_mask,
  moving_side, fixed_side; paths count from the table's folder. Every pair gets
  a folder of its id, and summary.tsv a line. A scan in several pairs is
  prepared once. Started again, pairs that are finished are kept, unless their
  files or the settings changed. A pair that fails stops no other.

The exit status is 1 if anything failed, else 0.

examples:
  spnet register moving.nii.gz fixed.nii.gz -o out
  spnet register moving.nii.gz fixed.nii.gz -o out \\
      --moving-labels a.nii.gz --fixed-labels b.nii.gz --instance-steps 20
  spnet register head1.nii.gz head2.nii.gz -o out --skull-strip template
  spnet register moving.nii.gz fixed.nii.gz -o out \\
      --model results/paper/models/mindboggle101/spnet/seed-0
  spnet register --pairs pairs.tsv -o out --jobs 2
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "register",
        usage="spnet register [options] MOVING FIXED -o FOLDER\n       spnet register [options] --pairs TSV -o FOLDER",
        help="register two scans, or a table of pairs, in native space",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "moving",
        type=Path,
        nargs="?",
        metavar="MOVING",
        help="scan to be warped: NIfTI, or a folder with a DICOM series",
    )
    parser.add_argument("fixed", type=Path, nargs="?", metavar="FIXED", help="scan that stays, likewise")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="for all that is written")
    parser.add_argument(
        "--forms",
        default="itk,native",
        metavar="LIST",
        help="of the transforms: of itk, native, composite, learn2reg, learn2reg_nifti, see spnet convert --help"
        " (default: %(default)s)",
    )
    many = parser.add_argument_group("many pairs")
    many.add_argument("--pairs", type=Path, metavar="TSV", help="a table of pairs, instead of two scans")
    many.add_argument("--jobs", type=int, default=1, metavar="N", help="pairs at a time (default: %(default)s)")
    _add_scan_options(parser)
    _add_method_options(parser)
    parser.set_defaults(run=run)


def _add_scan_options(parser: argparse.ArgumentParser) -> None:
    scans = parser.add_argument_group("the scans")
    for role in ("moving", "fixed"):
        scans.add_argument(f"--{role}-labels", type=Path, metavar="FILE", help=f"labels on the {role} scan's grid")
        scans.add_argument(
            f"--{role}-mask", type=Path, metavar="FILE", help="brain mask on its grid: all else is set to zero"
        )
        scans.add_argument(f"--{role}-side", choices=("left", "right"), help="of a knee, where right ones are mirrored")
    scans.add_argument(
        "--skull-strip",
        choices=("none", "template", "labels"),
        help="find the brain by registering the template's (minutes), or take the union of the labels"
        " (default: as the dataset's preparation says)",
    )
    scans.add_argument(
        "--series", metavar="TEXT", help="part of the series' description, where a folder has several DICOM series"
    )
    scans.add_argument(
        "--orientation",
        metavar="AXES",
        help="where the voxel axes run, such as LAS (left, anterior, superior), in files whose headers do not tell",
    )
    scans.add_argument(
        "--aligned", action="store_true", help="the scans lie in the template's space already: no affine step"
    )


def _add_method_options(parser: argparse.ArgumentParser) -> None:
    method = parser.add_argument_group("the method")
    which = method.add_mutually_exclusive_group()
    which.add_argument("--method", metavar="NAME", help="of `spnet methods` (default: spnet)")
    which.add_argument(
        "--model", type=Path, metavar="FOLDER", help="a training of a run, weights.pt and run.yaml in it"
    )
    method.add_argument(
        "--weights", type=Path, metavar="FILE", help="for --method (default: its authors', found or fetched, checked)"
    )
    method.add_argument(
        "--weights-root",
        type=Path,
        metavar="FOLDER",
        help="to look for published weights in, besides $SPNET_SHARED/weights and the user's cache",
    )
    method.add_argument(
        "--dataset", metavar="NAME", help="whose preparation (default: the one that the weights were trained on)"
    )
    method.add_argument(
        "--config",
        type=Path,
        metavar="FOLDER",
        help="with methods.yaml and datasets.yaml (default: ./config, else this checkout's)",
    )
    method.add_argument(
        "--instance-steps",
        type=int,
        default=0,
        metavar="N",
        help="improve the field on the pair itself by N steps of gradient descent at half the resolution, for local"
        " cross-correlation and smoothness; never with more folding; 20 is a good start"
        " (default: %(default)s)",
    )
    method.add_argument(
        "--reading",
        choices=("auto", "trained_sampler", "exact"),
        default="auto",
        help="fields as the sampler that the method was trained with reads them, or as they are (default: exact where"
        " one pass gives both directions, else trained_sampler)",
    )
    method.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Register, and print what came out."""
    from spnet.registration.batch import SUMMARY, read_pairs, register_batch, to_text
    from spnet.registration.output import PairFiles, Settings
    from spnet.registration.scan import ScanFiles

    _check(options)
    pairs = read_pairs(options.pairs) if options.pairs else None
    choice = _chosen(options)
    settings = Settings(options.instance_steps, tuple(dict.fromkeys(options.forms.split(","))), options.reading)
    if pairs is not None:
        summary = register_batch(pairs, choice, settings, options.output, options.device, options.jobs)
        print(to_text(summary))
        print(options.output / SUMMARY)
        return int((summary["status"] == "failed").any())
    scans = [
        ScanFiles(*(getattr(options, name) for name in (role, f"{role}_labels", f"{role}_mask", f"{role}_side")))
        for role in ("moving", "fixed")
    ]
    _register_one(PairFiles(*scans), choice, settings, options)
    return 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what contradicts itself, before anything is fetched or computed."""
    from spnet.config.models.datasets import AXES, PATTERNS
    from spnet.errors import ConfigError
    from spnet.transforms.files import check_form

    if (options.pairs is None) == (options.moving is None or options.fixed is None):
        raise ConfigError("give either a moving and a fixed scan, or a table with --pairs")
    of_scans = [f"--{role}-{kind}" for role in ("moving", "fixed") for kind in ("labels", "mask", "side")]
    given = [name for name in of_scans if getattr(options, name[2:].replace("-", "_")) is not None]
    if options.pairs and (given or options.moving):
        raise ConfigError(
            f"with --pairs, {' and '.join(given) or 'a scan'} has no meaning", remedy="Write it into the table"
        )
    if options.model and options.weights:
        raise ConfigError("--model has weights of its own", remedy="Leave --weights away, or name a --method instead")
    if options.orientation and not re.fullmatch(AXES, options.orientation):
        raise ConfigError(f"--orientation is not '{options.orientation}'", remedy=f"Give {PATTERNS[AXES]}")
    if options.jobs < 1 or options.instance_steps < 0:
        raise ConfigError("--jobs is 1 or more, --instance-steps 0 or more", remedy="Give such a number")
    for form in options.forms.split(","):
        check_form(form)


def _chosen(options: argparse.Namespace) -> Choice:
    """The method that the options name, and the preparation as they change it."""
    from dataclasses import replace

    from spnet.registration.choice import choose_named, choose_trained

    if options.model:
        choice = choose_trained(options.model, options.dataset, options.config)
    else:
        method = options.method or "spnet"
        choice = choose_named(method, options.weights, options.dataset, options.config, options.weights_root)
    affine = "aligned" if options.aligned else None
    wanted = {"affine": affine} | {name: getattr(options, name) for name in ("skull_strip", "orientation", "series")}
    wanted = {key: value for key, value in wanted.items() if value}
    return replace(choice, preparation=replace(choice.preparation, **wanted))


def _register_one(files: PairFiles, choice: Choice, settings: Settings, options: argparse.Namespace) -> None:
    from spnet.registration.output import register_files, to_text

    method = choice.spec.build(options.device)
    print(to_text(register_files(files, choice, method, settings, options.output)))
    print(options.output)
