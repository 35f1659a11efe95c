"""Transforms as ITK's programs read them: displacement fields as NIfTI, and composites with the affines as HDF5.

ITK's displacements are in mm along the axes of its own world (:mod:`spnet.transforms.world`), whatever the directions
of the grid; NIfTI files of them have five dimensions, the fourth of size 1, and intent 1007 (vector). ANTs, SimpleITK
and Slicer apply them to an image without knowing where they came from.
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
from spnet.transforms.transform import Transform, in_voxels, on_grid
from spnet.transforms.world import flip_grid, flip_map, grid_matrix, itk_geometry

if TYPE_CHECKING:
    import SimpleITK as sitk

_INTENT_VECTOR = 1007
_SCANNER = 1


def write_itk_field(transform: Transform, path: str | Path) -> None:
    """Write the whole transform, affines included, as one displacement field on the grid of its fixed image.

    ``antsApplyTransforms -r fixed -i moving -t FILE`` then warps the moving image; at the voxels of the fixed image
    nothing is interpolated but the moving image.

    Parameters
    ----------
    path: of a NIfTI file. Its vectors take 12 bytes a voxel.
    """
    affine = transform.fixed.affine
    vectors = _to_lps(on_grid(transform, transform.fixed))
    image = nib.Nifti1Image(np.moveaxis(vectors, 0, -1)[:, :, :, None, :], affine)
    image.header.set_intent(_INTENT_VECTOR)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, _SCANNER)
    image.set_sform(affine, _SCANNER)
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


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
    if read.GetDimension() != 3:
        raise DataError(
            f"this transform has {read.GetDimension()} dimensions", path=path, remedy="Give one of 3-D images"
        )
    sides, found = [np.eye(4), np.eye(4)], None
    for part in _in_order_of_application(read):
        if part.GetName() == "DisplacementFieldTransform" and found is None:
            field = sitk.DisplacementFieldTransform(part).GetDisplacementField()
            affine = grid_matrix(field.GetSpacing(), field.GetOrigin(), field.GetDirection())
            found = in_voxels(sitk.GetArrayFromImage(field).T, flip_grid(affine)), affine
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
    to_mm = flip_grid(transform.affine)[:3, :3]
    return np.tensordot(to_mm, transform.displacement, 1).astype(np.float32)


def _to_affine(matrix: NDArray) -> sitk.AffineTransform:
    """A map of RAS worlds as one of ITK's."""
    import SimpleITK as sitk

    flipped = flip_map(matrix)
    return sitk.AffineTransform(flipped[:3, :3].ravel().tolist(), flipped[:3, 3].tolist())


def _matrix(transform: sitk.Transform) -> NDArray:
    """A linear transform of ITK's as a map of RAS worlds, whatever its parameters are."""
    origin, *ends = (np.array(transform.TransformPoint(point.tolist())) for point in (np.zeros(3), *np.eye(3)))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.stack(ends, axis=1) - origin[:, None], origin
    return flip_map(matrix)


def _to_field(transform: Transform) -> sitk.DisplacementFieldTransform:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(_to_lps(transform).T.astype(np.float64), isVector=True)
    spacing, origin, direction = itk_geometry(transform.affine)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    image.SetDirection(direction.ravel().tolist())
    return sitk.DisplacementFieldTransform(image)
