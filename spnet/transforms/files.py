"""Transform files of every form: read by what is in them, written by what is wanted."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tokenize import TokenError

import numpy as np

from spnet.data.nifti import AFFINE_TOLERANCE_MM, NIFTI_SUFFIXES
from spnet.errors import DataError, did_you_mean, first_line
from spnet.transforms.itk import read_composite, write_composite, write_itk_field
from spnet.transforms.learn2reg import from_learn2reg, write_nifti, write_npz
from spnet.transforms.native import from_native, is_native, write_native
from spnet.transforms.nifti_fields import check_no_positions, from_vectors, read_vectors
from spnet.transforms.transform import Grid, Transform


@dataclass(frozen=True)
class Form:
    """One form of transform files.

    Attributes
    ----------
    pattern: what its files are named like.
    endings: of names that its writer takes.
    write: function of the transform and the path.
    needs: which images' grids it cannot be written without.
    """

    pattern: str
    endings: tuple[str, ...]
    write: Callable[..., None]
    needs: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether a file's name is one that this form's files have."""
        return name.startswith(self.pattern.split("*")[0]) and name.endswith(self.endings)


# Of two forms with one ending, the one with the more particular names comes first.
FORMS = {
    "learn2reg": Form("disp_*.npz", (".npz",), write_npz, ("fixed", "moving")),
    "learn2reg_nifti": Form("disp_*.nii.gz", NIFTI_SUFFIXES, write_nifti, ("fixed", "moving")),
    "native": Form("*.npz", (".npz",), write_native),
    "itk": Form("*.nii.gz", NIFTI_SUFFIXES, write_itk_field, ("fixed",)),
    "composite": Form("*.h5", (".h5", ".hdf5"), write_composite),
}
_AFFINE_SUFFIXES = (".tfm", ".mat", ".txt", ".xfm")
_ITK_SUFFIXES = (".h5", ".hdf5", ".hdf", *_AFFINE_SUFFIXES)
# What numpy and the libraries beneath it raise on archives that are cut off or have bytes changed.
_DAMAGE = (
    *(OSError, EOFError, LookupError, MemoryError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(TokenError, zipfile.BadZipFile, zlib.error),
)
_PATTERNS = ", ".join(form.pattern for form in FORMS.values())


def form_of(path: str | Path) -> str:
    """The form that a file's name stands for.

    Raises
    ------
    DataError: none has such names.
    """
    for name, form in FORMS.items():
        if form.has(Path(path).name):
            return name
    raise DataError(
        "no form of transform has names like this", path=path, remedy=f"Name it {_PATTERNS}, or say the form"
    )


def check_form(form: str) -> Form:
    """The form of a name, or a DataError with the known ones."""
    if form not in FORMS:
        raise DataError(
            f"there is no form of transform '{form}'{did_you_mean(form, FORMS)}", remedy=f"Known are {', '.join(FORMS)}"
        )
    return FORMS[form]


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
        transform = _read_nifti(path, fixed, moving)
    elif path.suffix == ".npz":
        transform = _read_archive(path, fixed, moving)
    elif path.suffix in _ITK_SUFFIXES:
        transform = read_composite(path)
    else:
        raise DataError(
            "no transform that is known here has a name like this",
            path=path,
            remedy=f"Known are {_PATTERNS} and affines of ITK ({', '.join(_AFFINE_SUFFIXES)})",
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
    half: of Learn2Reg's npz alone, see :mod:`spnet.transforms.learn2reg`.

    Raises
    ------
    DataError: a grid is needed and not known, or the name has another form's ending.
    OutputError: the file cannot be written.
    """
    wanted = check_form(form)
    if not str(path).endswith(wanted.endings):
        raise DataError(
            f"a transform of the form '{form}' cannot have this name", path=path, remedy=f"Name it {wanted.pattern}"
        )
    if half and form != "learn2reg":
        raise DataError(f"the form '{form}' has no half size, only Learn2Reg's npz has", remedy="Leave --half away")
    known = replace(transform, fixed=fixed or transform.fixed, moving=moving or transform.moving)
    for role in wanted.needs:
        _needed(getattr(known, role), role, path)
    wanted.write(known, path, **({"half": True} if half else {}))


def _needed(grid: Grid | None, role: str, path: str | Path) -> Grid:
    if grid is None:
        raise DataError(
            f"the grid of the {role} image is needed for this form, and nothing tells it",
            path=path,
            remedy=f"Give the image with --{role}",
        )
    return grid


def _read_nifti(path: Path, fixed: Grid | None, moving: Grid | None) -> Transform:
    meaning, vectors, grid = read_vectors(path)
    if meaning == "learn2reg":
        # What Learn2Reg's own program ignores, many a writer leaves at the identity.
        placed = not np.array_equal(grid.affine, np.eye(4))
        if fixed is not None and placed and np.abs(grid.affine - fixed.affine).max() > AFFINE_TOLERANCE_MM:
            raise DataError(
                "this field has another position or orientation (affine) than the fixed image",
                path=path,
                remedy="Give the image that it was made for",
            )
        fixed = fixed or (grid if placed else None)
        grids = _needed(fixed, "fixed", path), _needed(moving, "moving", path)
        try:
            transform = from_learn2reg(vectors, *grids)
        except ValueError as error:
            raise DataError(
                f"this field lies on another grid: {error}", path=path, remedy="Give the image that it was made for"
            ) from error
    else:
        transform = from_vectors(meaning, vectors, grid)
    if meaning in ("itk", "learn2reg"):
        check_no_positions(transform, vectors, path)
    return transform


def _read_archive(path: Path, fixed: Grid | None, moving: Grid | None) -> Transform:
    try:
        with np.load(path) as archive:
            arrays = dict(archive)
        if is_native(arrays):
            return from_native(arrays)
        if len(arrays) != 1:
            raise ValueError(f"it has neither the native form nor Learn2Reg's one array, but {', '.join(arrays)}")
        (array,) = arrays.values()
        return from_learn2reg(array, _needed(fixed, "fixed", path), _needed(moving, "moving", path))
    except _DAMAGE as error:
        raise DataError(
            f"this is no transform that can be read ({first_line(error)})",
            path=path,
            remedy="Give what spnet register or spnet convert wrote, or a disp_*.npz of Learn2Reg's",
        ) from error
