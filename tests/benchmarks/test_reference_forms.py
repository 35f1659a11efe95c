"""Every plain form computes what the package computes: values, gradients and scores."""

import numpy as np
import pytest
import torch

from benchmarks.agree import compare_scores
from benchmarks.inputs import LABELS, make_field, make_image, make_labels, make_method, write_subjects
from benchmarks.reference import evaluation as plain
from benchmarks.reference import fields as plain_fields
from benchmarks.reference.ncc import local_ncc as plain_ncc
from benchmarks.reference.ncc import local_ncc_in_float64
from benchmarks.reference.spnet import PlainSPnet, smoothness, spnet_loss
from benchmarks.work import evaluation, plain_evaluation
from spnet.data.pairs import make_pairs
from spnet.fields import integrate, jacobian_determinant, warp
from spnet.losses import gradient_smoothness, local_ncc
from spnet.metrics.overlap import dice_per_label

SIZE = (16, 24, 16)
SAMPLERS = ["official", "exact", "exact_zeros"]


def values_and_gradients(function, *inputs):
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    output = function(*leaves)
    return output.detach(), torch.autograd.grad(
        (output * torch.linspace(0, 1, output.numel()).view(output.shape)).sum(), leaves
    )


def assert_same(ours, theirs, rtol=1e-4):
    (value, gradients), (plain_value, plain_gradients) = ours, theirs
    torch.testing.assert_close(value, plain_value, rtol=rtol, atol=rtol * plain_value.abs().max().item())
    for gradient, plain_gradient in zip(gradients, plain_gradients, strict=True):
        torch.testing.assert_close(gradient, plain_gradient, rtol=rtol, atol=rtol * plain_gradient.abs().max().item())


@pytest.mark.parametrize("window", [3, 5, 7, 9])
@pytest.mark.parametrize("reference", [plain_ncc, local_ncc_in_float64])
def test_cross_correlation(window, reference):
    images = make_image(1, SIZE), make_image(2, SIZE).lerp(make_image(1, SIZE), 0.5)
    leaves = [[image.double().requires_grad_() for image in images] for _ in range(2)]
    ours, theirs = (form(*pair, window) for form, pair in zip((local_ncc, reference), leaves, strict=True))
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
    for found, expected in zip(
        torch.autograd.grad(ours, leaves[0]), torch.autograd.grad(theirs, leaves[1]), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8 * expected.abs().max().item())


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_warp(sampler):
    inputs = make_image(1, SIZE).double(), make_field(2, SIZE).double()
    ours = values_and_gradients(lambda *both: warp(*both, sampler), *inputs)
    assert_same(ours, values_and_gradients(lambda *both: plain_fields.warp(*both, sampler), *inputs), 1e-9)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_warp_of_labels(sampler):
    labels, field = make_labels(1, SIZE)[None, None].double(), make_field(2, SIZE).double()
    assert torch.equal(warp(labels, field, sampler, "nearest"), plain_fields.warp(labels, field, sampler, "nearest"))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_integration(sampler):
    velocity = make_field(3, SIZE).double()
    ours = values_and_gradients(lambda field: integrate(field, 7, sampler), velocity)
    assert_same(ours, values_and_gradients(lambda field: plain_fields.integrate(field, sampler), velocity), 1e-8)


def test_smoothness():
    field = make_field(3, SIZE)
    assert smoothness(field).item() == pytest.approx(gradient_smoothness(field).item(), rel=1e-5)


def test_spnet_finds_the_same_fields_at_every_level():
    method, moving, fixed = make_method(), make_image(1, SIZE), make_image(2, SIZE)
    with torch.no_grad():
        levels = PlainSPnet(method.state_dict())(moving, fixed)
        found = method(moving, fixed).details
    assert found[0].forward.abs().max() > 0.1
    for level, (velocity, displacement, inverse) in zip(found, levels, strict=True):
        ours = level.forward_velocity, level.forward, level.backward
        for found_field, expected in zip(ours, (velocity, displacement, inverse), strict=True):
            torch.testing.assert_close(found_field, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())


def test_spnet_has_the_same_loss_and_every_gradient():
    method, moving, fixed = make_method().double(), make_image(1, SIZE).double(), make_image(2, SIZE).double()
    reference = PlainSPnet(method.state_dict()).double()
    ours = sum(method.training_loss([moving, fixed]).values())
    theirs = spnet_loss(reference(moving, fixed), moving, fixed)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
    ours.backward()
    theirs.backward()
    wanted = dict(reference.named_parameters())
    for name, parameter in method.named_parameters():
        expected = wanted.pop(name).grad
        if parameter.grad is None:  # a head's bias, which the mean of both directions cancels: ours leaves it out
            assert name.startswith("predict_flow") and name.endswith("bias")
            assert expected.abs().max() < 1e-10
        else:
            torch.testing.assert_close(parameter.grad, expected, rtol=1e-5, atol=1e-10)
    assert not wanted


def test_plain_spnet_lies_in_contiguous_memory():
    method = make_method().to(memory_format=torch.channels_last_3d)
    assert all(parameter.is_contiguous() for parameter in PlainSPnet(method.state_dict()).parameters())


def test_evaluation_gives_every_score_of_every_pair():
    folder, keeper = write_subjects(3, SIZE)
    pairs = make_pairs(["00", "01", "02"])
    method = make_method()
    ours = evaluation(method.eval(), folder, [pairs])(0)
    theirs = plain_evaluation(PlainSPnet(method.state_dict()), folder, [pairs])(0)
    assert {metric for _, _, metric, _ in ours} == {"dice", "dice_merged", "jab", "jab_central", "ice", "ice_exact"}
    assert ours.keys() == theirs.keys()
    assert max(compare_scores(ours, theirs).values()) < 5e-5
    # The scores say something: labels overlap in part, and fields are not zero.
    assert 0.05 < np.mean([value for (_, _, metric, _), value in theirs.items() if metric == "dice"]) < 0.95
    assert min(value for (_, _, metric, _), value in theirs.items() if metric == "ice") > 1e-3
    keeper.cleanup()


def test_dice():
    first, second = make_labels(1, SIZE), make_labels(2, SIZE)
    found = plain.dice(first.numpy(), second.numpy(), LABELS.scored)
    assert found == pytest.approx(dice_per_label(first, second, LABELS.scored))
    assert len(found) > 10


@pytest.mark.parametrize("differences", ["forward", "central"])
def test_jacobian(differences):
    field = make_field(3, SIZE, largest=30.0)
    ours = jacobian_determinant(field, differences)[0].numpy()
    theirs = plain.jacobian_determinant(field[0].numpy(), differences)
    assert (theirs <= 0).any()
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)
