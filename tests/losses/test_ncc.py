"""Laws of the local squared cross-correlation, its values and its gradient in float64."""

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch.nn.functional import conv3d

from spnet.losses import local_ncc

SHAPE = (13, 11, 15)
SMALL = (6, 5, 7)
WINDOWS = [3, 5, 7, 9]
EPSILON = 1e-5
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def random_image(seed, shape=SHAPE, batch=1, channels=1, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).random((batch, channels, *shape))).to(dtype)


def dim_image(seed, shape=SMALL):
    return 0.02 * random_image(seed, shape)


def correlated(seed=0, dtype=torch.float64, shape=SHAPE):
    image_1 = random_image(seed, shape)
    return image_1.to(dtype), (0.6 * image_1**2 + 0.4 * random_image(seed + 1, shape)).to(dtype)


def windows_of(image, window):
    padded = np.pad(image.astype(np.float64), window // 2)
    return sliding_window_view(padded, (window,) * 3).reshape(image.size, window**3)


def reference(image_1, image_2, window):
    """Two-pass form of the paper's Eq. 9: means first, then products of deviations, zeros outside being voxels too."""
    first, second = (windows_of(image.numpy(), window) for image in (image_1[0, 0], image_2[0, 0]))
    first, second = (values - values.mean(axis=1, keepdims=True) for values in (first, second))
    cross = (first * second).sum(axis=1)
    return np.mean(cross**2 / ((first**2).sum(axis=1) * (second**2).sum(axis=1) + EPSILON))


def plain_formula(image_1, image_2, window):
    ones = torch.ones(1, 1, window, window, window, dtype=torch.float64)

    def total(image):
        return conv3d(image, ones, padding=window // 2)

    sum_1, sum_2 = total(image_1), total(image_2)
    cross = total(image_1 * image_2) - sum_1 * sum_2 / window**3
    variance_1 = total(image_1**2) - sum_1**2 / window**3
    variance_2 = total(image_2**2) - sum_2**2 / window**3
    return (cross**2 / (variance_1 * variance_2 + EPSILON)).mean()


def gradients(function, image_1, image_2, window):
    leaves = [image.clone().requires_grad_() for image in (image_1, image_2)]
    return torch.autograd.grad(function(*leaves, window), leaves)


def single_voxel(place, value=10.0):
    image = torch.zeros(1, 1, *SHAPE, dtype=torch.float64)
    image[(0, 0, *place)] = value
    return image


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("brightness", [0.01, 1.0, 100.0])
def test_values_agree_with_explicit_windows_in_float64(window, brightness):
    image_1, image_2 = (brightness * image for image in correlated())
    expected = reference(image_1, image_2, window)
    assert local_ncc(image_1, image_2, window).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("window", WINDOWS)
def test_values_in_float32_agree_with_explicit_windows_in_float64(window):
    image_1, image_2 = correlated(dtype=torch.float32)
    value = local_ncc(image_1, image_2, window)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(reference(image_1, image_2, window), rel=1e-4)


@pytest.mark.parametrize("window", [5, 9])
def test_windows_larger_than_the_volume_agree_with_explicit_windows(window):
    image_1, image_2 = correlated(shape=(3, 1, 4))
    assert local_ncc(image_1, image_2, window).item() == pytest.approx(reference(image_1, image_2, window), rel=1e-9)


def test_nine_is_the_default_window():
    image_1, image_2 = correlated()
    assert local_ncc(image_1, image_2).item() == local_ncc(image_1, image_2, 9).item()


def test_result_is_one_number():
    assert local_ncc(*correlated(), 3).shape == ()


@pytest.mark.parametrize("window", WINDOWS)
def test_single_bright_voxel_scores_one_in_every_window_that_holds_it(window):
    value = local_ncc(single_voxel((6, 5, 7)), single_voxel((6, 5, 7)), window).item()
    assert value == pytest.approx(window**3 / np.prod(SHAPE), rel=1e-6)


@pytest.mark.parametrize("window", WINDOWS)
def test_window_counts_all_its_voxels_at_the_border(window):
    dim = single_voxel((0, 0, 0), value=0.05)
    variance = 0.05**2 * (1 - 1 / window**3)
    expected = (window // 2 + 1) ** 3 / np.prod(SHAPE) * variance**2 / (variance**2 + EPSILON)
    assert local_ncc(dim, dim, window).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("apart", [(0, 0, 2), (0, 2, 0), (2, 0, 0)])
def test_two_different_bright_voxels_score_the_square_of_minus_one_over_n_minus_one(window, apart):
    second = tuple(centre + step for centre, step in zip((5, 5, 7), apart, strict=True))
    shared = window * window * (window - 2)
    expected = shared / (window**3 - 1) ** 2 / np.prod(SHAPE)
    value = local_ncc(single_voxel((5, 5, 7)), single_voxel(second), window).item()
    assert value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("factor", [1.0, 3.0, -2.0])
def test_image_against_its_own_multiple_scores_one(factor):
    image = random_image(0)
    assert local_ncc(image, factor * image, 5).item() == pytest.approx(1.0, abs=1e-4)


def test_dim_image_scores_below_one_against_itself():
    image = dim_image(0)
    value = local_ncc(image, image, 3).item()
    assert value < 0.9
    assert value == pytest.approx(reference(image, image, 3), rel=1e-9)


def test_unrelated_images_score_far_below_one():
    assert local_ncc(random_image(0), random_image(1), 5).item() < 0.5


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_arguments_are_symmetric(window, dtype):
    image_1, image_2 = correlated(dtype=dtype)
    forward, backward = local_ncc(image_1, image_2, window), local_ncc(image_2, image_1, window)
    assert forward.item() == pytest.approx(backward.item(), rel=1e-6)


def test_value_of_a_batch_with_channels_is_the_mean_of_its_volumes():
    image_1, image_2 = random_image(0, batch=2, channels=3), random_image(1, batch=2, channels=3)
    image_2[0] += image_1[0]
    pairs = zip(image_1.reshape(6, 1, 1, *SHAPE), image_2.reshape(6, 1, 1, *SHAPE), strict=True)
    expected = np.mean([reference(first, second, 3) for first, second in pairs])
    assert local_ncc(image_1, image_2, 3).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("pair", [correlated(), (dim_image(0, SHAPE), dim_image(1, SHAPE))], ids=["bright", "dim"])
def test_gradient_agrees_with_autograd_of_the_plain_formula(window, pair):
    for analytic, expected in zip(
        gradients(local_ncc, *pair, window), gradients(plain_formula, *pair, window), strict=True
    ):
        torch.testing.assert_close(analytic, expected, rtol=1e-6, atol=1e-8 * expected.abs().max().item())


@pytest.mark.parametrize("window", WINDOWS)
def test_gradient_in_float32_agrees_with_autograd_in_float64(window):
    single = gradients(local_ncc, *correlated(dtype=torch.float32), window)
    double = gradients(plain_formula, *correlated(), window)
    for analytic, expected in zip(single, double, strict=True):
        assert (analytic - expected).abs().max() < 1e-3 * expected.abs().max()


@pytest.mark.parametrize("window", [3, 5])
@pytest.mark.parametrize("which", [0, 1])
def test_gradient_agrees_with_finite_differences_at_every_voxel(window, which):
    pair = [dim_image(0, (4, 3, 5)), dim_image(2, (4, 3, 5)) + 0.5 * dim_image(0, (4, 3, 5))]
    analytic = gradients(local_ncc, *pair, window)[which].flatten()
    step = 1e-6
    for voxel in range(analytic.numel()):
        values = []
        for sign in (1, -1):
            moved = [image.clone() for image in pair]
            moved[which].view(-1)[voxel] += sign * step
            values.append(local_ncc(*moved, window).item())
        assert analytic[voxel].item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4, abs=1e-6)


def test_gradient_of_a_batch_with_channels_agrees_with_autograd_of_its_volumes():
    image_1, image_2 = (random_image(seed, SMALL, batch=2, channels=2) for seed in (0, 1))
    analytic = gradients(local_ncc, image_1, image_2, 3)
    flat = gradients(plain_formula, image_1.reshape(4, 1, *SMALL), image_2.reshape(4, 1, *SMALL), 3)
    for found, expected in zip(analytic, flat, strict=True):
        torch.testing.assert_close(found, expected.reshape(found.shape), rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("which", [0, 1])
def test_gradient_flows_to_one_image_alone(which):
    pair = list(correlated(shape=SMALL))
    expected = gradients(plain_formula, *pair, 3)[which]
    pair[which] = pair[which].clone().requires_grad_()
    local_ncc(*pair, 3).backward()
    torch.testing.assert_close(pair[which].grad, expected, rtol=1e-6, atol=1e-10)
    assert pair[1 - which].grad is None


def test_gradient_follows_the_factor_of_the_loss():
    image_1, image_2 = correlated(shape=SMALL)
    plain = gradients(local_ncc, image_1, image_2, 3)
    scaled = gradients(lambda *arguments: -2.5 * local_ncc(*arguments), image_1, image_2, 3)
    for once, times in zip(plain, scaled, strict=True):
        torch.testing.assert_close(times, -2.5 * once, rtol=1e-10, atol=0)


def test_same_tensor_twice_gathers_the_gradient_of_both_roles():
    image = dim_image(0).requires_grad_()
    local_ncc(image, image, 3).backward()
    expected = sum(gradients(plain_formula, image.detach(), image.detach(), 3))
    torch.testing.assert_close(image.grad, expected, rtol=1e-6, atol=1e-8 * expected.abs().max().item())


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("level", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize("other_is_flat", [True, False])
def test_flat_images_give_a_finite_value_and_gradient(window, level, other_is_flat):
    flat = torch.full((1, 1, *SHAPE), level)
    other = flat.clone() if other_is_flat else random_image(0, dtype=torch.float32)
    assert 0 <= local_ncc(flat, other, window).item() <= 1
    assert all(torch.isfinite(found).all() for found in gradients(local_ncc, flat, other, window))


@pytest.mark.parametrize("window", WINDOWS)
def test_black_image_scores_zero(window):
    assert local_ncc(torch.zeros(1, 1, *SHAPE), random_image(0, dtype=torch.float32), window).item() == 0


def nearly_flat(seed, level, noise):
    return (level + noise * (random_image(seed) - 0.5)).float()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("level", "noise"), [(1.0, 1e-4), (1.0, 1e-6), (30.0, 1e-2), (1e3, 1e-3), (1e5, 1.0)])
def test_nearly_flat_bright_images_stay_within_zero_and_one(window, level, noise):
    for seed in range(0, 8, 2):
        pair = nearly_flat(seed, level, noise), nearly_flat(seed + 1, level, noise)
        for image_1, image_2 in (pair, (pair[0], pair[0])):
            assert 0 <= local_ncc(image_1, image_2, window).item() <= 1
            assert all(torch.isfinite(found).all() for found in gradients(local_ncc, image_1, image_2, window))


@pytest.mark.parametrize("window", [3, 9])
def test_bright_corner_does_not_spoil_the_rest_of_a_float32_volume(window):
    image_1, image_2 = correlated(dtype=torch.float32)
    for image in (image_1, image_2):
        image[..., :3, :3, :3] *= 3e4
    assert local_ncc(image_1, image_2, window).item() == pytest.approx(reference(image_1, image_2, window), rel=1e-3)


def test_strides_of_the_images_do_not_matter():
    pair = [image.flip(2).transpose(2, 4) for image in correlated()]
    dense = [image.contiguous() for image in pair]
    assert not pair[0].is_contiguous()
    assert local_ncc(*pair, 5).item() == pytest.approx(local_ncc(*dense, 5).item(), rel=1e-12)
    for found, expected in zip(gradients(local_ncc, *pair, 5), gradients(local_ncc, *dense, 5), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_images_are_left_as_they_were():
    image_1, image_2 = correlated()
    before = image_1.clone(), image_2.clone()
    gradients(local_ncc, image_1, image_2, 5)
    local_ncc(image_1, image_2, 5)
    assert torch.equal(image_1, before[0])
    assert torch.equal(image_2, before[1])


@pytest.mark.parametrize("window", [1, *WINDOWS])
def test_maps_summed_together_and_one_by_one_are_equal_bit_for_bit(window, monkeypatch):
    pair, found = correlated(dtype=torch.float32), []
    for together in (True, False):
        monkeypatch.setattr("spnet.losses.ncc.pays_together", lambda _, together=together: together)
        found.append([local_ncc(*pair, window), *gradients(local_ncc, *pair, window)])
    assert all(torch.equal(*both) for both in zip(*found, strict=True))


@pytest.mark.parametrize("window", [2, 4, 8])
def test_even_windows_are_refused(window):
    with pytest.raises(ValueError):
        local_ncc(*correlated(), window)


@pytest.mark.parametrize(
    ("shape_1", "shape_2"),
    [
        ((1, 1, 6, 5, 7), (1, 1, 6, 5, 8)),
        ((1, 1, 6, 5, 7), (1, 1, 6, 5, 1)),
        ((2, 1, 6, 5, 7), (1, 1, 6, 5, 7)),
        ((1, 2, 6, 5, 7), (1, 1, 6, 5, 7)),
        ((6, 5, 7), (6, 5, 7)),
    ],
)
def test_wrong_shapes_are_refused(shape_1, shape_2):
    with pytest.raises(ValueError):
        local_ncc(torch.rand(shape_1), torch.rand(shape_2), 3)


@NEEDS_CUDA
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)])
def test_cuda_agrees_with_cpu(window, dtype, tolerance):
    pair = correlated(dtype=dtype)
    on_device = [image.cuda() for image in pair]
    assert local_ncc(*on_device, window).item() == pytest.approx(local_ncc(*pair, window).item(), rel=tolerance)
    for found, expected in zip(
        gradients(local_ncc, *on_device, window), gradients(local_ncc, *pair, window), strict=True
    ):
        assert (found.cpu() - expected).abs().max() < 10 * tolerance * expected.abs().max()
