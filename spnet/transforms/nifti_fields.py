"""What the vectors in a NIfTI file mean, told by its intent, the intent's name and its shape.

======================================  =====================================================================
D x H x W x 1 x 3, intent 1007 or none  ITK (ANTs, SimpleITK, Slicer): displacements in mm of ITK's world
intent 1006                             displacements in mm of NIfTI's world, as the standard says (ITK from 5.4)
intent named Mapping                    SPM's deformation (``y_*.nii``): positions in mm of NIfTI's world
intent named NREG_TRANS                 NiftyReg's: positions (kind 0) or displacements (kind 1) in mm of that world
D x H x W x 3, no such intent           Learn2Reg: voxels along the arrays' own axes
======================================  =====================================================================

Splines, velocities, and FSL's fields, whose mm count along the scan's own axes, are refused by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spnet.data.nifti import check_affine, load_array, position_of
from spnet.errors import DataError
from spnet.transforms.transform import Grid, Transform, in_voxels, linear_part, transformed
from spnet.transforms.world import flip_grid

Meaning = Literal["itk", "displacements", "positions", "learn2reg"]

_DISPLACEMENT = 1006
_FSL = range(2006, 2019)
_NIFTYREG: tuple[Meaning, ...] = ("positions", "displacements")
_NIFTYREG_OTHERS = ("a spline's control points", "a velocity", "a velocity", "a velocity's control points", "a spline")
_REMEDY = "Convert it with its own program to a displacement field of ITK's (ANTs, SimpleITK, Slicer)"


def read_vectors(path: Path) -> tuple[Meaning, NDArray[np.float32], Grid]:
    """What the vectors in a file mean, the vectors [3, D, H, W], and their grid.

    Raises
    ------
    DataError: unreadable, no field of vectors, or one of a meaning that is not read.
    """
    image, data = load_array(path)
    meaning = _meaning(image.header, data.ndim, path)
    if data.ndim == 5 and data.shape[3] == 1:
        data = data[:, :, :, 0]
    if data.ndim == 4 and data.shape[0] == 3 != data.shape[3]:
        data = np.moveaxis(data, 0, -1)
    if data.ndim != 4 or data.shape[3] != 3 or min(data.shape[:3]) < 2:
        raise DataError(
            f"this is no displacement field: its array has shape {image.shape}",
            path=path,
            remedy="Give a transform, not an image: D x H x W x 1 x 3 (as ITK) or D x H x W x 3 (as Learn2Reg)",
        )
    affine = position_of(image)
    check_affine(affine, path)
    if not np.isfinite(data).all():
        raise DataError("the field has values that are NaN or infinite", path=path, remedy="Make it again")
    vectors = np.moveaxis(data, -1, 0)
    return meaning, vectors, Grid(vectors.shape[1:], affine)


def from_vectors(meaning: Meaning, vectors: NDArray[np.float32], grid: Grid) -> Transform:
    """The transform that vectors in mm of either world stand for."""
    if meaning == "itk":
        displacement = in_voxels(vectors, flip_grid(grid.affine))
    elif meaning == "displacements":
        displacement = in_voxels(vectors, grid.affine)
    else:
        displacement = np.empty(vectors.shape, dtype=np.float32)
        for planes, voxels in grid.blocks():
            displacement[:, planes] = transformed(np.linalg.inv(grid.affine), vectors[:, planes]) - voxels
    return Transform(displacement, grid.affine, fixed=grid)


def check_no_positions(transform: Transform, vectors: NDArray[np.float32], path: Path) -> None:
    """Refuse positions that only their values tell from displacements (MRtrix's, or a header that lost its intent).

    Taken as positions in mm they are near the identity; taken as what they should be they squeeze or stretch the whole
    scan as no registration does.

    Raises
    ------
    DataError: so it is.
    """
    axes = np.linalg.inv(transform.affine[:3, :3])
    as_positions = linear_part(vectors) @ axes
    inside = transform.affine[:3, :3] @ (np.eye(3) + linear_part(transform.displacement)) @ axes
    scalings = np.linalg.svd((transform.after @ transform.before)[:3, :3] @ inside, compute_uv=False)
    if np.abs(as_positions - np.eye(3)).max() < 0.25 and not (scalings.min() > 0.6 and scalings.max() < 1.6):
        raise DataError(
            "this field holds positions in mm and not displacements, and its header does not say whose",
            path=path,
            remedy=_REMEDY,
        )


def _meaning(header: Any, dimensions: int, path: Path) -> Meaning:
    intent = int(header["intent_code"]) if "intent_code" in header else 0
    name = bytes(header["intent_name"]).rstrip(b"\0").decode("latin-1") if intent else ""
    if intent in _FSL:
        raise _refused("FSL's warp or its coefficients", path)
    if name == "NREG_TRANS":
        kind = round(float(header["intent_p1"]))
        if kind < len(_NIFTYREG):
            return _NIFTYREG[kind]
        others = dict(enumerate(_NIFTYREG_OTHERS, start=len(_NIFTYREG)))
        raise _refused(f"NiftyReg's, {others.get(kind, 'of an unknown kind')}", path)
    if name == "Mapping":
        return "positions"
    if intent == _DISPLACEMENT:
        return "displacements"
    return "itk" if dimensions == 5 else "learn2reg"


def _refused(what: str, path: Path) -> DataError:
    return DataError(f"this field is {what}, which is not read", path=path, remedy=_REMEDY)
