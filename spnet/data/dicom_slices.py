"""The slices of a DICOM series: what each header tells, and whether they make one regular grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from spnet.errors import DataError

GET_AGAIN = "Download or copy the series again"
_POSITION, _ORIENTATION, _SPACING = "0020|0032", "0020|0037", "0028|0030"
# Scanners round positions and direction cosines to a few digits.
_COSINE_TOLERANCE = 1e-3
_RELATIVE_TOLERANCE = 0.02
# Implicit, explicit and big endian: the transfer syntaxes whose pixels take a known number of bytes.
_UNCOMPRESSED = (b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0")


@dataclass(frozen=True)
class Slice:
    """A slice's file, its size in pixels, and where it lies (DICOM's world, mm)."""

    path: str
    size: tuple[int, ...]
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Direction across the slice."""
        return np.cross(self.orientation[:3], self.orientation[3:])


def read_header(path: str) -> sitk.ImageFileReader:
    """A reader that has read the header of a DICOM file; a DataError if it cannot."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise DataError(
            f"this slice is truncated or damaged ({cause_of(error)})", path=path, remedy=GET_AGAIN
        ) from error
    return reader


def tag_of(header: sitk.ImageFileReader, key: str) -> str:
    """A tag's text, empty where the header has none."""
    # DICOM pads a text to even length, by a space or a zero.
    return header.GetMetaData(key).strip(" \0") if header.HasMetaDataKey(key) else ""


def read_slice(path: str) -> Slice:
    """Read a slice's place in space.

    Raises
    ------
    DataError: the file is truncated, or does not tell its place, size or pixel spacing.
    """
    header = read_header(path)
    frames = int(np.prod(header.GetSize()[2:]))
    if frames > 1:
        raise DataError(
            f"this one DICOM file holds {frames} slices (enhanced multi-frame), which is not read",
            path=path,
            remedy="Convert it to NIfTI (dcm2niix), or export the series as one file per slice",
        )
    _check_length(path, header)
    position, orientation, spacing = (
        _numbers(header, key, count, path) for key, count in ((_POSITION, 3), (_ORIENTATION, 6), (_SPACING, 2))
    )
    if spacing.min() <= 0:
        raise DataError(
            f"the pixel spacing of this slice is {spacing[0]:g} x {spacing[1]:g} mm", path=path, remedy=GET_AGAIN
        )
    return Slice(path, header.GetSize(), position, orientation, spacing)


def _check_length(path: str, header: sitk.ImageFileReader) -> None:
    """Refuse pixels that are fewer than the header says: GDCM hands out whatever lay in memory for the rest."""
    with Path(path).open("rb") as file:
        head = file.read(1024)
    compressed = not any(syntax in head for syntax in _UNCOMPRESSED)
    bits = _numbers(header, "0028|0100", 1, path)[0]
    needed, present = int(np.prod(header.GetSize()) * bits) // 8, Path(path).stat().st_size
    if not compressed and present < needed:
        raise DataError(
            f"this slice is truncated: it has {present} bytes where its pixels alone take {needed}",
            path=path,
            remedy=GET_AGAIN,
        )


def _numbers(header: sitk.ImageFileReader, key: str, count: int, path: str) -> NDArray[np.float64]:
    try:
        values = np.array([float(text) for text in tag_of(header, key).split("\\")])
    except ValueError:
        values = np.array([])
    if values.size != count or not np.isfinite(values).all():
        name = {_POSITION: "position", _ORIENTATION: "orientation", _SPACING: "pixel spacing"}.get(key, "pixel size")
        raise DataError(
            f"this slice does not tell its {name} (tag {key.replace('|', ',')})", path=path, remedy=GET_AGAIN
        )
    return values


def in_order(slices: Sequence[Slice], folder: Path) -> list[Slice]:
    """Slices in the order of their positions along the normal, once they are known to make a regular grid.

    Raises
    ------
    DataError: fewer than two, one that differs from the others, a gap, or two at one position.
    """
    if len(slices) < 2:
        raise DataError(
            f"the series has {len(slices)} slice where a volume needs many",
            path=folder,
            remedy=f"{GET_AGAIN}, as one file per slice",
        )
    first = slices[0]
    for item in slices[1:]:
        _check_alike(first, item)
    slices = sorted(slices, key=lambda item: float(item.position @ first.normal))
    steps = np.diff([item.position for item in slices], axis=0)
    gaps = steps @ first.normal
    step = float(np.median(gaps))
    for index, gap in enumerate(gaps):
        _check_gap(slices[index : index + 2], float(gap), step, f"slice {index + 1} of {len(slices)}")
    aside = np.linalg.norm(steps - gaps[:, None] * first.normal, axis=1)
    if aside.max() > _RELATIVE_TOLERANCE * step:
        raise DataError(
            "the slices are not stacked along their normal, which would shear the volume",
            path=folder,
            remedy="Resample the series onto a grid with orthogonal axes first",
        )
    return slices


def _check_alike(first: Slice, other: Slice) -> None:
    if other.size != first.size:
        difference = f"{other.size[0]} x {other.size[1]} pixels where {Path(first.path).name} has {first.size[0]} x "
        difference += f"{first.size[1]}"
    elif not np.allclose(other.spacing, first.spacing, rtol=_COSINE_TOLERANCE):
        difference = f"another pixel spacing than {Path(first.path).name}"
    elif not np.allclose(other.orientation, first.orientation, atol=_COSINE_TOLERANCE):
        difference = f"another orientation than {Path(first.path).name}"
    else:
        return
    raise DataError(
        f"the slices of one series differ: this one has {difference}",
        path=other.path,
        remedy=f"{GET_AGAIN}, or move slices that do not belong to it out of the folder",
    )


def _check_gap(pair: Sequence[Slice], gap: float, step: float, where: str) -> None:
    before, after = (Path(item.path) for item in pair)
    if gap <= _RELATIVE_TOLERANCE * step:
        problem = f"two slices lie at one position, this one and {after.name}"
    elif abs(gap - step) <= _RELATIVE_TOLERANCE * step:
        return
    else:
        missing = round(gap / step) - 1
        count = f"{missing} slice{'s' * (missing > 1)} missing" if missing > 0 else "uneven spacing"
        position = ", ".join(f"{value:g}" for value in pair[0].position)
        problem = (
            f"{count} after {where} (at {position} mm): the next, {after.name}, is {gap:.3g} mm away, not {step:.3g} mm"
        )
    raise DataError(problem, path=before, remedy=GET_AGAIN)


def cause_of(error: RuntimeError) -> str:
    """The end of what SimpleITK says, which begins with lines of its source and addresses of its objects."""
    return str(error).strip().splitlines()[-1].rpartition("): ")[2]
