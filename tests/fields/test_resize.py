"""Laws of up-sampling a displacement and of padding and cropping a volume."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from spnet.fields import crop, jacobian_determinant, pad_to_multiple, upsample, upsample_from_corner

SHAPE = (6, 9, 7)
FACTORS = [2, 3]


def coarse_positions(factor):
    fine = np.indices(tuple(factor * size for size in SHAPE))
    return (fine + 0.5) / factor - 0.5


def random_displacement(batch=2):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(batch, 3, *SHAPE)))


def random_volume(shape, batch=2, channels=2):
    return torch.from_numpy(np.random.default_rng(0).random((batch, channels, *shape)) + 1)


def occupied(padded, axis):
    filled = (padded[0, 0] != 0).numpy().any(axis=tuple({0, 1, 2} - {axis}))
    return np.flatnonzero(filled)


@pytest.mark.parametrize("factor", FACTORS)
def test_constant_displacement_grows_with_the_grid(factor):
    values = torch.tensor([1.0, -2.5, 0.75]).reshape(1, 3, 1, 1, 1)
    fine = upsample(values.expand(1, 3, *SHAPE), factor)
    expected = factor * values.expand(1, 3, *(factor * size for size in SHAPE))
    torch.testing.assert_close(fine, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("factor", FACTORS)
def test_linear_displacement_stays_linear_about_the_same_point_of_space(factor):
    slopes = np.array([[0.2, -0.1, 0.3], [0.0, 0.5, -0.4], [-0.2, 0.1, 0.6]])
    offset = np.array([1.0, -2.0, 0.5]).reshape(3, 1, 1, 1)
    coarse = np.tensordot(slopes, np.indices(SHAPE), 1) + offset
    expected = factor * (np.tensordot(slopes, coarse_positions(factor), 1) + offset)
    inside = (..., *(slice(factor, -factor),) * 3)
    fine = upsample(torch.from_numpy(coarse)[None], factor)[0].numpy()
    np.testing.assert_allclose(fine[inside], expected[inside], rtol=0, atol=1e-10)


def test_scaling_keeps_its_determinant_on_the_finer_grid():
    coarse = torch.from_numpy(0.3 * np.indices(SHAPE))[None]
    inside = (..., *(slice(2, -2),) * 3)
    np.testing.assert_allclose(jacobian_determinant(upsample(coarse))[inside].numpy(), 1.3**3, rtol=0, atol=1e-10)


@pytest.mark.parametrize("factor", FACTORS)
def test_random_displacement_agrees_with_scipy_at_half_voxel_centres(factor):
    displacement = random_displacement()
    expected = [
        [factor * map_coordinates(channel, coarse_positions(factor), order=1, mode="nearest") for channel in field]
        for field in displacement.numpy()
    ]
    np.testing.assert_allclose(upsample(displacement, factor).numpy(), expected, rtol=0, atol=1e-10)


def test_upsampling_from_the_corner_agrees_with_scipy_at_half_the_index():
    displacement = random_displacement()
    fine = np.indices([2 * size for size in displacement.shape[2:]]) / 2
    expected = [
        [2 * map_coordinates(channel, fine, order=1, mode="nearest") for channel in field]
        for field in displacement.numpy()
    ]
    np.testing.assert_allclose(upsample_from_corner(displacement).numpy(), expected, rtol=0, atol=1e-10)


def test_two_is_the_default_factor():
    displacement = random_displacement()
    assert torch.equal(upsample(displacement), upsample(displacement, 2))


@pytest.mark.parametrize("shape", [(1, 2, *SHAPE), (1, *SHAPE, 3), (3, *SHAPE)])
def test_upsampling_refuses_wrong_shapes(shape):
    with pytest.raises(ValueError):
        upsample(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(13, 16, 22), (1, 7, 9), (15, 17, 8)])
@pytest.mark.parametrize("multiple", [2, 8])
def test_cropping_undoes_padding(shape, multiple):
    volume = random_volume(shape)
    padded, margins = pad_to_multiple(volume, multiple)
    assert torch.equal(crop(padded, margins), volume)


@pytest.mark.parametrize(
    ("shape", "multiple", "expected"),
    [((13, 16, 22), 8, (16, 16, 24)), ((1, 7, 9), 4, (4, 8, 12)), ((15, 17, 8), 2, (16, 18, 8))],
)
def test_padded_sizes_are_the_next_multiples(shape, multiple, expected):
    padded, _ = pad_to_multiple(random_volume(shape), multiple)
    assert padded.shape == (2, 2, *expected)


def test_padding_adds_nothing_but_zeros():
    volume = random_volume((13, 16, 22))
    padded, _ = pad_to_multiple(volume, 8)
    assert (padded != 0).sum() == volume.numel()
    assert padded.sum().item() == pytest.approx(volume.sum().item(), rel=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_margins_of_both_sides_differ_by_one_voxel_at_most(axis):
    padded, _ = pad_to_multiple(random_volume((13, 18, 21)), 8)
    places = occupied(padded, axis)
    before, after = places[0], padded.shape[axis + 2] - 1 - places[-1]
    assert before + after > 0
    assert abs(before - after) <= 1


def test_volume_of_fitting_size_is_left_as_it_is():
    volume = random_volume((16, 8, 24))
    padded, margins = pad_to_multiple(volume, 8)
    assert torch.equal(padded, volume)
    assert torch.equal(crop(padded, margins), volume)


def test_margins_of_a_volume_crop_a_field_of_the_padded_grid():
    volume = random_volume((13, 18, 21), batch=1, channels=1)
    padded, margins = pad_to_multiple(volume, 8)
    field = padded.repeat(1, 3, 1, 1, 1) * torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1, 1)
    cropped = crop(field, margins)
    assert torch.equal(cropped, torch.cat([volume, 2 * volume, 3 * volume], dim=1))
