"""Masks without a pose (OAI-ZIB): reading them, and finding how their axes lie in the image's."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from spnet.data.nifti import Volume
from spnet.errors import DataError

_BONES, _CARTILAGES = (1, 3), (2, 4)
# Placements are compared on about so many voxels along each axis: cartilage is still a voxel or two thick.
_GRID = 96
# Background counts only so near to the labels, in voxels of that grid: farther out, it is the same wherever they lie.
_RIM = 3
# Measured on virtual knees of 64 x 64 x 32 and 96 x 96 x 56 voxels. Their own masks: fit 0.65 to 0.69, margin 0.41 to
# 0.62 (at worst 0.30 and 0.22 with three to four times the noise, bias and contrast of KneeOptions); flipped otherwise,
# fit 0.25 and less. Masks of other subjects (480 pairs), placed at their best: fit 0.31 and less, margin 0.17 and less.
# Knees that all lie in one pose are harder: fit 0.37 and margin 0.21 at most, 3 of 240 pairs above both bounds.
# Not measured on real scans yet.
MIN_FIT = 0.25
MIN_MARGIN = 0.2
_GET_AGAIN = "Unpack the archive of the masks again"

Turn = tuple[tuple[int, int, int], tuple[bool, bool, bool]]


@dataclass(frozen=True)
class Placement:
    """How a mask's axes lie in its image: image axis k is mask axis ``axes[k]``, reversed where ``flips[k]``.

    As text, ``+2 -0 +1``: mask axis 2, then axis 0 reversed, then axis 1.

    Attributes
    ----------
    fit: share of the image's variance around the labels that the labels explain, 0 to 1; NaN if not measured.
    margin: how much better that is than the best other placement; NaN if not measured.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    fit: float = float("nan")
    margin: float = float("nan")

    def apply(self, array: NDArray) -> NDArray:
        """The array [x, y, z] of the mask file as a view on the axes of the image."""
        return np.flip(array.transpose(self.axes), [k for k in range(3) if self.flips[k]])

    def __str__(self) -> str:
        return " ".join(f"{'-' if flip else '+'}{axis}" for axis, flip in zip(self.axes, self.flips, strict=True))

    @classmethod
    def parse(cls, text: str) -> Placement:
        """The placement that a text such as ``+2 -0 +1`` stands for.

        Raises
        ------
        ValueError: not three signed axes, each of 0, 1 and 2 once.
        """
        terms = text.split()
        if sorted(term[1:] for term in terms) != ["0", "1", "2"] or any(term[0] not in "+-" for term in terms):
            raise ValueError(f"a placement is three signed axes, such as '+2 -0 +1', not '{text}'")
        axes, flips = [int(term[1:]) for term in terms], [term[0] == "-" for term in terms]
        return cls((axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]))


def read_mask(path: str | Path) -> NDArray[np.int32]:
    """Read the labels of a MetaImage, [x, y, z] in ITK's index order; its pose is not looked at.

    Raises
    ------
    DataError: no file, no ``.raw`` beside it or one of another length, not 3-D, or values that are not whole numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("there is no such mask", path=path, remedy="Check data_root and the dataset's layout")
    header = _read_header(path)
    if header.GetNumberOfComponents() != 1:
        raise DataError("the mask has several values per voxel", path=path, remedy="Use the original mask")
    try:
        values = sitk.GetArrayFromImage(header.Execute()).T
    except RuntimeError as error:
        raise DataError("the voxels of this mask cannot be read", path=path, remedy=_GET_AGAIN) from error
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise DataError(f"a 3-D mask is needed, this one has shape {values.shape}", path=path, remedy=_GET_AGAIN)
    # A float mask may hold NaN, which equals nothing and so is caught too.
    if not np.array_equal(values, np.round(values)):
        raise DataError(
            "the mask has values that are not whole numbers",
            path=path,
            remedy="Use the original mask; if it was resampled, resample it with nearest neighbour",
        )
    return values.astype(np.int32)


def _read_header(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    fields = _fields(path)
    try:
        reader.ReadImageInformation()
        raw = path if fields["ElementDataFile"] == "LOCAL" else path.parent / fields["ElementDataFile"]
    except (RuntimeError, KeyError) as error:
        raise DataError("this is not a MetaImage header, or it is cut short", path=path, remedy=_GET_AGAIN) from error
    if not raw.is_file():
        raise DataError(f"its voxels, {raw.name}, are not beside the mask's header", path=raw, remedy=_GET_AGAIN)
    # ITK's reader only warns about a short file, and fills the rest with what lay in memory.
    if fields.get("CompressedData", "False") != "True":
        _check_length(raw, reader, local=raw == path)
    return reader


def _fields(path: Path) -> dict[str, str]:
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for line in file:
            key, _, value = line.decode("latin-1").partition("=")
            fields[key.strip()] = value.strip()
            # Voxels follow this line in a file that holds its own.
            if key.strip() == "ElementDataFile":
                break
    return fields


def _check_length(raw: Path, header: sitk.ImageFileReader, *, local: bool) -> None:
    itemsize = sitk.GetArrayViewFromImage(sitk.Image([1, 1], header.GetPixelID())).itemsize
    needed = int(np.prod(header.GetSize())) * header.GetNumberOfComponents() * itemsize
    present = raw.stat().st_size
    if present < needed or (present > needed and not local):
        size = " x ".join(map(str, header.GetSize()))
        raise DataError(
            f"the mask's voxels are of the wrong length: {present} bytes where {size} voxels take {needed}",
            path=raw,
            remedy=f"{_GET_AGAIN}: this file is truncated or belongs to another header",
        )


def find_placement(mask: NDArray[np.integer], image: NDArray[np.float32], path: str | Path | None = None) -> Placement:
    """Find how a mask lies in its image, among all permutations that their shapes allow and all flips.

    In DESS, marrow is dark and cartilage bright. Where the labels lie right, the three classes bone, cartilage and
    the rim of background around them therefore explain much of the image's variance in that neighbourhood (the
    correlation ratio); where they lie wrong, little. Both bones are one class and both cartilages are one, so that a
    mask upside down cannot gain by giving each bone a mean of its own.

    Parameters
    ----------
    mask: [x, y, z], 0 outside.
    image: on its own axes, whose shape is a permutation of the mask's.
    path: of the mask, for errors.

    Raises
    ------
    DataError: no permutation of the mask has the image's shape, or the mask is empty.
    """
    return _best(_fits(mask, image, path))


def place_mask(path: str | Path, image: Volume, placement: Placement | None = None) -> tuple[Volume, Placement]:
    """Read a mask and put it on the grid of its image, as :func:`find_placement` finds it or as `placement` says.

    Returns
    -------
    The labels (int32, the image's affine), and the placement with its fit and margin.

    Raises
    ------
    DataError: as :func:`read_mask` and :func:`find_placement`; and where no placement is given, the labels fit the
        image too badly to be its own, or two placements fit too nearly alike to tell.
    """
    mask = read_mask(path)
    if placement is None:
        found = find_placement(mask, image.data, path)
        _check_found(found, path)
    else:
        found = _best(_fits(mask, image.data, path), (placement.axes, placement.flips), path)
    return Volume(np.ascontiguousarray(found.apply(mask)), image.affine), found


def _check_found(found: Placement, path: str | Path) -> None:
    state = "or state the placement, which is the same for all masks of an archive, as the dataset's"
    if not found.fit >= MIN_FIT:
        raise DataError(
            f"the mask does not fit its image: placed as '{found}', it explains {found.fit:.2f} of the variance around"
            f" it where {MIN_FIT} is the least",
            path=path,
            remedy="It may be the mask of another subject: compare the ids, and overlay it on the image,"
            f" {state} prepare.mask_placement",
        )
    if found.margin < MIN_MARGIN:
        raise DataError(
            f"it is not clear how the mask lies in its image: '{found}' fits best, but only {found.margin:.3f} better"
            f" than the next, where {MIN_MARGIN} is the least",
            path=path,
            remedy=f"Overlay it on the image to see whether it is the subject's, {state} prepare.mask_placement",
        )


def _best(fits: dict[Turn, float], turn: Turn | None = None, path: str | Path | None = None) -> Placement:
    """The placement of greatest fit, or the given one."""
    turn = max(fits, key=lambda key: fits[key]) if turn is None else turn
    if turn not in fits:
        raise DataError(
            f"placed as '{Placement(*turn)}', the mask has another shape than its image",
            path=path,
            remedy="It may be the mask of another subject: compare the ids; or state another placement",
        )
    others = [fit for key, fit in fits.items() if key != turn]
    return Placement(*turn, fit=fits[turn], margin=fits[turn] - max(others))


def _fits(mask: NDArray, image: NDArray, path: str | Path | None) -> dict[Turn, float]:
    orders = [axes for axes in permutations(range(3)) if mask.ndim == 3 and mask.transpose(axes).shape == image.shape]
    if not orders:
        raise DataError(
            f"the mask has shape {mask.shape}, which is {image.shape}, the image's, in no order of its axes",
            path=path,
            remedy="It may be the mask of another subject or scan: compare the ids",
        )
    thin = tuple(slice(size // _GRID // 2, None, max(1, size // _GRID)) for size in mask.shape)
    labels = mask[thin]
    if not labels.any():
        raise DataError("the mask is empty", path=path, remedy=_GET_AGAIN)
    near = binary_dilation(labels > 0, iterations=_RIM)
    classes = (np.isin(labels, _BONES) + 2 * np.isin(labels, _CARTILAGES))[near]
    ceiling = np.percentile(image[::3, ::3, ::3], 99)
    fits = {}
    for axes, flips in product(orders, product((False, True), repeat=3)):
        # The image is turned to the mask, so that the neighbourhood is found once.
        turned = np.flip(image, [k for k in range(3) if flips[k]]).transpose(np.argsort(axes))
        fits[axes, flips] = _correlation_ratio(np.minimum(turned[thin][near], ceiling), classes)
    return fits


def _correlation_ratio(values: NDArray, classes: NDArray[np.integer]) -> float:
    """Share of the variance of `values` that lies between `classes`."""
    values = values.astype(np.float64)
    counts = np.bincount(classes)
    means = np.bincount(classes, weights=values) / np.maximum(counts, 1)
    total = values.var()
    return float(counts @ (means - values.mean()) ** 2 / values.size / total) if total > 0 else 0.0
