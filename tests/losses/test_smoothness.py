"""Laws of the squared forward differences."""

import numpy as np
import pytest
import torch

from spnet.losses import gradient_smoothness, roughness

SHAPE = (7, 12, 9)


def random_field(batch=2):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(batch, 3, *SHAPE)))


def linear_field(slopes):
    return torch.from_numpy(np.tensordot(slopes, np.indices(SHAPE), 1))[None]


def reference(field):
    return sum(np.mean(np.diff(field.numpy(), axis=axis) ** 2) for axis in (2, 3, 4)) / 3


def test_constant_field_scores_zero():
    assert gradient_smoothness(torch.full((1, 3, *SHAPE), 5.0)).item() == 0


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_ramp_of_one_channel_along_one_axis_scores_a_ninth_of_its_squared_slope(channel, axis):
    slopes = np.zeros((3, 3))
    slopes[channel, axis] = 6.0
    assert gradient_smoothness(linear_field(slopes)).item() == pytest.approx(36 / 9)


def test_linear_field_scores_the_mean_of_its_squared_slopes():
    slopes = np.arange(9.0).reshape(3, 3) - 3
    assert gradient_smoothness(linear_field(slopes)).item() == pytest.approx(np.mean(slopes**2))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_step_is_averaged_over_the_differences_of_its_own_axis(axis):
    field = np.zeros((1, 3, *SHAPE))
    np.moveaxis(field, axis + 2, 0)[4:] = 1.0
    expected = 3 * (1 / (SHAPE[axis] - 1)) / 9
    assert gradient_smoothness(torch.from_numpy(field)).item() == pytest.approx(expected)
    np.moveaxis(field, axis + 2, 0)[-1:] = 0.0
    assert gradient_smoothness(torch.from_numpy(field)).item() == pytest.approx(2 * expected)


def test_random_fields_agree_with_numpy_differences():
    field = random_field()
    assert gradient_smoothness(field).item() == pytest.approx(reference(field), rel=1e-12)
    assert gradient_smoothness(field.float()).item() == pytest.approx(reference(field), rel=1e-5)


def test_opposite_field_scores_the_same_and_double_field_four_times():
    field = random_field()
    once = gradient_smoothness(field).item()
    assert gradient_smoothness(-field).item() == pytest.approx(once)
    assert gradient_smoothness(2 * field).item() == pytest.approx(4 * once)


def test_gradient_agrees_with_finite_differences():
    field, direction = random_field().requires_grad_(), random_field().flip(0, 2)
    gradient_smoothness(field).backward()
    step = 1e-4 * direction
    slope = (reference(field.detach() + step) - reference(field.detach() - step)) / 2e-4
    assert (field.grad * direction).sum().item() == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("penalty", [gradient_smoothness, roughness])
def test_gradients_are_those_of_differences_at_every_voxel(penalty):
    field = torch.rand(2, 3, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(penalty, field)


def test_roughness_is_half_the_sum_of_squared_differences_over_the_elements():
    field = random_field()
    expected = sum((np.diff(field.numpy(), axis=axis) ** 2).sum() for axis in (2, 3, 4)) / 2 / field.numel()
    assert roughness(field).item() == pytest.approx(expected, rel=1e-12)


def test_axis_of_one_voxel_has_no_differences():
    field = random_field()[..., :1]
    expected = sum(np.mean(np.diff(field.numpy(), axis=axis) ** 2) for axis in (2, 3)) / 3
    assert gradient_smoothness(field).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 2, *SHAPE), (1, *SHAPE, 3), (3, *SHAPE)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError):
        gradient_smoothness(torch.zeros(shape))
