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

from spnet.data.foreign import explain_file
from spnet.errors import DataError, OutputError, first_line
from spnet.files import atomic_path

# Affines of an image and its labels often pass through different programs' rounding.
AFFINE_TOLERANCE_MM = 1e-3
NIFTI_SUFFIXES = (".nii", ".nii.gz")
_MILLIMETRES = {1: 1000.0, 3: 0.001}  # of NIfTI's other units of length, metre and micron
# What nibabel and the libraries beneath it raise on files that are cut off or have bytes changed.
_DAMAGE = (
    OSError,
    EOFError,
    MemoryError,
    OverflowError,
    LookupError,
    TypeError,
    ValueError,
    zlib.error,
    HeaderDataError,
)


@dataclass(frozen=True)
class Volume:
    """A 3-D array and its 4x4 voxel-to-world matrix (RAS, mm)."""

    data: NDArray
    affine: NDArray

    @property
    def spacing(self) -> NDArray:
        """Voxel size along each array axis, in mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)


def read_image(path: str | Path, orientation: str | None = None) -> Volume:
    """Read a scan as float32.

    Parameters
    ----------
    orientation: where the voxel axes run, such as ``LAS``, in a file whose header does not tell.

    Raises
    ------
    DataError: not there, not NIfTI, truncated, not 3-D, with NaN or infinite values, zero everywhere, or without a
        position in space and `orientation`.
    """
    volume = _read(path, orientation)
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


def read_labels(path: str | Path, image: Volume | None = None, orientation: str | None = None) -> Volume:
    """Read a label volume as int32, or as int64 where its ids want that; on the grid of `image`, if there is one.

    Along which axes the file stores that grid does not matter: programs that convert DICOM choose their own.

    Parameters
    ----------
    orientation: as for :func:`read_image`.

    Raises
    ------
    DataError: unreadable as for :func:`read_image`, not whole numbers, too large ones, or on another grid.
    """
    volume = _read(path, orientation, exact=True)
    labels = volume.data
    if labels.dtype.kind == "f":
        labels = np.rint(labels)
        if not np.isfinite(labels).all() or not np.allclose(labels, volume.data, rtol=0, atol=1e-3):
            raise DataError(
                "the label volume has values that are not whole numbers",
                path=path,
                remedy="Use the original labels; if they were resampled, resample them with nearest neighbour",
            )
    least, most = labels.min().item(), labels.max().item()
    if most >= 2**63 or least < -(2**63):
        raise DataError(f"label ids reach {most:.0f}, more than 64 bits hold", path=path, remedy="Number them anew")
    small = least >= -(2**31) and most < 2**31
    if image is not None:
        volume = stored_as(Volume(labels, volume.affine), image)
        check_same_grid(volume, image, path)
        labels = volume.data
    return Volume(labels.astype(np.int32 if small else np.int64), volume.affine if image is None else image.affine)


def label_type(labels: NDArray[np.integer]) -> type[np.integer]:
    """The first of int32, uint32 and int64 that holds every id: the larger ones are read by fewer programs."""
    least, most = int(labels.min()), int(labels.max())
    return next(
        kind for kind in (np.int32, np.uint32, np.int64) if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max
    )


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


def stored_as(volume: Volume, other: Volume) -> Volume:
    """The same voxels along the axes of another volume."""
    axes, wanted = (nib.aff2axcodes(each.affine) for each in (volume, other))
    return volume if axes == wanted else reoriented(volume, "".join(wanted))


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
    image = nib.Nifti1Image(volume.data.astype(dtype), volume.affine, dtype=dtype)
    image.set_qform(volume.affine, space)
    image.set_sform(volume.affine, space)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def load_array(path: str | Path, *, exact: bool = False) -> tuple[nib.spatialimages.SpatialImage, NDArray]:
    """The image in a file that nibabel reads, and its array, whatever its shape.

    Parameters
    ----------
    exact: the array has the type that loses nothing (that of the file, or float64 where the header scales); else it is
        float32.

    Raises
    ------
    DataError: not there, not NIfTI, truncated, or of complex numbers or colours.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(
            "there is no such file", path=path, remedy="Check the path, or data_root and the dataset's layout"
        )
    try:
        image = nib.load(path)
        _check_kind(image.get_data_dtype(), path)
        return image, np.asarray(image.dataobj, dtype=None if exact else np.float32)
    except (ImageFileError, *_DAMAGE) as error:
        if known := explain_file(path):
            raise DataError(known[0], path=path, remedy=known[1]) from error
        if isinstance(error, ImageFileError):
            raise DataError(
                "this is not a NIfTI file, or it ends within its header", path=path, remedy="Get or convert it again"
            ) from error
        raise DataError(
            f"the file is truncated or damaged ({first_line(error)})", path=path, remedy="Download or copy it again"
        ) from error


def position_of(image: nib.spatialimages.SpatialImage) -> NDArray[np.float64]:
    """The 4x4 matrix from voxels to mm (RAS), whatever unit of length the header has."""
    affine = np.array(image.affine, dtype=np.float64)
    if isinstance(image, nib.Nifti1Pair):
        affine[:3] *= _MILLIMETRES.get(int(image.header["xyzt_units"]) & 7, 1.0)
    return affine


def _has_position(image: nib.spatialimages.SpatialImage) -> bool:
    """Whether the header tells where left and right are: NIfTI may not, and Analyze cannot without SPM's .mat file."""
    if isinstance(image, nib.Nifti1Pair):
        return any(int(image.header[key]) for key in ("qform_code", "sform_code"))
    if isinstance(image, nib.AnalyzeImage):
        return "mat" in image.file_map and Path(image.file_map["mat"].filename).exists()
    return True


def _stated_position(image: nib.spatialimages.SpatialImage, orientation: str | None, path: Path) -> NDArray[np.float64]:
    """The matrix of a volume that lies about the world's origin, its axes as they are said to run."""
    if orientation is None:
        raise DataError(
            "its header gives no position in space (NIfTI with q-form and s-form codes of 0, or Analyze), so left and"
            " right are unknown",
            path=path,
            remedy="Convert it from its original again; or, if you know where its voxel axes run, say so (such as LAS)"
            " with prepare.orientation of the dataset or --orientation of spnet register",
        )
    unit = _MILLIMETRES.get(int(image.header["xyzt_units"]) & 7, 1.0) if isinstance(image, nib.Nifti1Pair) else 1.0
    affine = np.zeros((4, 4))
    for axis, (world, sign) in enumerate(axcodes2ornt(orientation)):
        affine[int(world), axis] = sign * image.header.get_zooms()[axis] * unit
    affine[:3, 3] = affine[:3, :3] @ np.subtract(1, image.shape[:3]) / 2
    affine[3, 3] = 1
    return affine


def _check_kind(dtype: np.dtype, path: Path) -> None:
    if dtype.kind == "c":
        raise DataError(
            "its voxels are complex numbers, of which it is not known what is meant",
            path=path,
            remedy="Save the magnitude (or the phase, if that is the image) as a file of its own",
        )
    if dtype.fields is not None:
        raise DataError(
            "its voxels are colours (RGB), not intensities or labels", path=path, remedy="Give the scan in grey"
        )


def _read(path: str | Path, orientation: str | None, *, exact: bool = False) -> Volume:
    path = Path(path)
    image, data = load_array(path, exact=exact)
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim != 3 or min(data.shape) < 2:
        raise DataError(
            f"a 3-D volume is needed, this one has shape {data.shape}",
            path=path,
            remedy="Extract one 3-D volume from it",
        )
    if isinstance(image, nib.Nifti1Pair):
        _check_header(image, path)
    affine = position_of(image) if _has_position(image) else _stated_position(image, orientation, path)
    check_affine(affine, path)
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


def check_affine(affine: NDArray, path: Path) -> None:
    """Raise a DataError for positions that cannot be, and for shear, which ITK images cannot express."""
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
