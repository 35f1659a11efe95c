"""How a dataset is prepared; apart from the preparation itself, which takes seconds to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PreprocessOptions:
    """How a dataset is prepared (its `prepare` entry in datasets.yaml).

    Attributes
    ----------
    target: ``mni152`` or a NIfTI file; the space that all subjects are brought to. (In a configuration also
        ``reference`` or ``reference:<subject>``, of which the workflow makes a file.)
    spacing: of the common grid, in mm, isotropic.
    shape: of the common grid, in voxels: a centre crop of the target's box.
    affine: ``register`` native scans to the target, or take the scans as ``aligned``.
    percentile: this percentile of the cropped volume, background included, becomes intensity 1.
    clip: cut intensities above 1 (the authors do in training, not in testing; see REPRODUCING.md).
    series: part of the DICOM series' description, for images that are folders.
    mask_placement: how masks without a pose lie in their images, such as ``+1 -2 +0``; None finds it, one by one.
    orientation: where the voxel axes run, such as ``LAS``, in files whose headers do not tell; None refuses those.
    skull_strip: ``none`` if the scans are stripped; ``labels``: the union of the labels, closed and dilated;
        ``template``: the MNI152 brain registered to the head, dilated.
    closing, dilation: of the brain mask, in mm.
    flip: ``right_to_left`` reflects right knees.
    min_correlation: with the target, below which a subject is flagged for a person to look.
    """

    target: str
    spacing: float
    shape: tuple[int, int, int]
    affine: Literal["register", "aligned"] = "register"
    percentile: float = 99.5
    clip: bool = True
    series: str | None = None
    mask_placement: str | None = None
    orientation: str | None = None
    skull_strip: Literal["none", "labels", "template"] = "none"
    closing: float = 6.0
    dilation: float = 2.0
    flip: Literal["none", "right_to_left"] = "none"
    min_correlation: float = 0.7
