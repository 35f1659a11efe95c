"""What stands in for an affine step that fails, and is told."""

import numpy as np
import pytest

from spnet.ants_bridge import import_ants, transform_matrix
from spnet.data.affine import AntsPair, ants_pair, register_affine
from spnet.data.nifti import Volume


@pytest.fixture
def ants():
    return import_ants(0)


@pytest.fixture
def same(ants, blobs, tmp_path):
    """An image and itself, which no affine step can improve."""
    volume = Volume(blobs(1)[0, 0].numpy(), np.diag([4.0, 4.0, 4.0, 1.0]))
    return ants_pair(volume, volume, 4.0, tmp_path, ants)


def stretch(pair, factor):
    """What an optimiser gone astray hands back."""
    return pair.write_matrix(f"stretch-{factor}", np.diag([factor, factor, factor, 1.0]))


def test_a_good_affine_step_is_the_first_one_and_no_other_is_tried(same, monkeypatch):
    kinds = []
    monkeypatch.setattr(AntsPair, "register", lambda self, kind, start=None: kinds.append(kind) or "affine")
    monkeypatch.setattr(AntsPair, "correlation", lambda self, path: 0.9 if path == "affine" else 0.8)
    step = register_affine(same, 0.7)
    assert (step.transform, list(step.flags), kinds) == ("affine", [], ["Affine"])


@pytest.mark.parametrize(("factor", "ended"), [(1.3, "at a correlation of 0"), (2.0, "in a volume that no body has")])
def test_an_affine_step_worse_than_none_is_not_taken(same, ants, monkeypatch, factor, ended):
    wrong = stretch(same, factor)
    monkeypatch.setattr(AntsPair, "register", lambda self, kind, start=None: wrong)
    step = register_affine(same, 0.1)
    assert np.allclose(transform_matrix(step.transform, ants), np.eye(4), atol=1e-4)
    assert len(step.flags) == 1
    assert step.flags[0].startswith(f"the affine step ends {ended}")


def test_the_target_itself_stays_where_it_is_without_a_word(same, ants, monkeypatch):
    monkeypatch.setattr(AntsPair, "register", lambda self, kind, start=None: stretch(self, 1.01))
    step = register_affine(same, 0.7)
    assert np.allclose(transform_matrix(step.transform, ants), np.eye(4), atol=1e-4)
    assert not step.flags


@pytest.mark.parametrize(("least", "told"), [(0.7, True), (0.95, False)])
def test_a_step_from_a_similarity_is_told_where_the_first_was_good_enough(same, monkeypatch, least, told):
    """Below the least correlation it stands in without a word, as it always did."""
    monkeypatch.setattr(AntsPair, "register", lambda self, kind, start=None: f"{kind}{'-again' if start else ''}")
    correlations = {"Affine": 0.8, "Affine-again": 0.92, "Similarity": 0.85, "Rigid": 0.6}
    monkeypatch.setattr(AntsPair, "correlation", lambda self, path: correlations.get(path, 0.9))
    step = register_affine(same, least)
    assert step.transform == "Affine-again"
    expected = (
        "the affine step ends at a correlation of 0.80, one from a similarity step at 0.92: that was taken instead"
    )
    assert list(step.flags) == ([expected] if told else [])


def test_a_written_matrix_is_read_again(same, ants, random):
    matrix = np.eye(4)
    matrix[:3] += random.normal(size=(3, 4)) / 5
    assert np.allclose(transform_matrix(same.write_matrix("any", matrix), ants), matrix, atol=1e-5)


def test_a_start_lays_the_centres_of_mass_on_each_other_turned(ants, blobs, tmp_path):
    data = blobs(1)[0, 0].numpy()
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = np.diag([4.0, 4.0, 4.0, 1.0])
    moved[:3] = np.c_[turn @ moved[:3, :3], [30.0, -20.0, 10.0]]
    pair = ants_pair(Volume(data, moved), Volume(data, np.diag([4.0, 4.0, 4.0, 1.0])), 4.0, tmp_path, ants)
    assert pair.correlation(pair.write_start("turned", turn)) == pytest.approx(1, abs=1e-4)
