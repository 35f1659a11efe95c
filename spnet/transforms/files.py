"""Transform files of every form: reading by what is in them, writing by what is wanted."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from spnet.data.nifti import NIFTI_SUFFIXES, load_array
from spnet.errors import DataError, first_line
from spnet.transforms.itk import itk_field, read_composite, write_composite, write_itk_field
from spnet.transforms.learn2reg import KEY, from_learn2reg, write_learn2reg
from spnet.transforms.own import FORM, from_arrays, write_own
from spnet.transforms.transform import Grid, Transform

# Form -> what a file of it is named like, and the endings that its writer needs.
FORMS = {"own": "*.npz", "itk": "*.nii.gz", "composite": "*.h5", "learn2reg": "disp_*.npz"}
_ENDINGS = {"own": (".npz",), "itk": NIFTI_SUFFIXES, "composite": (".h5", ".hdf5"), "learn2reg": (".npz",)}
_AFFINE_SUFFIXES = (".tfm", ".mat", ".txt", ".xfm")
_ITK_SUFFIXES = (".h5", ".hdf5", ".hdf", *_AFFINE_SUFFIXES)


def form_of(path: str | Path) -> str:
    """The form that a file's name stands for.

    Raises
    ------
    DataError: none has such names.
    """
    name = Path(path).name
    if name.endswith(".npz"):
        return "learn2reg" if name.startswith("disp_") else "own"
    for form in ("itk", "composite"):
        if name.endswith(_ENDINGS[form]):
            return form
    raise DataError(
        "no form of transform has names like this",
        path=path,
        remedy=f"Name it {', '.join(FORMS.values())}, or say the form",
    )


def read_transform(path: str | Path, fixed: Grid | None = None, moving: Grid | None = None) -> Transform:
    """Read a transform of any form.

    Parameters
    ----------
    fixed, moving: grids of the images, which Learn2Reg's files do not tell; others may do without.

    Raises
    ------
    DataError: not there, damaged, no transform, or grids are missing.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("there is no such transform file", path=path, remedy="Check the name")
    if path.name.endswith(NIFTI_SUFFIXES):
        transform = _read_nifti(path)
    elif path.suffix == ".npz":
        transform = _read_archive(path, fixed, moving)
    elif path.suffix in _ITK_SUFFIXES:
        transform = read_composite(path)
    else:
        raise DataError(
            "no transform that is known here has a name like this",
            path=path,
            remedy=f"Known are {', '.join(FORMS.values())} and affines of ITK ({', '.join(_AFFINE_SUFFIXES)})",
        )
    if not np.isfinite(transform.displacement).all():
        raise DataError("the field has values that are NaN or infinite", path=path, remedy="Make it again")
    return transform


def write_transform(
    transform: Transform,
    path: str | Path,
    form: str,
    fixed: Grid | None = None,
    moving: Grid | None = None,
    *,
    half: bool = False,
) -> None:
    """Write a transform in one of `FORMS`.

    Parameters
    ----------
    fixed, moving: grids of the images, where the transform does not know them itself.
    half: of Learn2Reg's form, see :mod:`spnet.transforms.learn2reg`.

    Raises
    ------
    DataError: a grid is needed and not known, or the name has another form's ending.
    OutputError: the file cannot be written.
    """
    if form not in FORMS:
        raise DataError(f"there is no form '{form}'", remedy=f"Known: {', '.join(FORMS)}")
    if not str(path).endswith(_ENDINGS[form]):
        raise DataError(
            f"a transform of the form '{form}' cannot have this name", path=path, remedy=f"Name it {FORMS[form]}"
        )
    fixed, moving = fixed or transform.fixed, moving or transform.moving
    if form == "own":
        write_own(replace(transform, fixed=fixed, moving=moving), path)
    elif form == "composite":
        write_composite(transform, path)
    elif form == "itk":
        write_itk_field(transform, path, _needed(fixed, "fixed", path))
    else:
        write_learn2reg(transform, path, _needed(fixed, "fixed", path), _needed(moving, "moving", path), half=half)


def _needed(grid: Grid | None, role: str, path: str | Path) -> Grid:
    if grid is None:
        raise DataError(
            f"the grid of the {role} image is needed for this form, and nothing tells it",
            path=path,
            remedy=f"Give the image with --{role}",
        )
    return grid


def _read_nifti(path: Path) -> Transform:
    image, data = load_array(path)
    if data.ndim != 5 or data.shape[3:] != (1, 3):
        raise DataError(
            f"a displacement field of ITK has five dimensions, D x H x W x 1 x 3; this one has shape {data.shape}",
            path=path,
            remedy="Give a transform, not an image; a field of Learn2Reg's is read from its npz",
        )
    return itk_field(data, np.asarray(image.affine, dtype=np.float64))


def _read_archive(path: Path, fixed: Grid | None, moving: Grid | None) -> Transform:
    try:
        with np.load(path) as archive:
            arrays = dict(archive)
        if str(arrays.get("form")) == FORM:
            return from_arrays(arrays)
        if KEY not in arrays:
            raise ValueError(f"it has neither the form {FORM} nor Learn2Reg's {KEY}")
        return from_learn2reg(arrays[KEY], _needed(fixed, "fixed", path), _needed(moving, "moving", path))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"this is no transform that can be read ({first_line(error)})",
            path=path,
            remedy="Give what spnet register or spnet convert wrote, or a disp_*.npz of Learn2Reg's",
        ) from error
