"""Real scans through the readers, on a coarse grid."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from spnet.data.labels import LABEL_SETS, LabelSet
from spnet.data.layouts import Subject
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


def test_a_real_scan_whose_header_turns_it_is_flagged_or_with_labels_refused(mindboggle101, tmp_path):
    """As 14 scans of the release are said to have come once: their axes interchanged."""
    turn = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    first, paths = mindboggle101[0], []
    for path in (first.image, first.labels):
        image = nib.load(path)
        paths.append(tmp_path / path.name)
        nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj), turn @ image.affine), paths[-1])
    turned = replace(first, image=paths[0], labels=None)
    coarse = PreprocessOptions("mni152", 4.0, (40, 48, 40))
    assert "seems to turn the scan" in preprocess(turned, coarse, DKT50).record["flags"][0]
    assert preprocess(first, coarse, DKT50).record["flags"] == []
    with pytest.raises(DataError, match="mirrored or turned"):
        read_raw(replace(turned, labels=paths[1]), DKT50)


def test_an_affine_step_worse_than_none_is_not_taken(shared):
    """Of this cropped scan ANTs' affine alone makes three times the volume, and a correlation of .06."""
    folder = shared / "data" / "hippocampus"
    scans = {number: folder / "images" / f"hippocampus_{number}.nii.gz" for number in (224, 269)}
    options = PreprocessOptions(str(scans[224]), 1.0, (32, 48, 32), min_correlation=0.3)
    labels, protocol = folder / "labels" / scans[269].name, LabelSet(scored=(1, 2), known=(1, 2))
    record = preprocess(Subject("269", "test", scans[269], labels), options, protocol).record
    assert record["flags"][0].startswith("the affine step ends")
    assert record["flags"][0].endswith("that was taken instead")
    assert 0.5 < record["volume_scaling"] < 1.5
    assert record["correlation_with_target"] > 0.5
