"""Real scans through the readers, on a coarse grid."""

from dataclasses import replace

import numpy as np
import pytest

from spnet.data.labels import LABEL_SETS
from spnet.data.options import PreprocessOptions
from spnet.data.preprocess import preprocess
from spnet.data.raw import read_raw
from spnet.errors import DataError

pytestmark = pytest.mark.slow

DKT50 = LABEL_SETS["dkt50"]


def test_the_eight_test_subjects_are_found_in_the_order_of_their_numbers(mindboggle101):
    assert [subject.subject for subject in mindboggle101] == [f"OASIS-TRT-20-{number}" for number in range(1, 9)]


def test_labels_of_another_real_subject_are_refused(mindboggle101):
    first, second = mindboggle101[:2]
    with pytest.raises(DataError, match=r"only \d\d% of the labelled voxels") as caught:
        read_raw(replace(first, labels=second.labels), DKT50)
    assert caught.value.path == second.labels


def test_ten_training_scans_without_labels_are_found_and_one_lands_on_the_target(brains10):
    assert [subject.split for subject in brains10] == ["train"] * 10
    prepared = preprocess(brains10[0], PreprocessOptions("mni152", 4.0, (40, 48, 40)), DKT50)
    assert prepared.record["flags"] == []
    assert prepared.record["correlation_with_target"] > 0.85
    assert np.isfinite(prepared.image.data).all()
    assert not prepared.labels.data.any()
