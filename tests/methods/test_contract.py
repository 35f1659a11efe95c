"""What every entry of METHODS must do."""

import math

import pytest
import torch

from spnet.errors import ConfigError
from spnet.evaluation.register import register_both_ways
from spnet.fields import compose
from spnet.methods import METHODS, build_method
from spnet.methods.base import Method

SHAPE = (16, 24, 16)


@pytest.fixture(params=METHODS)
def method(request):
    torch.manual_seed(0)
    return build_method(request.param)


def is_learned(method):
    return method.count_parameters() > 0


def test_fields_have_the_grid_of_the_images_and_are_finite(method, blobs):
    found = register_both_ways(method, blobs(1, SHAPE), blobs(2, SHAPE))
    for field in (found.forward, found.backward):
        assert field.shape == (1, 3, *SHAPE)
        assert torch.isfinite(field).all()


def test_both_directions_nearly_undo_each_other(method, blobs):
    found = register_both_ways(method, blobs(1, SHAPE), blobs(2, SHAPE))
    composed = compose(found.backward, found.forward, method.sampler)
    assert composed.abs().mean() <= 0.5 * found.forward.abs().mean() + 0.05


def test_an_image_registered_to_itself_hardly_moves(method, blobs):
    image = blobs(1, SHAPE)
    assert register_both_ways(method, image, image).forward.abs().mean() < 0.05


def test_an_unknown_option_is_refused_by_name(method):
    (name,) = [key for key, value in METHODS.items() if value.endswith(f":{type(method).__name__}")]
    with pytest.raises(ConfigError, match="no option 'smoothness_wieght'"):
        build_method(name, {"smoothness_wieght": 1.0})


def test_training_steps_change_the_weights_and_stay_finite(method, blobs):
    if not is_learned(method):
        with pytest.raises(NotImplementedError):
            Method.loss(method, None, None, None)
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


def test_weights_saved_and_loaded_give_the_same_fields(method, blobs, tmp_path):
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    again = build_method(next(name for name in METHODS if METHODS[name].endswith(f":{type(method).__name__}")))
    again.load_state_dict(torch.load(tmp_path / "weights.pt"))
    first, second = (register_both_ways(m, blobs(1, SHAPE), blobs(2, SHAPE)).forward for m in (method, again))
    assert torch.equal(first, second)


def test_a_name_that_does_not_exist_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'spnte', did you mean 'spnet'"):
        build_method("spnte")
