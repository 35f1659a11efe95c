"""What is measured against what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from benchmarks import peers, work
from benchmarks.agree import (
    Differences,
    compare_losses,
    compare_scores,
    compare_tensors,
    compare_values,
    gradient_errors,
)
from benchmarks.inputs import PAPER_SIZE, Size, make_method, write_subjects
from benchmarks.measure import Run
from benchmarks.modes import has_bfloat16
from benchmarks.reference.fields import integrate as plain_integrate
from benchmarks.reference.fields import warp as plain_warp
from benchmarks.reference.ncc import local_ncc as plain_ncc
from benchmarks.reference.spnet import PlainSPnet, smoothness
from spnet.data.pairs import make_pairs
from spnet.device import to_device
from spnet.errors import SpnetError
from spnet.fields import integrate, warp
from spnet.losses import local_ncc
from spnet.methods.base import Method
from spnet.methods.compute import Compute
from spnet.weights import find_published, load_weights

OURS, PLAIN = "ours", "plain form"
OURS_BFLOAT16, OURS_RECOMPUTED = "ours, bfloat16 convolutions", "ours, recomputed"
VM_DENSE, VM_OURS = "VM-2 training step with the dense LNCC", "VM-2 training step with our LNCC"
PAIRS_PER_CHUNK = 4  # of real subjects, as in the study published_weights


class NotHereError(SpnetError):
    """A form that this machine cannot run."""


@dataclass(frozen=True)
class Setting:
    """How large a measured piece of work is.

    Attributes
    ----------
    subjects: of an evaluation; all their pairs are scored.
    prepared: folder of real prepared subjects, which then decide size and number.
    """

    size: Size
    subjects: int = 2
    prepared: str | None = None


@dataclass(frozen=True)
class Versus:
    """A row of the table: form `ours` of a case against its form `against`.

    Attributes
    ----------
    bound: of the differences of their results, in the units of the case's `compare`; None where they are only told.
    compared: their results can be compared at all.
    """

    what: str
    ours: str
    against: str
    bound: float | None = None
    compared: bool = True


@dataclass(frozen=True)
class Case:
    """One piece of work in several forms.

    Attributes
    ----------
    forms: name -> what builds it; whatever a builder does is not measured.
    errors: of all forms' results against an exact computation, by form.
    every_round: results of all rounds are compared, since each does other work.
    counted: quantities that are counted in voxels of labels. Rounding moves one now and then over a label's border, so
        the bound of these is for the paper's grid, and larger on smaller ones, where a voxel weighs more.
    """

    forms: Mapping[str, Callable[[Setting], Run]]
    rows: tuple[Versus, ...]
    compare: Callable[[Any, Any], Differences]
    errors: Callable[[Size, Mapping[str, Any]], dict[str, float]] | None = None
    every_round: bool = False
    counted: frozenset[str] = frozenset()

    def bound(self, row: Versus, quantity: str, size: Size) -> float | None:
        """How far a quantity of a row's forms may be apart at one size; None where that is only told."""
        if row.bound is None or quantity not in self.counted:
            return row.bound
        return row.bound * max(math.prod(PAPER_SIZE) / math.prod(size), 1.0)


_PLAINLY = Compute()
_BFLOAT16 = Compute(convolutions="bfloat16")
_RECOMPUTED = Compute(recompute=True)


def _of_size(build: Callable[..., Run], *arguments: object) -> Callable[[Setting], Run]:
    return lambda setting: build(*arguments, setting.size)


def _step(setting: Setting, compute: Compute = _PLAINLY) -> Run:
    return work.step_of_method(_ours(make_method(), compute).train(), setting.size)


def _plain_step(setting: Setting) -> Run:
    return work.step_of_plain_spnet(PlainSPnet(make_method().state_dict()), setting.size)


def _vm_step(setting: Setting) -> Run:
    return work.step_of_method(_ours(make_method("vm")).train(), setting.size)


def _dense_vm_step(setting: Setting) -> Run:
    method = make_method("vm").train()
    for layer in method.modules():
        if isinstance(layer, torch.nn.LeakyReLU):
            layer.inplace = False  # as its authors have it

    def loss(moving: Tensor, fixed: Tensor) -> Tensor:
        displacement = method(moving, fixed).forward
        return smoothness(displacement) - plain_ncc(fixed, plain_warp(moving, displacement))

    return work.training_step(method, loss, setting.size)


def _evaluation(setting: Setting, compute: Compute = _PLAINLY) -> Run:
    folder, chunks, keeper = _subjects(setting)
    return _keeping(keeper, work.evaluation(_ours(_weighted(setting), compute).eval(), folder, chunks))


def _plain_evaluation(setting: Setting) -> Run:
    folder, chunks, keeper = _subjects(setting)
    return _keeping(keeper, work.plain_evaluation(PlainSPnet(_weighted(setting).state_dict()), folder, chunks))


def _ours(method: Method, compute: Compute = _PLAINLY) -> Method:
    """A method as the package runs it on the CPU."""
    device = torch.device("cpu")
    if compute.convolutions == "bfloat16" and not has_bfloat16(device):
        raise NotHereError("this CPU has no bfloat16 convolutions")
    method.compute = compute
    return to_device(method, device)


def _weighted(setting: Setting) -> Method:
    """SPnet with the published weights for real subjects, with our own random ones for others."""
    method = make_method()
    if setting.prepared:
        load_weights(method, find_published("spnet"))
    return method


def _subjects(setting: Setting) -> tuple[Path, list[pd.DataFrame], object]:
    """Folder of prepared subjects, their pairs in chunks, and what keeps the folder alive."""
    if setting.prepared:
        folder, keeper = Path(setting.prepared), None
        names, per_chunk = real_subjects(folder), PAIRS_PER_CHUNK
    else:
        folder, keeper = write_subjects(setting.subjects, setting.size)
        names, per_chunk = sorted(path.name for path in folder.iterdir()), setting.subjects**2
    pairs = make_pairs(names)
    return folder, [pairs[start : start + per_chunk] for start in range(0, len(pairs), per_chunk)], keeper


def real_subjects(folder: Path) -> list[str]:
    """Names of the prepared subjects in `folder`."""
    return sorted(path.parent.name for path in folder.glob("*/image.nii.gz"))


def _keeping(keeper: object, run: Run) -> Run:
    """`run`, holding on to `keeper`."""
    return lambda number, _kept=keeper: run(number)


def _sampler(function: Callable[..., Tensor], sampler: str) -> Callable[..., Tensor]:
    return partial(function, sampler=sampler)


_LNCC = "LNCC, window 9, forward and backward"
_WARP = "warp, forward and backward"
_INTEGRATE = "integration, 7 steps, forward and backward"
_STEP = "SPnet training step"
_PAIR = "SPnet, evaluation of a pair with all metrics"

CASES: dict[str, Case] = {
    "lncc": Case(
        forms={
            OURS: _of_size(work.loss_and_gradient, local_ncc),
            PLAIN: _of_size(work.loss_and_gradient, plain_ncc),
            "MONAI": _of_size(peers.monai_ncc),
            "FireANTs": _of_size(peers.fireants_ncc),
            "VoxelMorph": _of_size(peers.voxelmorph_ncc),
        },
        rows=(
            Versus(_LNCC, OURS, PLAIN, 1e-4),
            *(Versus(_LNCC, OURS, peer) for peer in peers.PEERS),
        ),
        compare=compare_values,
        errors=gradient_errors,
    ),
    "warp": Case(
        forms={
            OURS: _of_size(work.warp_and_gradient, _sampler(warp, "official")),
            PLAIN: _of_size(work.warp_and_gradient, plain_warp),
            "ours, exact": _of_size(work.warp_and_gradient, _sampler(warp, "exact")),
            "MONAI": _of_size(peers.monai_warp),
            "ours, exact_zeros": _of_size(work.warp_and_gradient, _sampler(warp, "exact_zeros")),
            "VoxelMorph": _of_size(peers.voxelmorph_warp),
        },
        rows=(
            Versus(_WARP, OURS, PLAIN, 1e-3),
            Versus(f"{_WARP} (exact)", "ours, exact", "MONAI", 1e-3),
            Versus(f"{_WARP} (exact_zeros)", "ours, exact_zeros", "VoxelMorph", 1e-3),
        ),
        compare=compare_tensors,
    ),
    "integrate": Case(
        forms={
            OURS: _of_size(work.integrate_and_gradient, _sampler(integrate, "official")),
            PLAIN: _of_size(work.integrate_and_gradient, plain_integrate),
            "ours, exact_zeros": _of_size(work.integrate_and_gradient, _sampler(integrate, "exact_zeros")),
            "MONAI": _of_size(peers.monai_integrate),
            "VoxelMorph": _of_size(peers.voxelmorph_integrate),
        },
        rows=(
            Versus(_INTEGRATE, OURS, PLAIN, 1e-3),
            *(
                Versus(f"{_INTEGRATE} (exact_zeros)", "ours, exact_zeros", peer, 1e-3)
                for peer in ("MONAI", "VoxelMorph")
            ),
        ),
        compare=compare_tensors,
    ),
    "step": Case(
        forms={
            OURS: _step,
            OURS_RECOMPUTED: partial(_step, compute=_RECOMPUTED),
            OURS_BFLOAT16: partial(_step, compute=_BFLOAT16),
            PLAIN: _plain_step,
            VM_DENSE: _dense_vm_step,
            VM_OURS: _vm_step,
        },
        rows=(
            Versus(_STEP, OURS, PLAIN, 1e-4),
            Versus(f"{_STEP}, recomputed", OURS_RECOMPUTED, PLAIN, 1e-4),
            Versus(f"{_STEP}, bfloat16 convolutions", OURS_BFLOAT16, PLAIN),
            Versus(_STEP, OURS, VM_DENSE, compared=False),
            Versus(f"{_STEP}, recomputed", OURS_RECOMPUTED, VM_DENSE, compared=False),
            Versus(_STEP, OURS, VM_OURS, compared=False),
            Versus(VM_OURS, VM_OURS, VM_DENSE, 1e-4),
        ),
        compare=compare_losses,
    ),
    "pair": Case(
        forms={
            OURS: _evaluation,
            OURS_BFLOAT16: partial(_evaluation, compute=_BFLOAT16),
            PLAIN: _plain_evaluation,
        },
        rows=(
            Versus(_PAIR, OURS, PLAIN, 5e-5),
            Versus(f"{_PAIR}, bfloat16 convolutions", OURS_BFLOAT16, PLAIN),
        ),
        compare=compare_scores,
        every_round=True,
        counted=frozenset({"dice", "dice_merged"}),
    ),
}
