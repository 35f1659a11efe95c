"""Virtual knees as the real archives hold theirs: the OAI's scans as sagittal DICOM series, OAI-ZIB's masks as
MetaImages without a pose.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from spnet.data.nifti import Volume
from spnet.transforms.world import itk_geometry

# The root of UIDs made from a UUID (DICOM PS3.5, B.2), so that no registered root is borrowed.
_UID_ROOT = "2.25"
_MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


def write_series_folder(folder: str | Path, scan: Volume, side: str, name: str, seed: int) -> None:
    """Write a scan (values 0 to 32767) as a DICOM series, slices along its last axis, and a localiser beside it.

    Parameters
    ----------
    side: ``left`` or ``right``, for the series' description.
    name: the patient's.
    """
    folder = Path(folder)
    temporary = folder.with_name(f".partial-{folder.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    data = np.clip(np.rint(scan.data), 0, 2**15 - 1).astype(np.int16)
    _write_series(temporary, Volume(data, scan.affine), f"SAG_3D_DESS_{side.upper()}", 2, name, seed)
    middle = data.shape[2] // 2
    localiser = Volume(data[::4, ::4, middle - 1 : middle + 2], scan.affine @ _localiser_grid(middle))
    _write_series(temporary, localiser, "3_PLANE_LOCALIZER", 1, name, seed)
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)


def _localiser_grid(middle: int) -> NDArray[np.float64]:
    grid = np.diag([4.0, 4.0, 1.0, 1.0])
    grid[2, 3] = middle - 1
    return grid


def _write_series(folder: Path, volume: Volume, description: str, number: int, name: str, seed: int) -> None:
    image = _to_itk(volume)
    series = {
        "0008|0016": _MR_IMAGE_STORAGE,
        "0008|0060": "MR",
        "0008|0008": "ORIGINAL\\PRIMARY",
        **dict.fromkeys(("0008|0012", "0008|0020", "0008|0021", "0008|0023"), "20040101"),
        **dict.fromkeys(("0008|0013", "0008|0030", "0008|0031", "0008|0033"), "120000"),
        "0008|103e": description,
        "0010|0010": name,
        "0010|0020": name,
        "0018|0050": f"{image.GetSpacing()[2]:.6g}",
        "0018|0088": f"{image.GetSpacing()[2]:.6g}",
        "0020|000d": _uid(seed, name, "study"),
        "0020|000e": _uid(seed, name, description),
        "0020|0011": str(number),
        "0020|0052": _uid(seed, name, "frame of reference"),
    }
    for index in range(image.GetSize()[2]):
        instance = _uid(seed, name, description, index)
        own = {"0008|0018": instance, "0020|0013": str(index + 1)}
        # Named by a hash: nothing that reads the series may rely on the order of its names.
        _write_slice(folder / _digest(instance).hex()[:12], image[:, :, index : index + 1], series | own)


def _to_itk(volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.transpose(2, 1, 0)))
    spacing, origin, direction = itk_geometry(volume.affine)
    image.SetSpacing(spacing.tolist())
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(origin.tolist())
    return image


def _uid(*parts: object) -> str:
    return f"{_UID_ROOT}.{int.from_bytes(_digest(*parts)[:15], 'big')}"


def _write_slice(path: Path, image: sitk.Image, tags: dict[str, str]) -> None:
    direction = np.array(image.GetDirection()).reshape(3, 3)
    for tag, value in tags.items():
        image.SetMetaData(tag, value)
    image.SetMetaData("0020|0032", "\\".join(f"{value:.10g}" for value in image.GetOrigin()))
    image.SetMetaData("0020|0037", "\\".join(f"{value:.10g}" for value in (*direction[:, 0], *direction[:, 1])))
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.KeepOriginalImageUIDOn()
    writer.SetFileName(str(path))
    writer.Execute(image)


def write_mask(path: str | Path, labels: NDArray[np.int32]) -> None:
    """Write labels on the axes posterior, inferior, right as a MetaImage that has lost its pose.

    Its numpy axes are superior, posterior, right: sagittal slices last, one axis reversed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = np.ascontiguousarray(labels.transpose(1, 0, 2)[::-1].astype(np.uint8))
    # The .mhd names its .raw, so both are written under their own names in a folder beside them, and then moved.
    temporary = path.with_name(f".partial-{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(stored), str(temporary / path.name))
    for suffix in (".raw", ".mhd"):
        (temporary / path.name).with_suffix(suffix).replace(path.with_suffix(suffix))
    temporary.rmdir()


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(" ".join(map(str, parts)).encode()).digest()
