"""The convolutions that avoid slow kernels agree with torch's own."""

import pytest
import torch
from torch import nn

from spnet.methods import convolution
from spnet.methods.convolution import (
    Conv3d,
    Upsampling3d,
    upsample_by_cells,
    weight_gradient_of_pairs,
    with_channels,
)

# Channels, first axis, kernel, stride, padding: halves, an odd number of rows, and none at all of the detour.
CASES = {
    "even rows": (5, 8, 3, 1, 1),
    "odd rows": (5, 9, 3, 1, 1),
    "strided": (5, 12, 3, 2, 1),
    "strided, unpadded": (5, 13, 3, 2, 0),
    "two rows": (5, 2, 3, 1, 1),
    "kernel of one": (5, 8, 1, 1, 0),
    "kernel of five": (5, 8, 5, 1, 2),
    "large": (48, 40, 3, 1, 1),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_torchs(name, bias):
    channels, rows, kernel, stride, padding = CASES[name]
    torch.manual_seed(0)
    ours = Conv3d(channels, 6, kernel, stride, padding, bias=bias)
    theirs = nn.Conv3d(channels, 6, kernel, stride, padding, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    volume = torch.randn(1, channels, rows, 14, 11)
    images = [volume.clone().requires_grad_() for _ in range(2)]
    outputs = [convolution(image) for convolution, image in zip((ours, theirs), images, strict=True)]
    assert outputs[0].shape == outputs[1].shape
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    weights = torch.randn_like(outputs[0])
    for output in outputs:
        (output * weights).sum().backward()
    torch.testing.assert_close(images[0].grad, images[1].grad, rtol=1e-4, atol=1e-5)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-3)


def test_small_volumes_take_the_detour_and_no_others(monkeypatch):
    batches = []
    plain = torch.nn.functional.conv3d
    monkeypatch.setattr(
        torch.nn.functional, "conv3d", lambda volume, *rest: batches.append(volume.shape[0]) or plain(volume, *rest)
    )
    convolution = Conv3d(4, 6, 3, padding=1)
    for shape in ((1, 4, 8, 8, 8), (2, 4, 8, 8, 8), (1, 4, 80, 80, 8)):
        convolution(torch.randn(shape))
    assert batches == [2, 2, 1]


def _volumes(channels, outputs, size=(4, 6, 8), batch=2):
    """A volume, a weight that asks for a gradient, and the gradient to the result; float64, channels last."""
    torch.manual_seed(1)
    last = {"memory_format": torch.channels_last_3d}
    volume = torch.randn(batch, channels, *size, dtype=torch.float64).contiguous(**last)
    weight = torch.randn(outputs, channels, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    return volume, weight, torch.randn(batch, outputs, *size, dtype=torch.float64).contiguous(**last)


@pytest.mark.parametrize("channels, outputs", [(8, 8), (3, 5), (1, 1)])
def test_the_gradient_of_pairs_of_voxels_is_the_gradient(channels, outputs):
    volume, weight, gradient = _volumes(channels, outputs)
    nn.functional.conv3d(volume, weight, padding=1).backward(gradient)
    torch.testing.assert_close(weight_gradient_of_pairs(volume, gradient), weight.grad)


@pytest.mark.parametrize("size", [(4, 6, 8), (1, 2, 3)])
@pytest.mark.parametrize("inputs, outputs", [(5, 3), (16, 8)])
def test_upsampling_by_cells_is_the_transposed_convolution(inputs, outputs, size):
    torch.manual_seed(2)
    ours, theirs = Upsampling3d(inputs, outputs).double(), nn.ConvTranspose3d(inputs, outputs, 4, 2, 1).double()
    theirs.load_state_dict(ours.state_dict())
    volumes = [torch.randn(2, inputs, *size, dtype=torch.float64).requires_grad_() for _ in range(2)]
    volumes[1].data.copy_(volumes[0].data)
    found = upsample_by_cells(volumes[0], ours.weight, ours.bias)
    wanted = theirs(volumes[1])
    torch.testing.assert_close(found, wanted)
    weights = torch.randn_like(wanted)
    found.backward(weights)
    wanted.backward(weights)
    torch.testing.assert_close(volumes[0].grad, volumes[1].grad)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


@pytest.mark.parametrize("channels, multiple, wanted", [(27, 4, 28), (28, 4, 28), (3, 4, 4), (1, 4, 1), (2, 4, 2)])
def test_channels_of_zeros_are_added_but_to_images(channels, multiple, wanted):
    volume, _, _ = _volumes(channels, 1)
    wide = with_channels(volume, multiple)
    assert wide.shape[1] == wanted
    assert torch.equal(wide[:, :channels], volume)
    assert not wide[:, channels:].any()
    assert wide.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels, outputs", [(5, 7), (27, 16), (8, 8), (16, 3)])
def test_the_form_for_cuda_has_torchs_values_and_gradients(channels, outputs, stride, monkeypatch):
    """But for our kernels: with channels added, from pairs of voxels, by torch's own gradients."""
    monkeypatch.setattr(convolution, "_WIDTH_UP_TO", 0)
    monkeypatch.setattr(convolution, "_ONE_ROW_UP_TO", 0)
    monkeypatch.setattr(convolution, "convolution_precision", lambda: "tf32")
    volume, weight, gradient = _volumes(channels, outputs)
    gradient = gradient[..., ::stride, ::stride, ::stride].contiguous(memory_format=torch.channels_last_3d)
    bias = torch.randn(outputs, dtype=torch.float64)
    leaves = [[each.detach().clone().requires_grad_() for each in (volume, weight, bias)] for _ in range(2)]
    found = convolution._Convolution.apply(*leaves[0], stride, 1)
    wanted = nn.functional.conv3d(*leaves[1], stride, 1)
    torch.testing.assert_close(found, wanted)
    found.backward(gradient)
    wanted.backward(gradient)
    for mine, other in zip(*leaves, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, check_dtype=False, rtol=1e-6, atol=1e-6)
