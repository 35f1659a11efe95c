"""`spnet convert`: transforms between programs' forms."""

from __future__ import annotations

import argparse
from pathlib import Path

from spnet.commands.grids import add_grids

_DESCRIPTION = """\
Convert a transform between the forms of several programs.

forms:
  native           NAME.npz         ours: the deformation on the common grid
                                    and both affines, exact and small
  itk              NAME.nii.gz      ITK displacement field, 5-D NIfTI, vectors
                                    in mm (left, posterior, superior) on the
                                    fixed image's grid, affines included:
                                    antsApplyTransforms, SimpleITK, Slicer
  composite        NAME.h5          ITK composite, affine + field + affine,
                                    exact, for any grid: antsApplyTransforms,
                                    SimpleITK, Slicer
  learn2reg        disp_A_B.npz     Learn2Reg: one array [3, D, H, W], from
                                    voxels of the fixed array to voxels of the
                                    moving array
  learn2reg_nifti  disp_A_B.nii.gz  the same as NIfTI, D x H x W x 3

The file's name says the form that is written (or --form does); its content says
the form that is read. Read as well: ITK affines (.mat, .txt, .tfm), NIfTI fields
of intent 1006 (mm; right, anterior, superior), SPM's deformations (y_*.nii), and
NiftyReg's dense fields. All forms map the fixed image's points to the moving
image's, which is what warping the moving image needs.
"""
_EPILOG = """\
examples:
  spnet convert out/forward_transform.npz out/forward_transform.h5
  spnet convert out/forward_transform.npz disp_0001_0002.npz
  spnet convert disp_0001_0002.npz field.nii.gz \\
      --fixed 0001.nii.gz --moving 0002.nii.gz
  spnet convert composite.h5 field.nii.gz --fixed fixed.nii.gz
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "convert",
        help="transforms between our form, ITK's and Learn2Reg's",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("transform", type=Path, help="file to read")
    parser.add_argument("output", type=Path, help="file to write")
    parser.add_argument("--form", metavar="NAME", help="of the output (default: as its name says)")
    parser.add_argument(
        "--half",
        action="store_true",
        help="for learn2reg: half the size and float16, as its archives of 2021 (default: full size, float32)",
    )
    add_grids(parser, "image whose grid the output gets")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Convert, and print where the result is."""
    from spnet.registration.tools import convert_file

    convert_file(options.transform, options.output, options.form, options.fixed, options.moving, half=options.half)
    print(options.output)
