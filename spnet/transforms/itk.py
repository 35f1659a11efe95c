"""Transforms as ITK's programs read them: displacement fields as NIfTI, and composites with the affines as HDF5.

ITK's worlds point left, posterior, superior (LPS). Its displacements are in mm along those axes, whatever the
directions of the grid; NIfTI files of them have five dimensions, the fourth of size 1, and intent 1007 (vector). ANTs,
SimpleITK and Slicer apply them to an image without knowing where they came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from spnet.errors import DataError, first_line
from spnet.files import atomic_path
from spnet.transforms.transform import Grid, Transform, on_grid

if TYPE_CHECKING:
    import SimpleITK as sitk

_INTENT_VECTOR = 1007
_SCANNER = 1
_FLIP = np.array([-1.0, -1.0, 1.0])
_LPS = np.diag([*_FLIP, 1.0])


def write_itk_field(transform: Transform, path: str | Path, fixed: Grid) -> None:
    """Write the whole transform, affines included, as one displacement field on the grid of the fixed image.

    ``antsApplyTransforms -r fixed -i moving -t FILE`` then warps the moving image; at the voxels of the fixed image
    nothing is interpolated but the moving image.

    Parameters
    ----------
    path: of a NIfTI file. Its vectors take 12 bytes a voxel.
    """
    vectors = _to_lps(on_grid(transform, fixed))
    image = nib.Nifti1Image(np.moveaxis(vectors, 0, -1)[:, :, :, None, :], fixed.affine)
    image.header.set_intent(_INTENT_VECTOR)
    image.header.set_xyzt_units("mm")
    image.set_qform(fixed.affine, _SCANNER)
    image.set_sform(fixed.affine, _SCANNER)
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def itk_field(data: NDArray, affine: NDArray) -> Transform:
    """The transform of a displacement field that ITK's programs wrote, [D, H, W, 1, 3] as nibabel reads it."""
    vectors = np.moveaxis(data[:, :, :, 0, :], -1, 0)
    grid = Grid(tuple(vectors.shape[1:]), affine)
    return Transform(_from_lps(vectors, affine), affine, fixed=grid)


def write_composite(transform: Transform, path: str | Path) -> None:
    """Write affine, deformation on its own grid, and affine as an ITK composite (HDF5): exact, for any fixed image.

    Raises
    ------
    OutputError: the file cannot be written.
    """
    import SimpleITK as sitk

    composite = sitk.CompositeTransform(3)
    # What is added last is applied first.
    composite.AddTransform(_to_affine(transform.after))
    composite.AddTransform(_to_field(transform))
    composite.AddTransform(_to_affine(transform.before))
    with atomic_path(path) as temporary:
        try:
            sitk.WriteTransform(composite, str(temporary))
        except RuntimeError as error:
            raise OSError(f"ITK says: {first_line(error)}") from error


def read_composite(path: str | Path) -> Transform:
    """Read an ITK transform file: affines before and after one displacement field, in any number.

    Raises
    ------
    DataError: ITK cannot read it, or it is something that these cannot express.
    """
    import SimpleITK as sitk

    try:
        read = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise DataError(
            "ITK cannot read this as a transform", path=path, remedy="Give an ITK composite (.h5) or affine (.mat)"
        ) from error
    sides, found = [np.eye(4), np.eye(4)], None
    for part in _in_order_of_application(read):
        if part.GetName() == "DisplacementFieldTransform" and found is None:
            field = sitk.DisplacementFieldTransform(part).GetDisplacementField()
            affine, vectors = _position(field), sitk.GetArrayFromImage(field).T
            found = _from_lps(vectors, affine), affine
        elif part.IsLinear():
            side = 0 if found is None else 1
            sides[side] = _matrix(part) @ sides[side]
        else:
            raise DataError(
                f"this transform has a {part.GetName()} in it, which cannot be converted",
                path=path,
                remedy="Turn it into one displacement field first, for instance with antsApplyTransforms -o [FILE,1]",
            )
    displacement, affine = found or (np.zeros((3, 2, 2, 2), dtype=np.float32), np.eye(4))
    return Transform(displacement, affine, *sides)


def _in_order_of_application(transform: sitk.Transform) -> Iterator[sitk.Transform]:
    import SimpleITK as sitk

    if transform.GetName() != "CompositeTransform":
        yield transform.Downcast()
        return
    composite = sitk.CompositeTransform(transform)
    for index in reversed(range(composite.GetNumberOfTransforms())):
        yield from _in_order_of_application(composite.GetNthTransform(index).Downcast())


def _to_lps(transform: Transform) -> NDArray[np.float32]:
    """The displacement in mm along ITK's axes, [3, D, H, W]."""
    to_mm = _FLIP[:, None] * transform.affine[:3, :3]
    return np.tensordot(to_mm.astype(np.float64), transform.displacement, 1).astype(np.float32)


def _from_lps(vectors: NDArray, affine: NDArray) -> NDArray[np.float32]:
    to_voxels = np.linalg.inv(affine[:3, :3]) * _FLIP[None]
    return np.tensordot(to_voxels, vectors, 1).astype(np.float32)


def _to_affine(matrix: NDArray) -> sitk.AffineTransform:
    """A map of RAS worlds as one of ITK's."""
    import SimpleITK as sitk

    lps = _LPS @ matrix @ _LPS
    return sitk.AffineTransform(lps[:3, :3].ravel().tolist(), lps[:3, 3].tolist())


def _matrix(transform: sitk.Transform) -> NDArray:
    """A linear transform of ITK's as a map of RAS worlds, whatever its parameters are."""
    origin, *ends = (np.array(transform.TransformPoint(point.tolist())) for point in (np.zeros(3), *np.eye(3)))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(ends, axis=1) - origin[:, None], origin
    return _LPS @ matrix @ _LPS


def _to_field(transform: Transform) -> sitk.DisplacementFieldTransform:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(_to_lps(transform).T.astype(np.float64), isVector=True)
    affine = _LPS @ transform.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    return sitk.DisplacementFieldTransform(image)


def _position(image: sitk.Image) -> NDArray:
    """An ITK image's grid as a 4x4 matrix (RAS, mm)."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return _LPS @ affine
