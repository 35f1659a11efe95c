"""Our kernels compute what the plain forms compute: on a card, or without one in Triton's interpreter on the CPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.functional import conv3d

CUDA = torch.cuda.is_available()
if not CUDA:
    os.environ["TRITON_INTERPRET"] = "1"  # before the kernels are read
pytest.importorskip("triton", reason="Triton is missing: it comes with torch's CUDA builds")

from spnet.fields import integrate, warp  # noqa: E402
from spnet.kernels import convolution, correlation, sampling  # noqa: E402
from spnet.losses.ncc import EPSILON, _LocalNcc  # noqa: E402

DEVICE = "cuda" if CUDA else "cpu"
SAMPLERS = ("exact", "exact_zeros", "official")
LAST = torch.channels_last_3d


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def relative(found, wanted):
    return ((found - wanted).norm() / wanted.norm()).item()


# Channels, outputs, kernel, stride, padding: one and several rows of inputs, odd numbers, the kernels of all methods.
@pytest.mark.parametrize("precision, tolerance", [("ieee", 1e-6), ("tf32", 1e-3)])
@pytest.mark.parametrize(
    "channels, outputs, kernel, stride, padding",
    [(1, 8, 3, 1, 1), (8, 8, 3, 1, 1), (27, 16, 3, 1, 1), (16, 3, 5, 1, 2), (8, 16, 3, 2, 1), (2, 16, 4, 2, 1)],
)
def test_convolution_and_both_gradients(channels, outputs, kernel, stride, padding, precision, tolerance):
    volume, weight = random(1, 2, channels, 4, 6, 5), random(2, outputs, channels, kernel, kernel, kernel)
    bias = random(3, outputs)
    leaves = [each.double().requires_grad_() for each in (volume, weight)]
    wanted = conv3d(*leaves, bias.double(), stride, padding)
    found = convolution.convolve(volume, weight, bias, stride, padding, precision)
    assert relative(found, wanted) < tolerance
    assert found.is_contiguous(memory_format=LAST)
    gradient = random(4, *wanted.shape)
    wanted.backward(gradient.double())
    to_weight = convolution.weight_gradient(volume, gradient, kernel, stride, padding, precision)
    assert relative(to_weight, leaves[1].grad) < tolerance
    if stride == 1:
        to_volume = convolution.input_gradient(gradient, weight, padding, precision)
        assert relative(to_volume, leaves[0].grad) < tolerance


@pytest.mark.parametrize("window", [3, 9])
@pytest.mark.parametrize("wanted", [(True, True), (False, True), (True, False)])
def test_local_cross_correlation_and_its_gradients(window, wanted):
    plain = [random(seed, 2, 2, 6, 7, 8) for seed in (1, 2)]
    images = [image.cpu().requires_grad_() for image in plain]
    value = _LocalNcc.apply(*images, window)
    scale = torch.tensor(2.0, device=DEVICE)
    value.backward(scale.cpu())
    found, maps = correlation.correlate(*plain, window, EPSILON)
    assert found.item() == pytest.approx(value.item(), rel=1e-6)
    for image, gradient, asked in zip(
        images, correlation.gradients(*plain, maps, scale, window, wanted), wanted, strict=True
    ):
        assert (gradient is not None) == asked
        if asked:
            assert relative(gradient.cpu(), image.grad) < 1e-5


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("channels, layout", [(1, torch.contiguous_format), (3, torch.contiguous_format), (5, LAST)])
def test_warp_and_its_gradients(sampler, channels, layout):
    volume = random(1, 2, channels, 5, 6, 7).contiguous(memory_format=layout)
    field = 2 * random(2, 2, 3, 5, 6, 7)  # some of it leads outside
    leaves = [each.cpu().requires_grad_() for each in (volume, field)]
    wanted = warp(*leaves, sampler)
    torch.testing.assert_close(sampling.warp(volume, field, sampler).cpu(), wanted, rtol=1e-4, atol=1e-5)
    gradient = random(3, *volume.shape)
    wanted.backward(gradient.cpu())
    for found, leaf in zip(sampling.warp_gradients(gradient, volume, field, sampler, True), leaves, strict=True):
        torch.testing.assert_close(found.cpu(), leaf.grad, rtol=1e-4, atol=1e-4)
    assert sampling.warp_gradients(gradient, volume, field, sampler, False)[0] is None


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_axis_of_one_voxel_is_warped_as_by_the_plain_form(sampler):
    volume, field = random(1, 1, 2, 1, 6, 7), random(2, 1, 3, 1, 6, 7)
    wanted = warp(volume.cpu(), field.cpu(), sampler)
    torch.testing.assert_close(sampling.warp(volume, field, sampler).cpu(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_sampling_compiles_for_a_card_where_an_axis_has_one_voxel(sampler):
    script = Path(__file__).with_name("compile_for_card.py")
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, script, sampler], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 6


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_squaring_and_its_gradient(sampler):
    velocity, gradient = random(1, 2, 3, 5, 6, 7), random(2, 2, 3, 5, 6, 7)
    leaf = velocity.cpu().requires_grad_()
    wanted = integrate(leaf, 1, sampler)
    torch.testing.assert_close(sampling.square(velocity / 2, sampler).cpu(), wanted, rtol=1e-4, atol=1e-5)
    wanted.backward(gradient.cpu())
    found = sampling.square_gradient(gradient, velocity / 2, sampler) / 2
    torch.testing.assert_close(found.cpu(), leaf.grad, rtol=1e-4, atol=1e-4)
