"""A pair of virtual brains, small enough for seconds, through what a run computes with: known answers must come out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from spnet.device import set_convolution_precision
from spnet.doctor.findings import Finding, guarded
from spnet.fields import integrate, warp
from spnet.methods import build_method
from spnet.methods.base import Method
from spnet.metrics.consistency import inverse_consistency_error
from spnet.metrics.overlap import dice_per_label
from spnet.metrics.regularity import percent_folding, sd_log_jacobian
from spnet.metrics.surface import hd95_per_label
from spnet.weights import load_weights

_SHAPE, _SPACING_MM = (32, 40, 32), 5.0
_STEPS = 3
_REPORT = "Install the pinned versions (make setup); if it stays so, report it with this output"
Check = Callable[[], Finding]


def self_test(weights: str | Path | None) -> Iterator[Finding]:
    """Every check, and last how long they took.

    Parameters
    ----------
    weights: SPnet's published ones, or None: then nothing that they do is checked.
    """
    set_convolution_precision("ieee")
    checks: dict[str, Check] = {"fields": _fields, "metrics": _metrics, "network": _network, "training": _training}
    if weights is not None:
        checks["spnet"] = partial(_published, Path(weights))
    if torch.cuda.is_available():
        checks["gpu"] = _gpu
    checks["ants"] = _ants
    start = time.perf_counter()
    for name, check in checks.items():
        yield from guarded(f"test:{name}", check, _REPORT)
    yield Finding("PASS", "self-test", f"{len(checks)} tests in {time.perf_counter() - start:.0f} s")


def _judge(topic: str, holds: bool, told: str) -> Finding:
    return Finding("PASS" if holds else "FAIL", f"test:{topic}", told, "" if holds else _REPORT)


@cache
def _pair() -> tuple[Tensor, Tensor, Tensor]:
    """The MNI152 brain at 5 mm, the same deformed at random (fixed seed), and the velocity that did it."""
    from spnet.data.templates import MNI152, centre_grid, read_template
    from spnet.virtual.deform import generator, random_velocity, resampled

    template = read_template(MNI152)
    affine, shape = centre_grid(template, _SPACING_MM, _SHAPE)
    brain = resampled(template, shape, affine, order=1)
    brain = np.clip(brain / np.percentile(brain, 99.5), 0, 1).astype(np.float32)
    velocity = random_velocity(brain > 0, _SPACING_MM, size=8.0, smoothness=35.0, random=generator("doctor", 0))
    fixed = torch.from_numpy(brain)[None, None]
    return warp(fixed, integrate(velocity), "exact"), fixed, velocity


def _fields() -> Finding:
    """A zero field changes nothing; opposite velocities undo each other and do not fold."""
    moving, _, velocity = _pair()
    changed = (warp(moving, torch.zeros_like(velocity), "exact") - moving).abs().max().item()
    forward, backward = integrate(velocity), integrate(-velocity)
    error, folds = inverse_consistency_error(forward, backward, "exact"), percent_folding(forward)
    holds = changed < 1e-5 and error < 0.05 and folds == 0
    told = f"a zero field changes {changed:.0e} of the range; exp(v) and exp(-v) undo each other to {error:.3f} voxel"
    return _judge("fields", holds, f"{told}; Jab {folds:g} %")


def _metrics() -> Finding:
    """A box of 6 voxels, shifted by 3 of 2 mm: Dice 1/2, HD95 6 mm; of a scaling, SDlogJ 0."""
    first, second = torch.zeros(2, 16, 16, 16, dtype=torch.int64)
    first[2:8, 5:11, 5:11], second[5:11, 5:11, 5:11] = 1, 1
    dice, distance = dice_per_label(first, second, [1])[1], hd95_per_label(first, second, [1], 2.0)[1]
    spread = sd_log_jacobian(0.2 * torch.from_numpy(np.indices((8, 8, 8), dtype=np.float32))[None], shift=0)
    holds = dice == 0.5 and abs(distance - 6) < 1e-5 and spread < 1e-5
    return _judge("metrics", holds, f"Dice {dice:g} of 0.5, HD95 {distance:g} of 6 mm, SDlogJ {spread:.0e} of 0")


def _spnet() -> Method:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_method("spnet", {})


def _network() -> Finding:
    """Swapped images give the same two fields, swapped, whatever the weights."""
    moving, fixed, _ = _pair()
    method = _spnet().eval()
    with torch.inference_mode():
        found, swapped = method(moving, fixed), method(fixed, moving)
    apart = (found.forward - swapped.backward).abs().max().item()
    largest = found.forward.abs().max().item()
    holds = 0 < largest < float("inf") and apart <= 1e-4 * largest
    return _judge("network", holds, f"SPnet: fields of swapped images differ by {apart / largest:.0e} of the largest")


def _training() -> Finding:
    moving, fixed, _ = _pair()
    method = _spnet().train()
    optimiser = torch.optim.Adam(method.parameters(), lr=1e-3)
    losses = []
    for _ in range(_STEPS):
        loss = torch.stack(list(method.training_loss([moving, fixed]).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return _judge("training", losses[-1] < losses[0], f"{_STEPS} steps: loss {losses[0]:.5f} to {losses[-1]:.5f}")


def _published(weights: Path) -> Finding:
    """The published weights, though made for 1 mm, bring this pair together without folds."""
    moving, fixed, _ = _pair()
    method = _spnet().eval()
    load_weights(method, weights)
    with torch.inference_mode():
        found = method(moving, fixed)
    warped = warp(moving, found.forward, "exact")
    share = ((warped - fixed).square().mean() / (moving - fixed).square().mean()).item()
    folds = percent_folding(found.forward)
    error = inverse_consistency_error(found.forward, found.backward, "official")
    told = f"published weights: squared difference {share:.2f} of before, Jab {folds:g} %, ICE {error:.3f} voxel"
    return _judge("spnet", share < 0.5 and folds < 0.1 and error < 0.1, told)


def _gpu() -> Finding:
    """The GPU computes what the CPU does."""
    moving, fixed, _ = _pair()
    method = _spnet().eval()
    with torch.inference_mode():
        on_cpu = method(moving, fixed).forward
        on_gpu = method.cuda()(moving.cuda(), fixed.cuda()).forward.cpu()
    apart, largest = (on_cpu - on_gpu).abs().max().item(), on_cpu.abs().max().item()
    return _judge(
        "gpu", apart <= 1e-3 * largest, f"the same field as on the CPU to {apart / largest:.0e} of the largest"
    )


def _ants() -> Finding:
    """ANTs' affine finds a known shift."""
    from spnet.ants_bridge import import_ants, transform_matrix
    from spnet.data.affine import ants_pair, register_affine
    from spnet.data.nifti import Volume

    shift = np.array([4.0, -6.0, 3.0])
    ants = import_ants(0)
    affine = np.diag([_SPACING_MM] * 3 + [1.0])
    moved = affine.copy()
    moved[:3, 3] += shift
    brain = _pair()[1][0, 0].numpy()
    with tempfile.TemporaryDirectory() as folder:
        pair = ants_pair(Volume(brain, moved), Volume(brain, affine), _SPACING_MM, folder, ants)
        off = np.abs(transform_matrix(register_affine(pair, 0.7).transform, ants)[:3, 3] - shift).max()
    return _judge("ants", off < 0.5, f"a shift of 4, -6, 3 mm found to {off:.3f} mm")
