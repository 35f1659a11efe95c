"""One scan of the user's: checked, and prepared as the method's training scans were."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from spnet.data.dicom import read_series
from spnet.data.labels import LabelSet, check_segmentation
from spnet.data.layouts import Subject
from spnet.data.nifti import Volume, check_same_grid, read_image, read_labels, stored_as, write_volume
from spnet.data.options import PreprocessOptions
from spnet.data.preprocess import preprocess
from spnet.data.quality import MOST_BRAIN_ML, brain_volume
from spnet.data.raw import MOST_BODY, Side
from spnet.data.targets import MNI152
from spnet.errors import DataError

log = logging.getLogger(__name__)

# A scan with more of its voxels below zero is no magnitude image: a CT in Hounsfield units, or a normalised one.
_MOST_NEGATIVE = 0.01
# Of a native scan, its labels, a field on it and working copies in float64, in bytes a voxel: an estimate.
_BYTES_PER_VOXEL = 100


@dataclass(frozen=True)
class ScanFiles:
    """Where a scan lies, and what belongs to it.

    Attributes
    ----------
    image: a NIfTI file, or a folder with a DICOM series.
    labels: on the same grid, or None.
    mask: of the brain (or whatever is to be seen), on the same grid; all else is set to zero. Or None.
    side: of a knee, where the preparation reflects one side's.
    """

    image: Path
    labels: Path | None = None
    mask: Path | None = None
    side: Side | None = None

    def paths(self) -> list[Path]:
        """All files that are given."""
        return [path for path in (self.image, self.labels, self.mask) if path is not None]


@dataclass(frozen=True)
class PreparedScan:
    """A scan on the common grid, and the way back.

    Attributes
    ----------
    image: float32, from 0 to 1.
    to_native: 4x4, from the common grid's world to the scan's own (RAS, mm).
    flags: sentences about what looked odd.
    """

    image: Volume
    to_native: NDArray
    flags: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write to a NumPy archive."""
        flags = np.array(self.flags, dtype=str)
        np.savez_compressed(
            path, image=self.image.data, affine=self.image.affine, to_native=self.to_native, flags=flags
        )

    @classmethod
    def load(cls, path: Path) -> PreparedScan:
        """Read what :meth:`save` wrote."""
        with np.load(path) as stored:
            image = Volume(stored["image"], stored["affine"])
            return cls(image, stored["to_native"], tuple(str(flag) for flag in stored["flags"]))


def read_native(
    files: ScanFiles, orientation: str | None = None, series: str | None = None
) -> tuple[Volume, Volume | None]:
    """The image, all outside its mask zero, and the labels, in native space.

    Parameters
    ----------
    orientation: where the voxel axes run, such as ``LAS``, in files whose headers do not tell.
    series: part of the DICOM series' description, for images that are folders.

    Raises
    ------
    DataError: a file that cannot be used: not there, not 3-D, without a position, too large for this machine's memory,
        with intensities below zero, or labels and mask on another grid.
    """
    folder = files.image.is_dir()
    for path in files.paths()[folder:]:
        check_file(path)
    image = read_series(files.image, series or "").volume if folder else read_image(files.image, orientation)
    _check_intensities(image, files.image)
    if files.mask is not None:
        mask = stored_as(read_image(files.mask, orientation), image)
        check_same_grid(mask, image, files.mask, "mask")
        image = Volume(np.where(mask.data > 0, image.data, 0).astype(np.float32), image.affine)
        if not image.data.any():
            raise DataError(
                "the image is zero everywhere within its mask", path=files.mask, remedy="Is the mask this scan's?"
            )
    labels = None if files.labels is None else read_labels(files.labels, image, orientation)
    if labels is not None and check_segmentation(labels.data, files.labels)[0] < 0:
        raise DataError("it has labels below zero", path=files.labels, remedy="Number labels from 1, background 0")
    return image, labels


def prepare_scan(files: ScanFiles, options: PreprocessOptions) -> PreparedScan:
    """Bring a scan to the common grid, as `options` brought the scans that the method was trained on.

    Raises
    ------
    DataError: as :func:`read_native` and :func:`spnet.data.preprocess.preprocess`.
    """
    image, labels = read_native(files, options.orientation, options.series)
    skull = _looks_like_a_head(image, options)
    for sentence in skull:
        log.warning("%s: %s", files.image.name, sentence)
    if files.mask is not None and options.skull_strip != "none":
        options = replace(options, skull_strip="none")
    protocol = LabelSet(scored=())
    by_labels = options.skull_strip == "labels"
    if by_labels and labels is not None:
        ids = tuple(np.unique(labels.data[labels.data > 0]).tolist())
        protocol = LabelSet(scored=ids, known=ids)
    with tempfile.TemporaryDirectory(prefix="spnet-scan-") as folder:
        path = files.image
        if files.mask is not None:
            path = Path(folder) / "masked.nii.gz"
            write_volume(path, image, np.float32)
        subject = Subject(files.image.name, "", path, files.labels if by_labels else None, side=files.side)
        found = preprocess(subject, options, protocol)
    flags = (*skull, *found.record["flags"])
    return PreparedScan(found.image, np.asarray(found.record["target_to_native_mm"]), flags)


def available_bytes() -> int | None:
    """Memory that this machine can give, or None where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None


def check_file(path: Path) -> None:
    """What the reader cannot know: that a person named this very file, and how much memory there is.

    Raises
    ------
    DataError: no file, or too large for this machine's memory.
    """
    if not path.exists():
        raise DataError("there is no such file", path=path, remedy="Check the name")
    if path.is_dir():
        raise DataError("this is a folder", path=path, remedy="Convert a DICOM series to NIfTI first (dcm2niix)")
    try:
        header = nib.load(path)
    except (ImageFileError, OSError, EOFError, ValueError):
        return  # the reader tells it better
    need, free = int(np.prod(header.shape[:3], dtype=float)) * _BYTES_PER_VOXEL, available_bytes()
    if free is not None and need > free:
        raise DataError(
            f"{' x '.join(map(str, header.shape[:3]))} voxels need about {need / 2**30:.0f} GB of memory,"
            f" {free / 2**30:.0f} GB are free",
            path=path,
            remedy="Crop or resample the volume, or use a machine with more memory",
        )


def _check_intensities(image: Volume, path: Path) -> None:
    below = float((image.data < 0).mean())
    if below > _MOST_NEGATIVE:
        raise DataError(
            f"{below:.0%} of its voxels are below zero (down to {image.data.min():g}), as in a CT or after"
            " normalisation; the methods expect an MR image with a background of zero",
            path=path,
            remedy="Give the original MR scan, or shift the intensities and set the background to zero",
        )


def _looks_like_a_head(image: Volume, options: PreprocessOptions) -> list[str]:
    """A sentence, where a method that was trained on brains would have to register skulls."""
    if options.skull_strip != "none" or options.target != MNI152:
        return []
    body, millilitres = float((image.data > 0).mean()), brain_volume(image)["brain_ml"]
    if body <= MOST_BODY and millilitres <= MOST_BRAIN_ML:
        return []
    return [
        f"{millilitres:.0f} ml, {body:.0%} of the voxels, are not zero, more than a brain: is the skull still on? The"
        " method was trained on brains alone; give a mask (--moving-mask, --fixed-mask), or have the skull stripped"
        " (--skull-strip template)"
    ]
