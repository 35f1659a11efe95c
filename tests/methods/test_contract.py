"""What every entry of METHODS must do, and every ablation that methods.yaml makes of SPnet by options."""

import pytest
import torch
from entries import ABLATIONS, ENTRIES

from spnet.errors import ConfigError
from spnet.evaluation.register import register_both_ways
from spnet.fields import compose
from spnet.methods import METHODS, build_method
from spnet.methods.base import Method
from spnet.training import TrainingOptions, train
from spnet.training.step import Step

SHAPE = (16, 24, 16)
STEPS = 8  # of a training; LapIRN's stages have 2, 2 and 4
TRAINING_SHAPE = (32, 16, 16)  # the smallest in which batch normalisation has two voxels at every level


# Implementation and options.
METHODS_AND_ABLATIONS = {name: (name, {}) for name in METHODS} | {
    name: (ENTRIES[name]["implementation"], ENTRIES[name]["options"]) for name in ABLATIONS
}


@pytest.fixture(params=METHODS_AND_ABLATIONS)
def name(request):
    return request.param


def build(name):
    return build_method(*METHODS_AND_ABLATIONS[name])


@pytest.fixture
def method(name):
    """The method, its nearly-zero heads enlarged so that even untrained it moves voxels."""
    torch.manual_seed(0)
    built = build(name)
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
    if registration.backward is None:
        pytest.skip("gives one direction; its inverse consistency is a result, not a promise")
    if getattr(method.options, "directions", None) == "both":
        pytest.skip("estimates both directions apart; their consistency is a result as well")
    composed = compose(registration.backward, registration.forward, "exact")
    inside = (..., *[slice(3, -3)] * 3)
    moved = registration.forward[inside].abs().mean()
    assert moved > 0.01 or not is_learned(method)
    assert composed[inside].abs().mean() <= 0.5 * moved


def test_swapped_images_give_the_same_two_fields_unless_the_method_says_that_it_depends_on_their_order(method, blobs):
    first, second = blobs(1, SHAPE), blobs(2, SHAPE)
    with torch.no_grad():
        there, back = method.eval()(first, second), method(second, first)
    if there.backward is None:
        pytest.skip("gives one direction: each is a pass of its own")
    moved = there.forward.abs().mean()
    same = torch.allclose(there.backward, back.forward, rtol=0, atol=1e-3 * float(moved))
    assert same != method.order_dependent or not moved


def test_an_unknown_option_is_refused_by_name(name):
    with pytest.raises(ConfigError, match="no option 'smoothness_wieght'"):
        build_method(METHODS_AND_ABLATIONS[name][0], {"smoothness_wieght": 1.0})


def test_an_identical_pair_gives_finite_fields(method, blobs):
    image = blobs(1, SHAPE)
    found = register_both_ways(method.eval(), image, image)
    assert torch.isfinite(found.forward).all()
    assert torch.isfinite(found.backward).all()


def test_a_size_that_no_network_divides_is_registered_on_its_own_grid(method, blobs):
    with torch.no_grad():
        found = method.eval()(blobs(1, (15, 22, 19)), blobs(2, (15, 22, 19)))
    assert found.forward.shape == (1, 3, 15, 22, 19)


def test_a_batch_is_registered_as_its_pairs_one_by_one(name, method, blobs):
    if name == "syn":
        pytest.skip("one pair at a time, and says so (test_syn)")
    # In float64, since untrained averages are small differences of large estimates.
    moving, fixed = (torch.cat([blobs(seed, SHAPE), blobs(seed + 1, SHAPE)]).double() for seed in (1, 3))
    method.double().eval()
    with torch.no_grad():
        together = method(moving, fixed).forward
        alone = [method(moving[[index]], fixed[[index]]).forward[0] for index in range(2)]
    assert torch.allclose(together, torch.stack(alone), rtol=0, atol=1e-9 * together.abs().max())


@pytest.fixture
def steps(name):
    """Of a training that is stopped, or of batches; an ablation adds to SPnet's only what one step does."""
    return 2 if name in ABLATIONS else STEPS


@pytest.fixture
def trained(name, steps, write_image, blobs, tmp_path):
    """Function from a folder's name to a training of the method there, all its stages."""
    if not is_learned(build(name)):
        pytest.skip("has nothing to learn")
    images = [write_image(f"{seed}.nii.gz", blobs(seed, TRAINING_SHAPE)[0, 0].numpy()) for seed in range(3)]
    implementation, options = METHODS_AND_ABLATIONS[name]
    options = {**options, "frozen_steps": 1} if name == "lapirn" else options

    def run(folder, steps=steps, batch_size=1):
        every = min(2, steps - 1)
        training = TrainingOptions(steps=steps, learning_rate=1e-3, checkpoint_every=every, batch_size=batch_size)
        return train(implementation, options, images, training, tmp_path / folder, device="cpu")

    return run


def test_training_moves_every_weight_and_stays_finite(name, trained):
    torch.manual_seed(0)
    before = dict(build(name).named_parameters())
    after = dict(trained("a", STEPS).named_parameters())
    assert all(torch.isfinite(parameter).all() for parameter in after.values())
    still = [key for key, parameter in after.items() if torch.equal(parameter, before[key])]
    # The velocity heads' biases of SPnet cancel (test_spnet_parity).
    assert [key for key in still if not key.startswith("predict_flow")] == []


def test_a_training_stopped_and_resumed_ends_in_the_same_weights(trained, steps, monkeypatch):
    whole = trained("whole").state_dict()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Step, "run", _interrupted_after(steps - 1))
        trained("stopped")
    resumed = trained("stopped").state_dict()
    assert all(torch.equal(value, whole[key]) for key, value in resumed.items())


def _interrupted_after(steps):
    original, done = Step.run, []

    def run(self, *arguments):
        if len(done) == steps:
            raise KeyboardInterrupt
        done.append(arguments)
        return original(self, *arguments)

    return run


def test_a_batch_of_pairs_trains(name, trained, tmp_path):
    trained("b", batch_size=2)
    assert (tmp_path / "b" / "weights.pt").exists()


def test_weights_saved_and_loaded_give_the_same_fields(name, method, blobs, tmp_path):
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    again = build(name)
    again.load_state_dict(torch.load(tmp_path / "weights.pt"))
    first, second = (register_both_ways(m.eval(), blobs(1, SHAPE), blobs(2, SHAPE)).forward for m in (method, again))
    assert torch.equal(first, second)


def test_evaluation_draws_nothing_at_random(method, blobs):
    method.eval()
    with torch.no_grad():
        first, second = (method(blobs(1, SHAPE), blobs(2, SHAPE)).forward for _ in range(2))
    assert torch.equal(first, second)


def test_only_methods_that_the_registry_says_learn_have_weights_and_a_loss(name, method):
    learned = METHODS[METHODS_AND_ABLATIONS[name][0]].learned
    assert is_learned(method) == (type(method).loss is not Method.loss) == learned


def test_a_name_that_does_not_exist_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'spnte', did you mean 'spnet'"):
        build_method("spnte")
