"""A subject as the target of all others, for datasets that have no template."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spnet.data.labels import LabelSet
from spnet.data.layouts import Subject
from spnet.data.nifti import reoriented, write_volume
from spnet.data.options import PreprocessOptions
from spnet.data.preprocess import must_flip, strip_skull
from spnet.data.raw import mirrored, read_raw


def write_reference(subject: Subject, options: PreprocessOptions, labels: LabelSet, output: str | Path) -> None:
    """Write a subject's scan as a target: skull off and reflected as its dataset's are, axes right, front, up.

    The common grid is then cut from this scan's own box.

    Raises
    ------
    DataError: as :func:`spnet.data.raw.read_raw`.
    """
    raw = read_raw(subject, labels, options.series, options.mask_placement, options.orientation)
    image = strip_skull(raw, options, subject, seed=0)
    if must_flip(raw, options, subject):
        image = mirrored(image)
    write_volume(output, reoriented(image, "RAS"), np.float32)
