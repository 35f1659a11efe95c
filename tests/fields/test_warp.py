"""Laws of the pull-back warp, and all samplers against scipy in float64."""

from typing import get_args

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from spnet.fields import Sampler, warp
from spnet.fields.warp import sample, sample_backward

SHAPE = (11, 14, 9)
SAMPLERS = list(get_args(Sampler))
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def random_volume(batch=1, channels=1, dtype=torch.float64, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((batch, channels, *SHAPE))).to(dtype)


def random_displacement(batch=1, size=3.0, dtype=torch.float64, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, size, (batch, 3, *SHAPE))).to(dtype)


def no_displacement(batch=1, dtype=torch.float64):
    return torch.zeros(batch, 3, *SHAPE, dtype=dtype)


def positions(displacement, sampler):
    points = np.indices(SHAPE).astype(np.float64) + displacement
    if sampler != "official":
        return points
    sizes = np.array(SHAPE, dtype=np.float64).reshape(3, 1, 1, 1)
    return points * sizes / (sizes - 1) - 0.5


def linear_reference(volume, displacement, sampler):
    mode = "nearest" if sampler == "exact" else "grid-constant"
    return np.stack(
        [
            [map_coordinates(channel, positions(field, sampler), order=1, mode=mode, cval=0) for channel in image]
            for image, field in zip(volume.double().numpy(), displacement.double().numpy(), strict=True)
        ]
    )


def nearest_reference(labels, displacement, sampler):
    index = np.rint(positions(displacement, sampler)).astype(int)
    last = np.array(SHAPE).reshape(3, 1, 1, 1) - 1
    inside = ((index >= 0) & (index <= last)).all(axis=0)
    picked = labels[tuple(np.clip(index, 0, last))]
    return picked if sampler == "exact" else np.where(inside, picked, 0)


def shifted(volume, axis, shift):
    source = np.clip(np.arange(SHAPE[axis]) + shift, 0, SHAPE[axis] - 1)
    return np.take(volume.numpy(), source, axis=axis + 2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_zero_field_is_the_identity_with_the_exact_sampler(dtype, tolerance):
    volume = random_volume(2, 3, dtype)
    torch.testing.assert_close(warp(volume, no_displacement(2, dtype)), volume, rtol=0, atol=tolerance)


def test_zero_field_keeps_every_label_with_the_exact_sampler():
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 2036, (1, 1, *SHAPE))).float()
    assert torch.equal(warp(labels, no_displacement(dtype=torch.float32), "exact", "nearest"), labels)


def test_exact_is_the_default_sampler_and_linear_the_default_interpolation():
    volume, displacement = random_volume(), random_displacement()
    assert torch.equal(warp(volume, displacement), warp(volume, displacement, "exact", "linear"))
    assert not torch.allclose(warp(volume, displacement), warp(volume, displacement, "official"))


@pytest.mark.parametrize("shift", [1, 3, -2])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_integer_shift_of_channel_k_pulls_back_along_axis_k_and_repeats_the_border(axis, shift, interpolation):
    volume, displacement = random_volume(), no_displacement()
    displacement[:, axis] = shift
    warped = warp(volume, displacement, "exact", interpolation)
    np.testing.assert_allclose(warped.numpy(), shifted(volume, axis, shift), rtol=0, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ramp_gains_the_displacement_it_is_warped_by(axis):
    ramp = torch.from_numpy(np.indices(SHAPE)[axis].astype(np.float64))[None, None]
    displacement = no_displacement()
    displacement[:, axis] = 0.25
    expected = np.minimum(ramp.numpy() + 0.25, SHAPE[axis] - 1)
    np.testing.assert_allclose(warp(ramp, displacement).numpy(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("size", [0.5, 3.0, 20.0])
def test_random_fields_agree_with_scipy_in_float64(sampler, size):
    volume, displacement = random_volume(2, 3), random_displacement(2, size)
    expected = linear_reference(volume, displacement, sampler)
    np.testing.assert_allclose(warp(volume, displacement, sampler).numpy(), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_random_fields_agree_with_scipy_in_float32(sampler):
    volume, displacement = random_volume(2, 2, torch.float32), random_displacement(2, dtype=torch.float32)
    warped = warp(volume, displacement, sampler)
    assert warped.dtype == torch.float32
    np.testing.assert_allclose(warped.numpy(), linear_reference(volume, displacement, sampler), rtol=0, atol=2e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nearest_agrees_with_rounding_the_positions(sampler):
    labels, displacement = random_volume(2, 2), random_displacement(2)
    expected = [
        [nearest_reference(channel, field, sampler) for channel in image]
        for image, field in zip(labels.numpy(), displacement.numpy(), strict=True)
    ]
    np.testing.assert_array_equal(warp(labels, displacement, sampler, "nearest").numpy(), expected)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_nearest_keeps_labels_whole(sampler):
    ids = np.array([0, 2, 1035, 2035], dtype=np.float32)
    labels = torch.from_numpy(np.random.default_rng(2).choice(ids, (1, 1, *SHAPE)))
    displacement = random_displacement(dtype=torch.float32)
    assert set(np.unique(warp(labels, displacement, sampler, "nearest").numpy())) == set(ids)
    assert not set(np.unique(warp(labels, displacement, sampler, "linear").numpy())) <= set(ids)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_zero_field_stretches_about_the_centre_with_the_official_sampler(axis):
    size = SHAPE[axis]
    ramp = torch.from_numpy(np.indices(SHAPE)[axis].astype(np.float64))[None, None]
    inside = (slice(1, -1),) * 3
    stretched = warp(ramp, no_displacement(), "official")[0, 0].numpy()[inside]
    expected = (np.indices(SHAPE)[axis] * size / (size - 1) - 0.5)[inside]
    np.testing.assert_allclose(stretched, expected, rtol=0, atol=1e-12)


def test_zero_field_halves_the_border_once_per_axis_with_the_official_sampler():
    warped = warp(torch.ones(1, 1, *SHAPE, dtype=torch.float64), no_displacement(), "official")[0, 0]
    at_border = sum(
        ((index == 0) | (index == size - 1)).astype(int) for index, size in zip(np.indices(SHAPE), SHAPE, strict=True)
    )
    np.testing.assert_allclose(warped.numpy(), 0.5**at_border, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("sampler", "outside"), [("exact", 7.0), ("exact_zeros", 0.0), ("official", 0.0)])
def test_far_outside_the_exact_sampler_repeats_the_border_and_the_others_give_zero(sampler, outside):
    volume = torch.full((1, 1, *SHAPE), 7.0)
    far = torch.full((1, 3, *SHAPE), 100.0)
    np.testing.assert_allclose(warp(volume, far, sampler).numpy(), outside, rtol=0, atol=1e-5)


def test_every_item_of_a_batch_follows_its_own_field():
    volume, displacement = random_volume(2, 2), random_displacement(2)
    single = torch.cat([warp(volume[i : i + 1], displacement[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(warp(volume, displacement), single, rtol=0, atol=1e-12)
    assert not torch.allclose(warp(volume, displacement.flip(0)), single)


def test_gradient_to_the_displacement_is_the_slope_of_the_volume():
    slopes = np.array([0.5, -2.0, 3.0])
    ramp = torch.from_numpy(np.tensordot(slopes, np.indices(SHAPE), 1))[None, None]
    displacement = torch.full((1, 3, *SHAPE), 0.3, dtype=torch.float64, requires_grad=True)
    warp(ramp, displacement).sum().backward()
    inside = displacement.grad[0, :, :-1, :-1, :-1].numpy()
    np.testing.assert_allclose(inside, np.broadcast_to(slopes.reshape(3, 1, 1, 1), inside.shape), atol=1e-10)


@pytest.mark.parametrize(
    ("volume", "displacement"),
    [
        ((1, 1, *SHAPE), (1, 2, *SHAPE)),
        ((1, 1, *SHAPE), (1, 3, SHAPE[1], SHAPE[0], SHAPE[2])),
        ((1, 1, *SHAPE), (1, *SHAPE, 3)),
        ((2, 1, *SHAPE), (3, 3, *SHAPE)),
        (SHAPE, (1, 3, *SHAPE)),
        ((1, 1, *SHAPE), (3, *SHAPE)),
    ],
)
def test_wrong_shapes_are_refused(volume, displacement):
    with pytest.raises(ValueError):
        warp(torch.zeros(volume), torch.zeros(displacement))


@NEEDS_CUDA
@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_cuda_agrees_with_cpu(sampler, interpolation):
    volume, displacement = random_volume(2, 2), random_displacement(2)
    on_device = warp(volume.cuda(), displacement.cuda(), sampler, interpolation).cpu()
    torch.testing.assert_close(on_device, warp(volume, displacement, sampler, interpolation), rtol=0, atol=1e-10)


@pytest.mark.parametrize("sampler", ["exact", "exact_zeros", "official"])
@pytest.mark.parametrize("shape", [(34, 36, 32), (33, 36, 34)])
def test_slabs_sampled_in_parallel_are_the_whole(sampler, shape, monkeypatch):
    """Values and gradients do not depend on the number of threads."""
    generator = torch.Generator().manual_seed(0)
    volume = torch.rand(1, 2, *shape, generator=generator, dtype=torch.float64)
    displacement = 3 * torch.randn(1, 3, *shape, generator=generator, dtype=torch.float64)
    found = []
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        inputs = [volume.clone().requires_grad_(), displacement.clone().requires_grad_()]
        warped = warp(*inputs, sampler)
        found.append([warped, *torch.autograd.grad(warped.square().sum(), inputs)])
    for alone, cut in zip(*found, strict=True):
        torch.testing.assert_close(alone, cut, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("sampler", ["exact", "exact_zeros", "official"])
def test_backward_of_sampling_is_autograds(sampler, batch):
    shape = (34, 36, 32)
    generator = torch.Generator().manual_seed(1)
    volume = torch.rand(batch, 2, *shape, generator=generator, dtype=torch.float64, requires_grad=True)
    normalised = 0.05 * torch.randn(batch, 3, *shape, generator=generator, dtype=torch.float64)
    normalised.requires_grad_()
    gradient = torch.randn(batch, 2, *shape, generator=generator, dtype=torch.float64)
    expected = torch.autograd.grad(sample(volume, normalised, sampler), (volume, normalised), gradient)
    for ours, theirs in zip(sample_backward(gradient, volume, normalised, sampler), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
