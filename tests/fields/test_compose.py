"""Laws of the composition of deformations."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from spnet.fields import compose, warp

SHAPE = (15, 12, 18)
INSIDE = (..., slice(4, -4), slice(4, -4), slice(4, -4))
SAMPLERS = ["exact", "official"]


def random_displacement(batch=1, size=1.5, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, size, (batch, 3, *SHAPE)))


def smooth_displacement(seed, size=1.0, sigma=3.0):
    noise = np.random.default_rng(seed).normal(size=(1, 3, *SHAPE))
    smooth = gaussian_filter(noise, (0, 0, sigma, sigma, sigma), mode="reflect")
    return torch.from_numpy(size * smooth / np.abs(smooth).max())


def from_centre():
    centre = (np.array(SHAPE) - 1) / 2
    return np.indices(SHAPE) - centre.reshape(3, 1, 1, 1)


def affine_displacement(matrix):
    return torch.from_numpy(np.tensordot(matrix - np.eye(3), from_centre(), 1))[None]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_inner_plus_outer_at_the_displaced_point(sampler, compose_in_float64):
    outer, inner = random_displacement(2, seed=1), random_displacement(2, seed=2)
    expected = [compose_in_float64(a, b, sampler) for a, b in zip(outer.numpy(), inner.numpy(), strict=True)]
    np.testing.assert_allclose(compose(outer, inner, sampler).numpy(), expected, rtol=0, atol=1e-10)


def test_exact_is_the_default_sampler():
    outer, inner = random_displacement(seed=1), random_displacement(seed=2)
    assert torch.equal(compose(outer, inner), compose(outer, inner, "exact"))


def test_zero_is_neutral_on_either_side():
    field = random_displacement()
    torch.testing.assert_close(compose(field, torch.zeros_like(field)), field, rtol=0, atol=1e-12)
    torch.testing.assert_close(compose(torch.zeros_like(field), field), field, rtol=0, atol=1e-12)


def test_zero_outer_is_neutral_with_the_official_sampler():
    field = random_displacement()
    torch.testing.assert_close(compose(torch.zeros_like(field), field, "official"), field, rtol=0, atol=1e-12)


def test_translations_add():
    first = torch.tensor([1.5, -2.0, 0.25], dtype=torch.float64).reshape(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    second = torch.tensor([-0.5, 3.0, 1.0], dtype=torch.float64).reshape(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    torch.testing.assert_close(compose(first, second), first + second, rtol=0, atol=1e-12)


def test_affine_maps_compose_as_outer_matrix_times_inner_matrix():
    outer = np.array([[1.3, 0.2, 0.0], [0.0, 0.8, 0.1], [0.1, 0.0, 1.1]])
    inner = np.array([[0.8, 0.1, 0.0], [0.0, 0.7, -0.05], [-0.1, 0.1, 0.8]])
    assert not np.allclose(outer @ inner, inner @ outer)
    composed = compose(affine_displacement(outer), affine_displacement(inner))
    torch.testing.assert_close(composed, affine_displacement(outer @ inner), rtol=0, atol=1e-10)


def test_warping_by_the_composition_equals_warping_by_outer_then_by_inner():
    outer, inner = smooth_displacement(1, size=4.0), smooth_displacement(2, size=4.0)
    waves = np.sin(np.indices(SHAPE) / 8.0 + np.array([0.0, 1.0, 2.0]).reshape(3, 1, 1, 1))
    volume = torch.from_numpy(waves.sum(axis=0))[None, None]
    once = warp(volume, compose(outer, inner))[INSIDE]
    twice = warp(warp(volume, outer), inner)[INSIDE]
    wrong_order = warp(warp(volume, inner), outer)[INSIDE]
    assert (once - twice).abs().max() < 0.01
    assert (once - twice).abs().mean() < 0.1 * (once - wrong_order).abs().mean()


def test_warping_a_ramp_by_the_composition_equals_warping_twice_exactly():
    outer, inner = smooth_displacement(1), smooth_displacement(2)
    ramp = torch.from_numpy(np.tensordot([1.0, -2.0, 0.5], np.indices(SHAPE), 1))[None, None]
    once, twice = warp(ramp, compose(outer, inner)), warp(warp(ramp, outer), inner)
    torch.testing.assert_close(once[INSIDE], twice[INSIDE], rtol=0, atol=1e-10)


def test_composition_is_nearly_associative_on_smooth_fields():
    first, second, third = (smooth_displacement(seed, sigma=4.0) for seed in (1, 2, 3))
    left = compose(compose(first, second), third)[INSIDE]
    right = compose(first, compose(second, third))[INSIDE]
    summed = (first + second + third)[INSIDE]
    assert (left - right).abs().max() < 0.01
    assert (left - right).abs().mean() < 0.1 * (left - summed).abs().mean()


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ((1, 2, *SHAPE), (1, 3, *SHAPE)),
        ((1, 3, *SHAPE), (1, 2, *SHAPE)),
        ((1, 3, *SHAPE), (1, 3, 15, 12, 17)),
        ((3, *SHAPE), (3, *SHAPE)),
    ],
)
def test_wrong_shapes_are_refused(outer, inner):
    with pytest.raises(ValueError):
        compose(torch.zeros(outer), torch.zeros(inner))
