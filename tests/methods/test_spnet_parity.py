"""Our SPnet against what the authors' own program printed for the same inputs and weights."""

import numpy as np
import pytest
import torch

from spnet.device import to_device
from spnet.losses import gradient_smoothness, local_ncc
from spnet.methods import build_method
from spnet.methods.compute import Compute
from spnet.weights import PUBLISHED, load_weights


@pytest.fixture(scope="module")
def published(shared):
    network = build_method("spnet")
    load_weights(network, shared / "weights" / PUBLISHED["spnet"].file)
    return to_device(network, torch.device("cpu"))


@pytest.fixture(scope="module")
def official(golden):
    return golden("spnet_official")


def images(arrays):
    return tuple(torch.from_numpy(arrays[name])[None, None] for name in ("moving", "fixed"))


def test_parameter_count_is_the_authors():
    assert build_method("spnet").count_parameters() == 426_732


def test_fields_and_velocities_equal_the_authors(published, official):
    with torch.no_grad():
        registration = published(*images(official))
    found = {
        "field_moving_to_fixed": registration.forward,
        "field_fixed_to_moving": registration.backward,
        "velocity_level1": registration.details[0].forward_velocity,
        "velocity_level4": registration.details[3].forward_velocity,
    }
    for name, field in found.items():
        difference = np.abs(field[0].numpy() - official[name]).max()
        print(f"{name}: largest difference {difference:.1e} voxels")
        assert difference < 1e-4, name


def test_loss_and_its_gradients_equal_the_authors(published, official):
    # One direction after the other, as theirs: biases of the heads then cancel to the last bit.
    published.compute = Compute(batch_directions=False)
    moving, fixed = images(official)
    published.zero_grad()
    loss = sum(published.loss(published(moving, fixed), moving, fixed).values())
    assert loss.item() == pytest.approx(float(official["loss"]), rel=1e-5)
    loss.backward()
    wanted = dict(zip(official["grad_norm_names"], official["grad_norms"], strict=True))
    found = {name.replace(".", "__"): _norm(p.grad) for name, p in published.named_parameters()}
    assert found.keys() == wanted.keys()
    worst = max(abs(found[name] / wanted[name] - 1) for name in wanted if wanted[name] > 1e-9)
    print(f"loss {loss.item():.7f}, official {float(official['loss']):.7f}; worst gradient norm, relative {worst:.1e}")
    for name in wanted:
        assert found[name] == pytest.approx(wanted[name], rel=1e-2, abs=1e-12), name


def _norm(gradient):
    return 0.0 if gradient is None else gradient.norm().item()


def test_swapping_the_images_swaps_the_fields_bit_for_bit(published, official):
    moving, fixed = images(official)
    with torch.no_grad():
        found, swapped = published(moving, fixed), published(fixed, moving)
    assert torch.equal(found.forward, swapped.backward)
    assert torch.equal(found.backward, swapped.forward)


@pytest.mark.parametrize("window", [3, 5, 7, 9])
def test_cross_correlation_equals_the_authors(golden, window):
    arrays = golden("ncc_official")
    moving, fixed = images(arrays)
    ours, theirs = -local_ncc(fixed, moving, window).item(), float(arrays[f"ncc{window}"])
    print(f"window {window}: {ours:.7f}, official {theirs:.7f}")
    # Their float32 sums are themselves 1.2e-5 off a float64 computation at window 3; ours are 3e-6 off.
    assert ours == pytest.approx(theirs, rel=5e-5)


def test_smoothness_equals_the_authors(golden, official):
    velocity = torch.from_numpy(official["velocity_level1"])[None]
    assert gradient_smoothness(velocity).item() == pytest.approx(
        float(golden("ncc_official")["gradient_loss"]), rel=1e-5
    )


def test_sizes_that_eight_does_not_divide_are_registered_on_their_own_grid(published, official):
    moving, fixed = (image[..., 1:30, 2:45, 0:31] for image in images(official))
    with torch.no_grad():
        registration = published(moving, fixed)
    assert registration.forward.shape == (1, 3, *moving.shape[2:])
    whole = torch.from_numpy(official["field_moving_to_fixed"])[None][..., 1:30, 2:45, 0:31]
    inside = (slice(None), slice(None), slice(8, -8), slice(8, -8), slice(8, -8))
    difference = (registration.forward - whole)[inside].abs().mean()
    assert difference < 0.25 * whole[inside].abs().mean()


@pytest.mark.parametrize("batch_directions", [True, False])
def test_velocity_heads_get_no_gradient_in_their_bias(batch_directions, blobs):
    # v = (forward - backward) / 2 and both share the head: its bias cancels.
    network = build_method("spnet")
    network.compute = Compute(batch_directions=batch_directions)
    moving, fixed = blobs(1), blobs(2)
    sum(network.loss(network(moving, fixed), moving, fixed).values()).backward()
    assert network.predict_flow0.bias.grad is None
    assert network.predict_flow0.weight.grad.abs().max() > 1e-6


def test_biases_of_velocity_heads_move_no_field(blobs):
    network = build_method("spnet")
    moving, fixed = blobs(1), blobs(2)
    with torch.no_grad():
        before = network(moving, fixed).forward
        for level in range(4):
            network.get_submodule(f"predict_flow{level}").bias.fill_(3.0)
        assert torch.equal(network(moving, fixed).forward, before)
