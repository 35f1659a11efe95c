"""Reading and writing volumes, with every way a file can be wrong told plainly."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import ImageOpener
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from nibabel.spatialimages import HeaderDataError
from numpy.typing import DTypeLike, NDArray

from spnet.errors import DataError, OutputError, first_line
from spnet.files import atomic_path

# Affines of an image and its labels often pass through different programs' rounding.
AFFINE_TOLERANCE_MM = 1e-3
NIFTI_SUFFIXES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Volume:
    """A 3-D array and its 4x4 voxel-to-world matrix (RAS, mm)."""

    data: NDArray
    affine: NDArray

    @property
    def spacing(self) -> NDArray:
        """Voxel size along each array axis, in mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)


def read_image(path: str | Path) -> Volume:
    """Read a scan as float32.

    Raises
    ------
    DataError: not there, not NIfTI, truncated, not 3-D, with NaN or infinite values, or zero everywhere.
    """
    volume = _read(path)
    bad = int(np.count_nonzero(~np.isfinite(volume.data)))
    if bad:
        raise DataError(
            f"the image has {bad} voxels that are NaN or infinite",
            path=path,
            remedy="Replace the file by a clean copy, or leave the subject out",
        )
    if not volume.data.any():
        raise DataError("the image is zero everywhere", path=path, remedy="Replace the file, or leave the subject out")
    return volume


def read_labels(path: str | Path, image: Volume | None = None) -> Volume:
    """Read a label volume as int32; it must lie on the grid of `image`, if there is one.

    Raises
    ------
    DataError: unreadable as for :func:`read_image`, not whole numbers, or on another grid.
    """
    volume = _read(path)
    labels = np.rint(volume.data)
    if not np.isfinite(volume.data).all() or not np.allclose(labels, volume.data, rtol=0, atol=1e-3):
        raise DataError(
            "the label volume has values that are not whole numbers",
            path=path,
            remedy="Use the original labels; if they were resampled, resample them with nearest neighbour",
        )
    if image is None:
        return Volume(labels.astype(np.int32), volume.affine)
    check_same_grid(volume, image, path)
    return Volume(labels.astype(np.int32), image.affine)


def check_same_grid(volume: Volume, reference: Volume, path: str | Path, kind: str = "label volume") -> None:
    """Raise a DataError, naming `path` and what it is, unless both volumes have one shape and one affine."""
    if volume.data.shape != reference.data.shape:
        difference = f"has shape {volume.data.shape} where its image has {reference.data.shape}"
    elif np.abs(volume.affine - reference.affine).max() > AFFINE_TOLERANCE_MM:
        difference = "has another position or orientation (affine) than its image"
    else:
        return
    raise DataError(
        f"the {kind} lies on another grid: it {difference}",
        path=path,
        remedy="Use one drawn on this very image, or resample it onto the image's grid with nearest neighbour",
    )


def reoriented(volume: Volume, axes: str) -> Volume:
    """The same voxels stored along other array axes, such as ``RAS``; nothing is resampled."""
    transform = ornt_transform(io_orientation(volume.affine), axcodes2ornt(axes))
    affine = volume.affine @ inv_ornt_aff(transform, volume.data.shape)
    return Volume(np.ascontiguousarray(apply_orientation(volume.data, transform)), affine)


def write_volume(path: str | Path, volume: Volume, dtype: DTypeLike, *, space: int = 2) -> None:
    """Write a NIfTI file atomically, affine in both the q-form and the s-form.

    Parameters
    ----------
    space: the NIfTI code of both forms (1 scanner, 2 aligned, 4 MNI152).

    Raises
    ------
    OutputError: the name is no NIfTI file's, or the file cannot be written.
    """
    if not str(path).endswith(NIFTI_SUFFIXES):
        raise OutputError("volumes are written as NIfTI", path=path, remedy="Give it a name that ends in .nii.gz")
    image = nib.Nifti1Image(volume.data.astype(dtype), volume.affine)
    image.set_qform(volume.affine, space)
    image.set_sform(volume.affine, space)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def load_array(path: str | Path) -> tuple[nib.spatialimages.SpatialImage, NDArray[np.float32]]:
    """The image in a file that nibabel reads, and its array, whatever its shape.

    Raises
    ------
    DataError: not there, not NIfTI, or truncated.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(
            "there is no such file", path=path, remedy="Check the path, or data_root and the dataset's layout"
        )
    try:
        image = nib.load(path)
        return image, np.asarray(image.dataobj, dtype=np.float32)
    except ImageFileError as error:
        raise DataError(
            "this is not a NIfTI file, or it ends within its header", path=path, remedy="Get or convert it again"
        ) from error
    except (OSError, EOFError, TypeError, ValueError, zlib.error, HeaderDataError) as error:
        raise DataError(
            f"the file is truncated or damaged ({first_line(error)})", path=path, remedy="Download or copy it again"
        ) from error


def _read(path: str | Path) -> Volume:
    path = Path(path)
    image, data = load_array(path)
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3 or min(data.shape) < 2:
        raise DataError(
            f"a 3-D volume is needed, this one has shape {data.shape}",
            path=path,
            remedy="Extract one 3-D volume from it",
        )
    affine = np.asarray(image.affine, dtype=np.float64)
    if isinstance(image, nib.Nifti1Pair):
        _check_header(image, path)
    _check_affine(affine, path)
    return Volume(data, affine)


def _check_header(image: nib.Nifti1Pair, path: Path) -> None:
    """Refuse what nibabel would mend in silence: sizes that cannot be, and two positions that contradict each other."""
    # Of a pair of files, the header is the other one.
    with ImageOpener(image.file_map.get("header", image.file_map["image"]).filename) as file:
        stored = type(image.header).from_fileobj(file, check=False)
    sizes = stored["pixdim"][1:4]
    if not (sizes > 0).all():
        raise DataError(
            f"the voxel sizes in its header are {', '.join(f'{size:g}' for size in sizes)} mm",
            path=path,
            remedy="Write the true sizes into the header, or convert the scan from its original again",
        )
    first, second = image.header.get_qform(coded=True)[0], image.header.get_sform(coded=True)[0]
    if first is None or second is None:
        return
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [*np.subtract(image.shape[:3], 1), 1]
    apart = np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max()
    if apart > 0.5 * sizes.min():
        raise DataError(
            f"its header gives two positions (q-form and s-form) that lie up to {apart:.1f} mm apart",
            path=path,
            remedy="Find out which is right (look at the scan over its labels) and copy it onto the other,"
            " for instance with fslorient -copysform2qform",
        )


def _check_affine(affine: NDArray, path: Path) -> None:
    """Refuse positions that cannot be, and shear, which ITK images cannot express."""
    columns = affine[:3, :3]
    if not np.isfinite(affine).all() or abs(np.linalg.det(columns)) < 1e-9:
        problem = "the affine in its header is not a position in space"
    else:
        direction = columns / np.linalg.norm(columns, axis=0)
        if np.abs(direction.T @ direction - np.eye(3)).max() <= 1e-3:
            return
        problem = "the affine in its header has shear"
    raise DataError(
        problem, path=path, remedy="Resample the volume onto a grid with orthogonal axes, or convert it again"
    )
