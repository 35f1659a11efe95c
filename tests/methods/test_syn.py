"""SyN's fields in our convention against ANTs applying its own transforms."""

import numpy as np
import pytest
import torch

from spnet.errors import RegistrationError
from spnet.fields import warp
from spnet.methods import build_method

OPTIONS = {"reg_iterations": [20, 10, 5]}


def test_our_warp_by_its_field_equals_the_image_that_ants_warped(blobs, monkeypatch):
    import ants

    results = []
    original = ants.registration
    monkeypatch.setattr(ants, "registration", lambda **kw: results.append(original(**kw)) or results[-1])
    moving, fixed = blobs(1, (24, 32, 20)), blobs(2, (24, 32, 20))
    registration = build_method("syn", OPTIONS)(moving, fixed)
    inside = (slice(4, -4),) * 3
    for field, image, name in (
        (registration.forward, moving, "warpedmovout"),
        (registration.backward, fixed, "warpedfixout"),
    ):
        ours, theirs = warp(image, field)[0, 0].numpy(), results[0][name].numpy()
        assert np.abs(ours - theirs)[inside].max() < 2e-3
        assert field.abs().max() > 0.5, "a field that moves nothing would pass as well"


def test_registering_brings_the_images_closer(blobs):
    moving, fixed = blobs(1, (24, 32, 20)), blobs(2, (24, 32, 20))
    warped = warp(moving, build_method("syn", OPTIONS)(moving, fixed).forward)
    assert (warped - fixed).square().mean() < 0.7 * (moving - fixed).square().mean()


def test_two_runs_with_one_seed_are_equal(blobs):
    moving, fixed = blobs(1), blobs(2)
    first, second = (build_method("syn", {"seed": 3})(moving, fixed).forward for _ in range(2))
    assert torch.equal(first, second)


def test_a_batch_is_refused(blobs):
    pair = torch.cat([blobs(1), blobs(2)])
    with pytest.raises(RegistrationError, match="one pair at a time"):
        build_method("syn")(pair, pair)
