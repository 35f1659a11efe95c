"""The convolution that avoids torch's slow kernel agrees with torch's own."""

import pytest
import torch
from torch import nn

from spnet.methods.convolution import Conv3d

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
