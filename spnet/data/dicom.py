"""Reading one DICOM series out of a folder, with every way it can be broken told plainly.

GDCM, which reads the files, leaves out of a series what it cannot read, and ITK fills in a voxel size of 1 mm, a
position of zero and the identity where tags are missing. Each of these would shift or shorten a knee without a word,
so all are checked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from spnet.data.dicom_slices import GET_AGAIN, cause_of, in_order, read_header, read_slice, tag_of
from spnet.data.nifti import Volume
from spnet.errors import DataError
from spnet.transforms.world import grid_matrix

_SERIES, _DESCRIPTION, _PATIENT = "0020|000e", "0008|103e", "0010|0020"


@dataclass(frozen=True)
class Series:
    """A series as a volume (float32, RAS mm, axes as in ITK), with its SeriesDescription and PatientID."""

    volume: Volume
    description: str
    patient: str


def read_series(folder: str | Path, description: str) -> Series:
    """Read the one series in `folder` whose SeriesDescription contains `description`, in whatever case.

    Other series and files that are not DICOM may lie beside it; names and suffixes do not matter.

    Returns
    -------
    The series, its array [columns, rows, slices]: index [i, j, k] is ITK's, and the affine takes it to RAS mm.

    Raises
    ------
    DataError: no folder, no DICOM, no such series or two of them, a file truncated or without its place in space,
        a slice missing, double, or of another grid than its neighbours, or fewer than two slices.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError("there is no such folder", path=folder, remedy="Check data_root and the dataset's layout")
    with _quiet():
        names = _choose(_list_series(folder), folder, description)
        slices = in_order([read_slice(name) for name in names], folder)
        image = _stack([item.path for item in slices], folder)
        tags = read_header(slices[0].path)
    data = np.ascontiguousarray(sitk.GetArrayViewFromImage(image).transpose(2, 1, 0))
    affine = grid_matrix(image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Series(Volume(data, affine), tag_of(tags, _DESCRIPTION), tag_of(tags, _PATIENT))


@contextmanager
def _quiet() -> Iterator[None]:
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def _list_series(folder: Path) -> list[tuple[str, ...]]:
    # Without details: with them, GDCM would split one series where its slices differ, and each half could pass.
    ids = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder), False)
    series = [sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid, False) for uid in ids]
    listed = {Path(name).name for names in series for name in names}
    # Hidden files are no slices: workflows and file browsers leave theirs in folders.
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if path.is_file() and path.name not in listed and path.name.upper() != "DICOMDIR" and _was_dicom(path):
            raise DataError(
                "this DICOM file is truncated, damaged or not an image",
                path=path,
                remedy=f"{GET_AGAIN}; if the file is not an image, move it out of the folder",
            )
    if not series:
        raise DataError("there is no DICOM image in this folder", path=folder, remedy=GET_AGAIN)
    return series


def _was_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(132)
    # A file cut within its preamble is nothing but zeros; an old one without preamble starts with group 8.
    return head[128:] == b"DICM" or not head.strip(b"\0") or head[:2] == b"\x08\0"


def _choose(series: list[tuple[str, ...]], folder: Path, wanted: str) -> tuple[str, ...]:
    headers = [read_header(names[0]) for names in series]
    descriptions = [tag_of(header, _DESCRIPTION) for header in headers]
    matching = [index for index, text in enumerate(descriptions) if wanted.lower() in text.lower()]
    if not matching:
        found = ", ".join(f"'{text}'" for text in sorted(set(descriptions)))
        raise DataError(
            f"no series here is described as '{wanted}', only as {found}",
            path=folder,
            remedy="Check that this is the folder of the right series",
        )
    if len(matching) > 1:
        # Descriptions too: one of OAI's two knees can lie in the folder of the other.
        names = " and ".join(
            f"{tag_of(headers[index], _SERIES)} ('{descriptions[index]}', {len(series[index])} slices)"
            for index in matching
        )
        raise DataError(
            f"{len(matching)} series here are described as '{wanted}': {names}",
            path=folder,
            remedy="Move the files of the one that is not wanted out of the folder",
        )
    return series[matching[0]]


def _stack(names: Sequence[str], folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetOutputPixelType(sitk.sitkFloat32)
    reader.SetFileNames(names)
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise DataError(
            f"the pixels of the series cannot be read ({cause_of(error)})", path=folder, remedy=GET_AGAIN
        ) from error
