"""What every entry of METHODS must do."""

import math

import pytest
import torch

from spnet.errors import ConfigError
from spnet.evaluation.register import register_both_ways
from spnet.fields import compose
from spnet.methods import METHODS, build_method

SHAPE = (16, 24, 16)


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


@pytest.fixture
def method(name):
    """The method, its nearly-zero heads enlarged so that even untrained it moves voxels."""
    torch.manual_seed(0)
    built = build_method(name)
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.ndim > 1 and 0 < parameter.std() < 1e-3:
                parameter *= 3 / parameter.std()
    return built


def is_learned(method):
    return method.count_parameters() > 0


def test_fields_have_the_grid_of_the_images_and_are_finite(method, blobs):
    found = register_both_ways(method, blobs(1, SHAPE), blobs(2, SHAPE))
    for field in (found.forward, found.backward):
        assert field.shape == (1, 3, *SHAPE)
        assert torch.isfinite(field).all()


def test_a_method_that_gives_both_directions_gives_fields_that_undo_each_other(method, blobs):
    moving, fixed = blobs(1, SHAPE), blobs(2, SHAPE)
    with torch.no_grad():
        registration = method(moving, fixed)
    if registration.inverse is None:
        pytest.skip("gives one direction; its inverse consistency is a result, not a promise")
    composed = compose(registration.inverse, registration.displacement, "exact")
    inside = (..., *[slice(3, -3)] * 3)
    moved = registration.displacement[inside].abs().mean()
    assert moved > 0.01 or not is_learned(method)
    assert composed[inside].abs().mean() <= 0.5 * moved


def test_an_unknown_option_is_refused_by_name(name):
    with pytest.raises(ConfigError, match="no option 'smoothness_wieght'"):
        build_method(name, {"smoothness_wieght": 1.0})


def test_training_steps_change_the_weights_and_stay_finite(method, blobs):
    if not is_learned(method):
        with pytest.raises(NotImplementedError):
            method.loss(None, None, None)
        return
    optimiser = torch.optim.Adam(method.parameters(), lr=1e-3)
    before = [parameter.detach().clone() for parameter in method.parameters()]
    for seed in (1, 3):
        moving, fixed = blobs(seed, SHAPE), blobs(seed + 1, SHAPE)
        optimiser.zero_grad()
        terms = method.loss(method(moving, fixed), moving, fixed)
        assert all(math.isfinite(term.item()) for term in terms.values())
        sum(terms.values()).backward()
        optimiser.step()
    after = list(method.parameters())
    assert all(torch.isfinite(parameter).all() for parameter in after)
    changed = [not torch.equal(old, new) for old, new in zip(before, after, strict=True)]
    assert sum(changed) > 0.8 * len(changed)


def test_weights_saved_and_loaded_give_the_same_fields(name, method, blobs, tmp_path):
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    again = build_method(name)
    again.load_state_dict(torch.load(tmp_path / "weights.pt"))
    first, second = (register_both_ways(m, blobs(1, SHAPE), blobs(2, SHAPE)).forward for m in (method, again))
    assert torch.equal(first, second)


def test_a_name_that_does_not_exist_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'spnte', did you mean 'spnet'"):
        build_method("spnte")
