"""What each ablation and backbone of Tables 4 and 5 takes away or puts in its place, and nothing beside it."""

import pytest
import torch
import torch.nn.functional as F
from entries import ABLATIONS, ENTRIES

from spnet.evaluation.register import register_both_ways
from spnet.fields import integrate
from spnet.methods import build_method
from spnet.methods.spnet.backbones import SLOPE, InceptionModule, Residual

# By hand from the layers of each variant; the encoder and estimators of the authors' program have 426,732.
PARAMETERS = {
    "spnet-no_svf": 426_732,
    "spnet-no_mie": 377_676,
    "spnet-no_feature_warping": 426_732,
    "spnet-no_symmetry": 426_732,
    "spnet-ss": 426_732,
    "spnet-ss_be": 426_732,
    "spnet-2_levels": 69_670,
    "spnet-3_levels": 238_913,
    "spnet-resnet": 379_436,
    "spnet-inception": 450_396,
}
AVERAGED = [name for name in PARAMETERS if "directions" not in ENTRIES[name]["options"]]
SHAPE = (16, 24, 16)


def entry(name, **changes):
    """The method of that entry; its weights are the full model's wherever both have the layer, heads enlarged."""
    torch.manual_seed(0)
    method = build_method("spnet", {**ENTRIES[name]["options"], **changes})
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.ndim == 5 and parameter.shape[0] == 3:
                parameter *= 3 / parameter.std()
    return method.eval()


@pytest.fixture
def pair(blobs):
    return blobs(1, SHAPE), blobs(2, SHAPE)


@pytest.fixture
def register(pair):
    """Function from a method to its registration of the pair."""

    @torch.no_grad()
    def run(method, swapped=False):
        return method(*(reversed(pair) if swapped else pair))

    return run


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameter_count_is_the_known_one(name, count):
    assert entry(name).count_parameters() == count


def test_every_variant_of_the_paper_is_an_entry_and_trains_as_the_full_model():
    assert set(ABLATIONS) == set(PARAMETERS)
    for name in ABLATIONS:
        assert ENTRIES[name]["training"] == ENTRIES["spnet"]["training"]
        assert ENTRIES[name]["published_as"] == name


def test_no_two_entries_share_a_mapping_that_an_overlay_would_change_for_both():
    for key in ("training", "options"):
        assert len({id(its[key]) for its in ENTRIES.values()}) == len(ENTRIES)


@pytest.mark.parametrize("name", AVERAGED)
def test_averaged_estimates_do_not_depend_on_the_order_of_the_images(name, register):
    method = entry(name)
    found, swapped = register(method), register(method, swapped=True)
    assert torch.equal(found.forward, swapped.backward)
    assert torch.equal(found.backward, swapped.forward)


@pytest.mark.parametrize("name", ["spnet-no_symmetry", "spnet-ss"])
def test_a_network_that_only_estimates_forward_leaves_backward_to_a_second_pass(name, register, pair):
    method = entry(name)
    assert register(method).backward is None
    both = register_both_ways(method, *pair)
    assert torch.equal(both.backward, register(method, swapped=True).forward)


def test_a_shared_velocity_goes_back_by_its_negative_in_training(register):
    for level in register(entry("spnet-ss")).details:
        assert torch.equal(level.backward, integrate(-level.forward_velocity, 7, "official"))
    assert all(level.backward is None for level in register(entry("spnet-no_symmetry")).details)


def test_directions_kept_apart_do_not_see_each_other(register):
    both = register(entry("spnet-ss_be"))
    alone = [register(entry("spnet-no_symmetry"), swapped).forward for swapped in (False, True)]
    assert torch.equal(both.forward, alone[0])
    assert torch.equal(both.backward, alone[1])
    assert torch.equal(both.forward, register(entry("spnet-ss")).forward)


def test_averaging_changes_both_fields(register):
    apart, averaged = register(entry("spnet-ss_be")), register(entry("spnet"))
    for name in ("forward", "backward"):
        difference = (getattr(apart, name) - getattr(averaged, name)).abs().mean()
        assert difference > 0.1 * getattr(averaged, name).abs().mean()
    # At the coarsest level, where both see the same, the average is that of the estimates.
    coarsest = apart.details[-1]
    assert torch.equal(
        (coarsest.forward_velocity - coarsest.backward_velocity) / 2, averaged.details[-1].forward_velocity
    )


def test_without_feature_warping_nothing_is_warped(register, monkeypatch):
    plain = register(entry("spnet-no_feature_warping"))

    def refuse(*_):
        raise AssertionError("warped")

    monkeypatch.setattr("spnet.methods.spnet.method.warp", refuse)
    assert torch.equal(register(entry("spnet-no_feature_warping")).forward, plain.forward)
    with pytest.raises(AssertionError, match="warped"):
        register(entry("spnet"))


def test_without_feature_warping_the_coarser_field_still_enters(register):
    method = entry("spnet-no_feature_warping")
    before = register(method).forward
    with torch.no_grad():
        method.predict_flow1.weight[:] = 0
    assert not torch.equal(register(method).forward, before)


def test_without_a_velocity_the_estimates_are_the_displacements(register, monkeypatch):
    monkeypatch.setattr("spnet.methods.spnet.method.integrate", None)
    registration = register(entry("spnet-no_svf"))
    for level in registration.details:
        assert torch.equal(level.forward, level.forward_velocity)
        assert torch.equal(level.backward, level.backward_velocity)
    assert torch.equal(registration.backward, registration.details[0].backward)


@pytest.mark.parametrize(("name", "levels"), [("spnet-2_levels", 2), ("spnet-3_levels", 3), ("spnet", 4)])
def test_the_finest_levels_stay(name, levels, register):
    shapes = [tuple(level.forward_velocity.shape[2:]) for level in register(entry(name)).details]
    assert shapes == [tuple(size // 2**level for size in SHAPE) for level in range(levels)]


def test_an_inception_module_is_a_convolution_of_the_largest_kernel_with_zeros_about_the_smaller(blobs):
    torch.manual_seed(0)
    module, image = InceptionModule(3, 8, stride=2), torch.cat([blobs(seed, SHAPE) for seed in (1, 2, 3)], dim=1)
    kernels = [F.pad(branch.weight, [(5 - branch.kernel_size[0]) // 2] * 6) for branch in module.branches]
    assert [kernel.shape[0] for kernel in kernels] == [2, 4, 2]
    bias = torch.cat([branch.bias for branch in module.branches])
    wanted = F.leaky_relu(F.conv3d(image, torch.cat(kernels), bias, stride=2, padding=2), SLOPE)
    assert torch.allclose(module(image), wanted, atol=1e-6)


def test_a_residual_module_adds_the_projection_before_its_last_activation(blobs):
    torch.manual_seed(0)
    layers, image = Residual().make(1, 3, 4), torch.cat([blobs(seed, SHAPE) for seed in (1, 2, 3)], dim=1)
    first, second, shortcut = layers["conv1a"][0], layers["conv1b"], layers["shortcut1"]
    hidden = F.leaky_relu(F.conv3d(image, first.weight, first.bias, stride=2, padding=1), SLOPE)
    projected = torch.einsum("oi,bidhw->bodhw", shortcut.weight[..., 0, 0, 0], image[..., ::2, ::2, ::2])
    projected = projected + shortcut.bias.reshape(-1, 1, 1, 1)
    wanted = F.leaky_relu(F.conv3d(hidden, second.weight, second.bias, padding=1) + projected, SLOPE)
    assert torch.allclose(Residual().encode(layers.__getitem__, 1, image, image), wanted, atol=1e-6)
