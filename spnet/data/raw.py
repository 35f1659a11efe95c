"""Reading a subject's raw files, whatever their format, and refusing those that cannot belong together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spnet.data.dicom import read_series
from spnet.data.labels import LabelSet, check_segmentation
from spnet.data.layouts import Subject
from spnet.data.masks import Placement, place_mask
from spnet.data.nifti import Volume, read_image, read_labels
from spnet.errors import DataError

Side = Literal["left", "right"]

# A scan with more of its voxels above zero has a background: it is no brain on black.
MOST_BODY = 0.8
# Of eight real brains .999 to 1 of the labelled voxels lie inside, with each other's labels .45 to .80, and .85 to .92
# after the affine step.
_LEAST_INSIDE = 0.98


@dataclass(frozen=True)
class RawScan:
    """A subject's image and labels on one grid, in native space.

    Attributes
    ----------
    labels: None for a subject without.
    side: of a knee, else None.
    notes: what the files told, for the QC record.
    """

    image: Volume
    labels: Volume | None
    side: Side | None = None
    notes: dict[str, Any] = field(default_factory=dict)


def read_raw(
    subject: Subject,
    protocol: LabelSet,
    series: str | None = None,
    mask_placement: str | None = None,
    orientation: str | None = None,
) -> RawScan:
    """Read a subject's image and labels.

    Parameters
    ----------
    protocol: its `order` is checked: a mirrored scan is refused.
    series: part of the DICOM series' description, for images that are folders.
    mask_placement: how masks without a pose lie in their images, such as ``+1 -2 +0``; None finds it.
    orientation: where the voxel axes run, such as ``LAS``, in files whose headers do not tell.

    Raises
    ------
    DataError: a file cannot be read, the labels do not lie on the image, or are of another subject.
    """
    side, notes = subject.side, {}
    if subject.image.is_dir():
        found = read_series(subject.image, series or "")
        if subject.patient and found.patient and found.patient != subject.patient:
            raise DataError(
                f"this series is of '{found.patient}', not of '{subject.patient}'",
                path=subject.image,
                remedy="Download the subject's own series again, into its own folder",
            )
        image, side = found.volume, _side(found.description, subject)
        notes = {"series": found.description, "side": side}
    else:
        image = read_image(subject.image, orientation)
    if image.data.min() == image.data.max():
        raise DataError(
            f"the image is {image.data.flat[0]:g} everywhere",
            path=subject.image,
            remedy="Replace it, or leave the subject out",
        )
    labels = None
    if subject.labels is not None and subject.labels.suffix == ".mhd":
        stated = Placement.parse(mask_placement) if mask_placement else None
        labels, placement = place_mask(subject.labels, image, stated)
        notes |= {"mask_placement": str(placement), "mask_fit": placement.fit, "mask_margin": placement.margin}
    elif subject.labels is not None:
        labels = read_labels(subject.labels, image, orientation)
    if labels is not None:
        check_segmentation(labels.data, subject.labels)
        _check_protocol(labels, protocol, subject.labels)
        _check_order(labels, protocol, subject.labels)
        _check_inside_body(labels, image, subject.labels)
    return RawScan(image, labels, side, notes)


def mirrored(volume: Volume) -> Volume:
    """The volume reflected in the world's first axis: a right knee as a left one, nothing resampled."""
    return Volume(volume.data, np.diag([-1.0, 1, 1, 1]) @ volume.affine)


def world_centre(data: NDArray, affine: NDArray, ids: tuple[int, ...]) -> NDArray | None:
    """Centre in mm (RAS) of the voxels that have one of these labels, or None."""
    voxels = np.argwhere(np.isin(data, ids))
    return voxels.mean(0) @ affine[:3, :3].T + affine[:3, 3] if len(voxels) else None


def _side(description: str, subject: Subject) -> Side | None:
    """From the series' description, which must agree with the dataset's table if there is one."""
    words = description.upper().replace("-", "_").split("_")
    told: list[Side] = [side for side in ("left", "right") if side.upper() in words]
    if len(told) != 1:
        return subject.side
    if subject.side not in (None, told[0]):
        raise DataError(
            f"the series '{description}' is of a {told[0]} knee, the dataset's table says {subject.side}",
            path=subject.image,
            remedy="Find out which is true, and correct the table or leave the subject out",
        )
    return told[0]


def _check_protocol(labels: Volume, protocol: LabelSet, path: Path) -> None:
    if not np.isin(labels.data, protocol.scored).any():
        raise DataError(
            "none of the labels to be scored is in this volume",
            path=path,
            remedy="Check that it follows the protocol of the dataset's label_set",
        )


def _check_order(labels: Volume, protocol: LabelSet, path: Path) -> None:
    for order in protocol.order:
        low, high = (world_centre(labels.data, labels.affine, ids) for ids in (order.low, order.high))
        if low is None or high is None:
            continue
        way = high - low
        if way[order.axis] <= 0 or np.abs(way).argmax() != order.axis:
            raise DataError(
                f"{order.meaning}: the volume is mirrored or turned, or its header is wrong",
                path=path,
                remedy="Correct the orientation in the headers of image and labels, or convert the originals again",
            )


def _check_inside_body(labels: Volume, image: Volume, path: Path) -> None:
    """Labels of another subject reach out of a stripped brain; in a scan with its background nothing tells."""
    body = image.data > 0
    if body.mean() > MOST_BODY:
        return
    inside = float(body[labels.data > 0].mean())
    if inside < _LEAST_INSIDE:
        raise DataError(
            f"only {inside:.0%} of the labelled voxels lie where its image is above zero",
            path=path,
            remedy="These may be the labels of another subject, or in another orientation: overlay them on the image",
        )
