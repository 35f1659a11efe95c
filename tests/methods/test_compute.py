"""How the arithmetic is done changes speed and memory, and results by rounding at most."""

import pytest
import torch
from entries import ABLATIONS, ENTRIES

from spnet.methods import METHODS, build_method
from spnet.methods.compute import Compute

SHAPE = (16, 24, 16)
PLAIN = Compute(batch_directions=False)
SPNETS = {"spnet": {}} | {name: ENTRIES[name]["options"] for name in ABLATIONS}


def enlarged(implementation, options, compute):
    """A method whose nearly-zero heads move voxels though it is untrained."""
    torch.manual_seed(0)
    method = build_method(implementation, options)
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.ndim > 1 and 0 < parameter.std() < 1e-3:
                parameter *= 0.3 / parameter.std()
    method.compute = compute
    return method


def loss_and_gradients(method, moving, fixed):
    loss = sum(method.loss(method(moving, fixed), moving, fixed).values())
    loss.backward()
    return loss.item(), [parameter.grad for parameter in method.parameters()]


@pytest.mark.parametrize("options", SPNETS.values(), ids=SPNETS)
@pytest.mark.parametrize(
    "compute",
    [
        Compute(),
        Compute(batch_directions=True),
        Compute(batch_directions=False, recompute=True),
        Compute(batch_directions=True, recompute=True),
    ],
)
def test_batching_and_recomputing_change_nothing_but_rounding(options, compute, blobs):
    moving, fixed = blobs(1, SHAPE).double(), blobs(2, SHAPE).double()
    plain, other = (enlarged("spnet", options, each).double() for each in (PLAIN, compute))
    expected_loss, expected = loss_and_gradients(plain, moving, fixed)
    loss, gradients = loss_and_gradients(other, moving, fixed)
    assert loss == pytest.approx(expected_loss, rel=1e-12)
    for ours, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_directions_are_batched_by_size_and_device_unless_told_otherwise():
    small, large = torch.empty(1, 1, 8, 8, 8), torch.empty(1, 1, 96, 112, 96)
    assert Compute().batches(small)
    assert not Compute().batches(large)
    assert Compute(batch_directions=True).batches(large)
    assert not Compute(batch_directions=False).batches(small)


def test_recomputing_keeps_fewer_activations(blobs):
    kept = []
    moving, fixed = blobs(1, SHAPE), blobs(2, SHAPE)
    for compute in (Compute(), Compute(recompute=True)):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, sizes=sizes: sizes.append(t.numel()) or t, lambda t: t):
            enlarged("spnet", {}, compute)(moving, fixed)
        kept.append(sum(sizes))
    assert kept[1] < 0.8 * kept[0]


@pytest.mark.parametrize("name", [name for name, entry in METHODS.items() if entry.learned])
def test_bfloat16_stays_inside_the_network(name, blobs):
    """Fields and losses are float32, and near those of float32 convolutions. No gradients: torch's are not reliable in
    bfloat16 on the CPU, where a run is refused it."""
    moving, fixed = blobs(1, SHAPE), blobs(2, SHAPE)
    plain, rough = (enlarged(name, {}, Compute(convolutions=precision)) for precision in ("float32", "bfloat16"))
    with torch.no_grad():
        expected, found = (method.eval()(moving, fixed).forward for method in (plain, rough))
    assert found.dtype == torch.float32
    moved = expected.abs().mean()
    assert moved > 1e-3
    assert 0 < (found - expected).abs().mean() < 0.1 * moved
    images = [moving, fixed, blobs(3, SHAPE)][: rough.images_per_step]
    terms = rough.train().training_loss([torch.cat([image, image]) for image in images])
    assert all(term.dtype == torch.float32 for term in terms.values())
