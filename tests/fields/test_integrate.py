"""Laws of the exponential of a stationary velocity."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.ndimage import gaussian_filter, map_coordinates

from spnet.fields import compose, integrate

SHAPE = (16, 13, 19)
SAMPLERS = ["exact", "official"]
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def random_velocity(batch=1, size=1.0, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, size, (batch, 3, *SHAPE)))


def smooth_velocity(size, sigma=2.5, seed=0):
    noise = np.random.default_rng(seed).normal(size=(1, 3, *SHAPE))
    smooth = gaussian_filter(noise, (0, 0, sigma, sigma, sigma), mode="constant")
    profiles = [np.sin(np.pi * np.arange(s) / (s - 1)) for s in SHAPE]
    tapered = smooth * np.einsum("i,j,k->ijk", *profiles)
    return torch.from_numpy(size * tapered / np.abs(tapered).max())


def from_centre():
    centre = (np.array(SHAPE) - 1) / 2
    return np.indices(SHAPE) - centre.reshape(3, 1, 1, 1)


def linear_field(matrix):
    return torch.from_numpy(np.tensordot(matrix, from_centre(), 1))[None]


def constant_field(vector, shape=SHAPE):
    return torch.tensor(vector, dtype=torch.float64).reshape(1, 3, 1, 1, 1).repeat(1, 1, *shape)


def vortex(cells, peak):
    """One smooth velocity of the unit cube that vanishes on its faces, in voxels of a grid of `cells` a side."""
    x, y, z = np.meshgrid(*(np.linspace(0, 1, n + 1) for n in cells), indexing="ij")
    bump = np.sin(np.pi * x) * np.sin(np.pi * y) * np.sin(np.pi * z)
    return torch.from_numpy(peak * np.stack([bump * (2 * y - 1), bump * (1 - 2 * x), bump * z]))[None]


def reference(velocity, steps, sampler):
    sizes = np.array(SHAPE, dtype=float).reshape(3, 1, 1, 1)
    u = velocity / 2**steps
    for _ in range(steps):
        points, mode = np.indices(SHAPE) + u, "nearest"
        if sampler == "official":
            points, mode = points * sizes / (sizes - 1) - 0.5, "grid-constant"
        u = u + np.stack([map_coordinates(channel, points, order=1, mode=mode) for channel in u])
    return u


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 4, 7])
def test_scaling_and_squaring_agrees_with_the_recurrence_in_scipy(steps, sampler):
    velocity = random_velocity(2, size=2.0)
    expected = [reference(item, steps, sampler) for item in velocity.numpy()]
    np.testing.assert_allclose(integrate(velocity, steps, sampler).numpy(), expected, rtol=0, atol=1e-9)


def test_seven_squarings_with_the_exact_sampler_are_the_default():
    velocity = random_velocity(size=2.0)
    torch.testing.assert_close(integrate(velocity), integrate(velocity, 7, "exact"), rtol=0, atol=0)
    assert not torch.allclose(integrate(velocity), integrate(velocity, 6))


def test_velocity_is_left_as_it_was():
    velocity = random_velocity()
    before = velocity.clone()
    integrate(velocity)
    assert torch.equal(velocity, before)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_zero_velocity_gives_zero_displacement(sampler):
    assert torch.equal(integrate(constant_field([0.0, 0.0, 0.0]), sampler=sampler), constant_field([0.0, 0.0, 0.0]))


def test_constant_velocity_gives_its_translation_everywhere():
    velocity = constant_field([1.5, -2.25, 0.7])
    torch.testing.assert_close(integrate(velocity), velocity, rtol=0, atol=1e-10)


def test_constant_velocity_gives_its_translation_in_the_interior_with_the_official_sampler():
    velocity = constant_field([0.9, -0.7, 0.5], (18, 20, 17))
    inside = (..., slice(7, -7), slice(7, -7), slice(7, -7))
    torch.testing.assert_close(integrate(velocity, sampler="official")[inside], velocity[inside], rtol=0, atol=1e-10)


CONTRACTION = np.array([[-0.5, 0.2, -0.1], [-0.1, -0.4, 0.1], [0.2, -0.15, -0.6]])


def test_linear_velocity_gives_the_matrix_power_of_the_recurrence():
    power = np.linalg.matrix_power(np.eye(3) + CONTRACTION / 128, 128)
    torch.testing.assert_close(integrate(linear_field(CONTRACTION)), linear_field(power - np.eye(3)), rtol=0, atol=1e-9)


def test_linear_velocity_gives_the_matrix_exponential():
    expected = linear_field(expm(CONTRACTION) - np.eye(3))
    assert expected.abs().max() > 2
    torch.testing.assert_close(integrate(linear_field(CONTRACTION)), expected, rtol=0, atol=0.02)
    torch.testing.assert_close(integrate(linear_field(CONTRACTION), steps=16), expected, rtol=0, atol=1e-4)


def test_rotation_velocity_gives_the_rotation_in_the_interior():
    generator = np.array([[0.0, -0.5, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    rotation = expm(generator)
    np.testing.assert_allclose(rotation[:2, :2], [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]], atol=1e-12)
    inside = (..., slice(4, -4), slice(3, -3), slice(None))
    turned = integrate(linear_field(generator), steps=12)
    torch.testing.assert_close(turned[inside], linear_field(rotation - np.eye(3))[inside], rtol=0, atol=2e-3)


def inverse_residual(velocity):
    return compose(integrate(velocity), integrate(-velocity)).abs()


def test_opposite_velocities_give_inverse_deformations():
    velocity = smooth_velocity(2.0, sigma=4.0)
    for signed in (velocity, -velocity):
        displacement = integrate(signed).abs()
        assert displacement.max() > 1.5
        assert inverse_residual(signed).mean() < 0.03 * displacement.mean()
        assert inverse_residual(signed).max() < 0.1


def test_inverse_residual_falls_faster_than_the_grid_spacing():
    coarse, fine = vortex((10, 12, 9), peak=2.0), vortex((20, 24, 18), peak=4.0)
    residuals = inverse_residual(coarse).mean(), inverse_residual(fine).mean() / 2
    assert residuals[0] > 2.5 * residuals[1]


def test_negated_displacement_is_no_substitute_for_the_negated_velocity():
    velocity = smooth_velocity(3.0)
    forward = integrate(velocity)
    true_inverse, naive_inverse = compose(forward, integrate(-velocity)), compose(forward, -forward)
    assert true_inverse.abs().mean() < 0.2 * naive_inverse.abs().mean()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_unit_time_is_half_the_time_twice(sampler):
    velocity = smooth_velocity(2.0)
    half = integrate(velocity / 2, 6, sampler)
    torch.testing.assert_close(integrate(velocity, 7, sampler), compose(half, half, sampler), rtol=0, atol=1e-10)


def test_strong_smooth_velocity_does_not_fold():
    velocity = smooth_velocity(6.0)
    displacement = integrate(velocity)[0].numpy()

    def smallest_slope(field):
        return min(1 + np.diff(field[k], axis=k).min() for k in range(3))

    assert smallest_slope(velocity[0].numpy()) < 0 < smallest_slope(displacement)


def test_directional_derivative_agrees_with_finite_differences():
    velocity, direction = random_velocity(size=0.5).requires_grad_(), random_velocity(seed=5)
    weight = random_velocity(seed=6)
    (integrate(velocity) * weight).sum().backward()
    analytic = (velocity.grad * direction).sum().item()
    step = 1e-6 * direction
    ahead, behind = integrate(velocity.detach() + step), integrate(velocity.detach() - step)
    assert analytic == pytest.approx(((ahead - behind) * weight).sum().item() / 2e-6, rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 2, *SHAPE), (1, *SHAPE, 3), (3, *SHAPE)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError):
        integrate(torch.zeros(shape))


@NEEDS_CUDA
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_cuda_agrees_with_cpu(sampler):
    velocity = smooth_velocity(3.0)
    on_device = integrate(velocity.cuda(), sampler=sampler).cpu()
    torch.testing.assert_close(on_device, integrate(velocity, sampler=sampler), rtol=0, atol=1e-9)


@NEEDS_CUDA
def test_cuda_in_float32_agrees_with_cpu_in_float64():
    velocity = smooth_velocity(3.0)
    on_device = integrate(velocity.float().cuda()).cpu().double()
    torch.testing.assert_close(on_device, integrate(velocity), rtol=0, atol=1e-4)


@pytest.mark.parametrize("sampler", ["exact", "exact_zeros", "official"])
@pytest.mark.parametrize("batch", [1, 2])
def test_gradient_is_autograds_through_every_squaring(sampler, batch):
    velocity = random_velocity(batch, size=2.0).requires_grad_()
    weights = random_velocity(batch, seed=1)
    field = velocity / 2**5
    for _ in range(5):
        field = compose(field, field, sampler)
    (expected,) = torch.autograd.grad(field, velocity, weights)
    (ours,) = torch.autograd.grad(integrate(velocity, 5, sampler), velocity, weights)
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)
