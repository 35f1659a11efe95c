"""Preparing one subject, from raw files to the folder that training and evaluation read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from spnet.data.labels import LabelSet
from spnet.data.layouts import Subject
from spnet.data.nifti import write_volume
from spnet.data.options import PreprocessOptions
from spnet.data.preprocess import preprocess
from spnet.data.targets import MNI152
from spnet.figures.preparation import draw_preparation
from spnet.files import write_text

_NIFTI_ALIGNED, _NIFTI_MNI152 = 2, 4


def prepare_subject(subject: Subject, options: PreprocessOptions, labels: LabelSet, folder: str | Path) -> None:
    """Prepare `subject` and write image.nii.gz, labels.nii.gz, qc.json and qc.png into `folder`.

    A subject without labels gets a label volume of zeros, and ``"labels": null`` in its record.

    Raises
    ------
    DataError: as :func:`spnet.data.preprocess.preprocess`; nothing has been written then.
    """
    folder = Path(folder)
    prepared = preprocess(subject, options, labels)
    space = _NIFTI_MNI152 if options.target == MNI152 else _NIFTI_ALIGNED
    write_volume(folder / "image.nii.gz", prepared.image, np.float32, space=space)
    write_volume(folder / "labels.nii.gz", prepared.labels, np.int32, space=space)
    write_text(folder / "qc.json", json.dumps(prepared.record, indent=2) + "\n")
    draw_preparation(prepared, folder / "qc.png")
