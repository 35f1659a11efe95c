"""Refinement on a pair."""

import pytest
import torch

from spnet.fields import compose, warp
from spnet.methods import build_method
from spnet.metrics.regularity import percent_folding
from spnet.registration import refine as module
from spnet.registration.refine import Objective, refine


def nothing(shape):
    return torch.zeros(1, 3, *shape)


@pytest.mark.parametrize("shape", [(24, 28, 20), (23, 28, 21)])
def test_it_makes_the_pair_more_alike_and_folds_nothing(blobs, shape):
    fixed = blobs(1, shape)
    shift = nothing(shape)
    shift[:, 1] = 1.2
    moving = warp(fixed, shift)
    found = refine(moving, fixed, nothing(shape), nothing(shape), 30, Objective(window=5, smoothness_weight=0.1))
    assert found.losses[-1] < found.losses[0]
    assert found.forward.shape == (1, 3, *shape)
    before, after = ((image - fixed).square().mean() for image in (moving, warp(moving, found.forward)))
    assert after < 0.5 * before
    assert percent_folding(found.forward) == percent_folding(found.backward) == 0
    assert compose(found.backward, found.forward)[..., 4:-4, 4:-4, 4:-4].abs().mean() < 0.05


def test_no_steps_of_use_leave_the_fields_as_they_are(blobs):
    image = blobs(1, (16, 16, 16))
    field = 0.3 * torch.ones(1, 3, 16, 16, 16)
    found = refine(image, image, field, -field, 1, Objective())
    assert torch.allclose(found.forward, field, atol=1e-6)


def test_a_fold_of_the_given_field_is_mended_and_the_steps_are_taken(blobs):
    shape = (24, 24, 24)
    given = nothing(shape)
    given[0, 0, 12, 12, 12] = 2.5
    before = percent_folding(given)
    found = refine(blobs(1, shape), blobs(2, shape), given, nothing(shape), 5, Objective())
    assert before > 0
    assert percent_folding(found.forward) == 0
    assert found.scale == 1


def test_what_would_fold_more_is_taken_in_part_or_not_at_all(blobs, monkeypatch):
    shape = (16, 16, 16)
    folded = iter([0.0, 0.0, 2.0, 2.0, 1.0, 0.0, 0.0])  # of the given fields, then of each attempt until one is more
    monkeypatch.setattr(module, "percent_folding", lambda field: next(folded))
    found = refine(blobs(1, shape), blobs(2, shape), nothing(shape), nothing(shape), 3, Objective())
    assert found.scale == 0.125
    monkeypatch.setattr(module, "percent_folding", lambda field: 0.0 if not field.any() else 1.0)
    found = refine(blobs(1, shape), blobs(2, shape), nothing(shape), nothing(shape), 3, Objective())
    assert found.scale == 0
    assert not found.forward.any()


def test_the_objective_is_the_methods_own():
    assert Objective.of(build_method("spnet", {"smoothness_weight": 2.0}).options) == Objective(7, 2.0)
    assert Objective.of(build_method("vm", {"window": 5}).options).window == 3
    assert Objective.of(build_method("identity").options) == Objective(7, 1.0)
