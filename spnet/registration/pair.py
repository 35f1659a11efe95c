"""A pair of prepared scans: matched on the common grid, its transforms told in the scans' own worlds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spnet.errors import RegistrationError
from spnet.evaluation.cost import measure
from spnet.evaluation.register import BothWays, register_both_ways
from spnet.fields import warp
from spnet.fields.convert import as_exact
from spnet.losses import local_ncc
from spnet.methods.base import Method
from spnet.metrics.consistency import inverse_consistency_error
from spnet.metrics.regularity import percent_folding
from spnet.registration.refine import Objective, refine
from spnet.registration.scan import PreparedScan
from spnet.transforms import Grid, Transform

Reading = Literal["auto", "trained_sampler", "exact"]

_MOST_TAPER = 32  # voxels


@dataclass(frozen=True)
class MatchedPair:
    """What registering a pair gave.

    Attributes
    ----------
    forward, backward: transforms that warp the moving scan onto the fixed one, and the fixed one onto the moving.
    displacement: the forward one on the common grid, [1, 3, D, H, W] in voxels, for pictures.
    figures: of the pair, by name.
    """

    forward: Transform
    backward: Transform
    displacement: Tensor
    figures: dict[str, Any] = field(default_factory=dict)


def match(
    method: Method,
    moving: PreparedScan,
    fixed: PreparedScan,
    grids: tuple[Grid, Grid],
    steps: int = 0,
    reading: Reading = "auto",
) -> MatchedPair:
    """Register two prepared scans.

    Parameters
    ----------
    method: ready, on its device.
    grids: of the native moving and the native fixed scan.
    steps: of refinement on the pair itself.
    reading: what the method's fields mean: as the sampler that it was trained with reads them (``trained_sampler``) or
        as they are (``exact``). The official sampler stretches by half a voxel at the borders. A network with one
        direction has learnt to make up for that, and its fields are right in that reading alone. One whose single pass
        gives both fields cannot for both, and they are better inverse to each other, and no worse, as they are.
        ``auto`` takes that for those, and ``trained_sampler`` for all others.

    Raises
    ------
    RegistrationError: no memory for it, or fields that are not finite.
    """
    with _lack_of_memory_told(method, moving.image.data.shape):
        images = [torch.from_numpy(scan.image.data)[None, None].to(method.device) for scan in (moving, fixed)]
        both = register_both_ways(method, *images)
        taken = "exact" if reading == "exact" or (reading == "auto" and both.one_pass) else method.sampler
        fields = tuple(as_exact(field, taken) for field in (both.forward, both.backward))
        figures = {
            "fields_read_as": taken,
            "network_seconds": _seconds(method, both),
            "peak_mb": max(both.forward_cost.peak_mb, both.backward_cost.peak_mb),
        }
        if steps:
            fields = _refined(method, images, fields, steps, figures)
        figures |= _measured(*images, *fields, float(moving.image.spacing[0]))
    from_fixed, from_moving = (np.linalg.inv(scan.to_native) for scan in (fixed, moving))
    native_moving, native_fixed = grids
    forward = tapered(fields[0], fixed.image.affine, from_fixed, moving.to_native, native_fixed, native_moving)
    backward = tapered(fields[1], fixed.image.affine, from_moving, fixed.to_native, native_moving, native_fixed)
    return MatchedPair(forward, backward, fields[0].cpu(), figures)


def _seconds(method: Method, both: BothWays) -> float:
    """Of the network, both ways."""
    if both.one_pass and method.order_dependent:
        return both.forward_cost.seconds  # each cost is that of the whole pass, of which there was one
    return both.forward_cost.seconds + both.backward_cost.seconds


@contextmanager
def _lack_of_memory_told(method: Method, shape: tuple[int, ...]) -> Iterator[None]:
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise RegistrationError(
            f"{method.device} has not enough memory for {type(method).__name__} on"
            f" {' x '.join(map(str, shape))} voxels",
            remedy="Use --device cpu, or close what else runs on the GPU",
        ) from error


def tapered(
    displacement: Tensor, affine: NDArray, before: NDArray, after: NDArray, fixed: Grid, moving: Grid
) -> Transform:
    """A transform whose field runs out to zero around the common grid.

    Beyond a field ITK knows no displacement. What the border has would be cut off there in one voxel, and tear the
    image; instead it falls in a margin that is wide enough for no fold.

    Parameters
    ----------
    displacement: [1, 3, D, H, W] in voxels of the grid of `affine` (4x4, to mm).
    before, after, fixed, moving: as :class:`spnet.transforms.Transform` has them.
    """
    field = displacement[0].cpu().numpy()
    faces = [np.abs(np.take(field, index, axis)).max() for axis in (1, 2, 3) for index in (0, -1)]
    margin = int(min(np.ceil(2 * max(faces)) + 1, _MOST_TAPER))
    padded = np.pad(field, [(0, 0), *[(margin, margin)] * 3], mode="edge")
    for axis, size in enumerate(field.shape[1:]):
        voxels = np.arange(size + 2 * margin) - margin
        beyond = np.maximum(np.maximum(-voxels, voxels - size + 1), 0)
        weights = np.clip(1 - beyond / margin, 0, 1)
        padded = padded * weights.reshape([-1 if other == axis else 1 for other in range(3)])
    shifted = affine.copy()
    shifted[:3, 3] -= affine[:3, :3] @ np.full(3, margin)
    return Transform(padded.astype(np.float32), shifted, before, after, fixed, moving)


def _refined(
    method: Method, images: list[Tensor], fields: tuple[Tensor, Tensor], steps: int, figures: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    with measure(method.device) as cost:
        found = refine(*images, *fields, steps, Objective.of(method.options))
    before = _measured(*images, *fields, 1.0)
    figures["refinement"] = {
        "steps": steps,
        "seconds": cost.seconds,
        "loss_first": found.losses[0],
        "loss_least": min(found.losses),
        "share_taken": found.scale,
        "network_alone": {name: before[name] for name in ("similarity_after", "jab_percent")},
    }
    figures["peak_mb"] = max(figures["peak_mb"], cost.peak_mb)
    return found.forward, found.backward


@torch.no_grad()
def _measured(moving: Tensor, fixed: Tensor, forward: Tensor, backward: Tensor, spacing: float) -> dict[str, Any]:
    """Figures on the common grid, of the fields as they are written (exact sampler)."""
    warped = warp(moving, forward)
    return {
        "similarity_before": local_ncc(moving, fixed).item(),
        "similarity_after": local_ncc(warped, fixed).item(),
        "correlation_before": _correlation(moving, fixed),
        "correlation_after": _correlation(warped, fixed),
        "jab_percent": percent_folding(forward),
        "jab_percent_backward": percent_folding(backward),
        "ice_mm": inverse_consistency_error(forward, backward, "exact") * spacing,
        "mean_displacement_mm": forward.norm(dim=1).mean().item() * spacing,
        "largest_displacement_mm": forward.norm(dim=1).max().item() * spacing,
    }


def _correlation(image_1: Tensor, image_2: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([image_1.flatten(), image_2.flatten()]))[0, 1])
