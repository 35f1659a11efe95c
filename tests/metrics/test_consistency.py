"""Laws of the inverse consistency error."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from spnet.metrics.consistency import inverse_consistency_error

SHAPE = (13, 16, 11)
SAMPLERS = ["exact", "official"]


def constant_field(vector):
    return torch.tensor(vector, dtype=torch.float64).reshape(1, 3, 1, 1, 1).repeat(1, 1, *SHAPE)


def random_field(seed, size=1.5):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, size, (1, 3, *SHAPE)))


def affine_field(matrix):
    centre = (np.array(SHAPE) - 1) / 2
    from_centre = np.indices(SHAPE) - centre.reshape(3, 1, 1, 1)
    return torch.from_numpy(np.tensordot(matrix - np.eye(3), from_centre, 1))[None]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_identity_is_its_own_inverse(sampler):
    assert inverse_consistency_error(constant_field([0.0] * 3), constant_field([0.0] * 3), sampler) == 0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_field_of_one_direction_alone_is_its_own_error(sampler):
    still, field = constant_field([0.0] * 3), random_field(0)
    assert inverse_consistency_error(field, still, sampler) == pytest.approx(field.abs().mean().item())


def test_opposite_translations_have_no_error():
    forward = constant_field([1.5, -2.0, 0.25])
    assert inverse_consistency_error(forward, -forward, "exact") == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("forward", "backward", "expected"),
    [
        ([1.0, 2.0, 3.0], [-1.0, 0.0, -3.0], 2 / 3),
        ([3.0, 0.0, 0.0], [0.0, -4.0, 0.0], 7 / 3),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 2.0),
    ],
)
def test_translations_that_do_not_cancel_err_by_the_mean_of_what_is_left(forward, backward, expected):
    error = inverse_consistency_error(constant_field(forward), constant_field(backward), "exact")
    assert error == pytest.approx(expected)


def test_zeros_outside_make_opposite_translations_err_with_the_official_sampler(compose_in_float64):
    forward = constant_field([2.0, 0.0, 0.0])
    expected = np.abs(compose_in_float64(-forward[0].numpy(), forward[0].numpy(), "official")).mean()
    assert expected > 0.1
    assert inverse_consistency_error(forward, -forward, "official") == pytest.approx(expected)


CONTRACTION = expm(np.array([[-0.4, 0.1, -0.1], [-0.05, -0.3, 0.1], [0.1, -0.1, -0.5]]))


def test_affine_map_and_its_inverse_have_no_error():
    forward, backward = affine_field(CONTRACTION), affine_field(np.linalg.inv(CONTRACTION))
    assert inverse_consistency_error(forward, backward, "exact") == pytest.approx(0, abs=1e-10)


def test_affine_map_and_its_negated_displacement_do_err():
    forward = affine_field(CONTRACTION)
    error = inverse_consistency_error(forward, -forward, "exact")
    squared = affine_field(np.eye(3) + (CONTRACTION - np.eye(3)) @ (CONTRACTION - np.eye(3)))
    assert error == pytest.approx(squared.abs().mean().item())
    assert error > 0.2


def test_affine_maps_that_are_no_inverses_err_by_their_product():
    other = np.array([[1.2, 0.1, 0.0], [0.0, 1.1, -0.2], [0.1, 0.0, 0.9]])
    expected = affine_field(other @ CONTRACTION).abs().mean().item()
    error = inverse_consistency_error(affine_field(CONTRACTION), affine_field(other), "exact")
    assert error == pytest.approx(expected)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_random_fields_agree_with_scipy_in_float64(sampler, compose_in_float64):
    forward, backward = random_field(0), random_field(1)
    expected = np.abs(compose_in_float64(backward[0].numpy(), forward[0].numpy(), sampler)).mean()
    assert inverse_consistency_error(forward, backward, sampler) == pytest.approx(expected, rel=1e-9)
    assert inverse_consistency_error(forward.float(), backward.float(), sampler) == pytest.approx(expected, rel=1e-5)


def test_result_is_a_number():
    assert isinstance(inverse_consistency_error(random_field(0), random_field(1), "exact"), float)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ((1, 2, *SHAPE), (1, 2, *SHAPE)),
        ((1, 3, *SHAPE), (1, 3, 13, 16, 12)),
        ((3, *SHAPE), (3, *SHAPE)),
    ],
)
def test_wrong_shapes_are_refused(forward, backward):
    with pytest.raises(ValueError):
        inverse_consistency_error(torch.zeros(forward), torch.zeros(backward), "exact")
