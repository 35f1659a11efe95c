"""Pull-back warping of volumes by a displacement."""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from spnet import kernels

Sampler = Literal["exact", "exact_zeros", "official"]
Interpolation = Literal["linear", "nearest"]

_GRID_SAMPLE = {
    "exact": {"align_corners": True, "padding_mode": "border"},
    "exact_zeros": {"align_corners": True, "padding_mode": "zeros"},
    "official": {"align_corners": False, "padding_mode": "zeros"},
}
# The same in the numbers that the sampler's backward pass takes.
_LINEAR, _PADDING = 0, {"zeros": 0, "border": 1}
_WORTH_A_THREAD = 32**3  # fewer points are sampled before a second thread has begun
_MODES = {"linear": "bilinear", "nearest": "nearest"}


def warp(
    volume: Tensor,
    displacement: Tensor,
    sampler: Sampler = "exact",
    interpolation: Interpolation = "linear",
) -> Tensor:
    """Warp `volume` by `displacement`: ``warped(x) = volume(x + u(x))`` (paper, Eq. 2).

    Parameters
    ----------
    volume: [B, C, D, H, W], floating point.
    displacement: [B, 3, D, H, W] in voxels.
    sampler: see :mod:`spnet.fields`.
    interpolation: ``nearest`` for labels.

    Returns
    -------
    The warped volume, [B, C, D, H, W].
    """
    check_field(displacement)
    if volume.ndim != 5 or volume.shape[0] != displacement.shape[0] or volume.shape[2:] != displacement.shape[2:]:
        raise ValueError(
            f"volume {tuple(volume.shape)} and displacement {tuple(displacement.shape)} differ in batch or grid"
        )
    if interpolation == "nearest":
        return sample(volume, to_normalised(displacement), sampler, interpolation)
    # Here and not within, so that autograd takes the gradient back to a volume in bfloat16.
    return _Warp.apply(volume.to(displacement.dtype), displacement, sampler)


class _Warp(torch.autograd.Function):
    """A linear warp that keeps volume and displacement, which others keep anyway, and no sampling points."""

    @staticmethod
    def forward(ctx: FunctionCtx, volume: Tensor, displacement: Tensor, sampler: Sampler) -> Tensor:
        ctx.save_for_backward(volume, displacement)
        ctx.sampler = sampler
        if kernels.usable(volume, displacement):
            from spnet.kernels import sampling

            return sampling.warp(volume, displacement, sampler)
        return sample(volume, to_normalised(displacement), sampler)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        volume, displacement = ctx.saved_tensors
        if kernels.usable(gradient, volume, displacement):
            from spnet.kernels import sampling

            wanted = ctx.needs_input_grad[0]
            return *sampling.warp_gradients(gradient, volume, displacement, ctx.sampler, wanted), None
        normalised = to_normalised(displacement)
        to_volume, to_field = sample_backward(gradient, volume, normalised, ctx.sampler, ctx.needs_input_grad[0])
        return to_volume, (to_field * _scale(displacement)).flip(1), None


def sample(volume: Tensor, normalised: Tensor, sampler: Sampler, interpolation: Interpolation = "linear") -> Tensor:
    """Warp by a displacement that is already in normalised units (see :func:`to_normalised`).

    The volume may have another grid than the displacement; both then span the same box, from first to last voxel.
    """
    points = _points(normalised)
    # Features of a network in bfloat16 are sampled in the precision of the field.
    volumes, points = _in_slabs(volume.to(points.dtype), points)
    warped = F.grid_sample(volumes, points, mode=_MODES[interpolation], **_GRID_SAMPLE[sampler])
    return _whole(warped, volume.shape[0])


@torch.no_grad()
def sample_backward(
    gradient: Tensor, volume: Tensor, normalised: Tensor, sampler: Sampler, to_volume: bool = True
) -> tuple[Tensor | None, Tensor]:
    """Gradients to `volume` (where wanted) and to `normalised` of a linear :func:`sample`, from the one to its result.

    For operations that write their own backward pass, and so need not keep the sampling points until then.
    """
    settings = _GRID_SAMPLE[sampler]
    volumes, points = _in_slabs(volume, _points(normalised))
    if volumes.shape[0] > volume.shape[0]:
        gradient = gradient[0].unflatten(1, (volumes.shape[0], -1)).transpose(0, 1)
    to_volumes, to_points = torch.ops.aten.grid_sampler_3d_backward(
        gradient,
        volumes,
        points,
        _LINEAR,
        _PADDING[settings["padding_mode"]],
        settings["align_corners"],
        (to_volume, True),
    )
    if to_volume and volume.shape[0] == 1:
        to_volumes = to_volumes.sum(0, keepdim=True)
    return to_volumes, to_points.reshape(volume.shape[0], *normalised.shape[2:], 3).movedim(-1, 1)


def _points(normalised: Tensor) -> Tensor:
    """Where a displacement in normalised units points, [B, D, H, W, 3], last axis first."""
    grid = identity_grid(tuple(normalised.shape[2:]), normalised.device, normalised.dtype)
    return grid + normalised.permute(0, 2, 3, 4, 1)


def _in_slabs(volume: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """A lone volume and its points as a batch of slabs along the first axis, where there are threads to sample them.

    torch's sampler on the CPU puts one thread on each volume of a batch.
    """
    parts = _slabs_worth_cutting(volume, points)
    if parts == 1:
        return volume, points
    return volume.expand(parts, -1, -1, -1, -1), points.reshape(parts, -1, *points.shape[2:])


def _whole(slabs: Tensor, batch: int) -> Tensor:
    """Undo :func:`_in_slabs` on [parts, C, ...], of a batch that was not cut the thing itself."""
    return slabs if slabs.shape[0] == batch else slabs.transpose(0, 1).flatten(1, 2)[None]


def _slabs_worth_cutting(volume: Tensor, points: Tensor) -> int:
    if volume.device.type != "cpu" or volume.shape[0] > 1 or points.numel() < 3 * _WORTH_A_THREAD:
        return 1
    return next(parts for parts in range(torch.get_num_threads(), 0, -1) if points.shape[1] % parts == 0)


def to_normalised(displacement: Tensor) -> Tensor:
    """Voxels, first axis first -> units of half the grid, last axis first, as ``grid_sample`` wants them."""
    return displacement.flip(1) * _scale(displacement)


def from_normalised(normalised: Tensor) -> Tensor:
    """Inverse of :func:`to_normalised`."""
    return (normalised / _scale(normalised)).flip(1)


def _scale(field: Tensor) -> Tensor:
    return _scale_of(tuple(field.shape[2:]), field.device, field.dtype)


# The caches below have no bound: a captured CUDA graph goes on reading a tensor that was dropped from one, and its
# memory would be somebody else's by then. A process sees few grids: those of one data set's volumes and their levels.
@cache
def _scale_of(shape: tuple[int, int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Units of half the grid in a voxel, [1, 3, 1, 1, 1], last axis first.

    Cached: made from Python's numbers, it would have the host wait for the card at every call.
    """
    with torch.inference_mode(False):  # an inference tensor in the cache would break a later training step
        factors = [2.0 / max(size - 1, 1) for size in reversed(shape)]
        return torch.tensor(factors, dtype=dtype, device=device).view(1, 3, 1, 1, 1)


@cache
def identity_grid(shape: tuple[int, int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
    """Normalised coordinates of every voxel, [1, D, H, W, 3], last axis first.

    Cached: rebuilding it costs as much as the sampling itself, and a network asks for the same few shapes again and
    again. All samplers share it, since they differ in how the coordinates are read, not in what they are. Never given
    up: a recorded CUDA graph goes on reading it.
    """
    # An inference tensor in the cache would break a later training step.
    with torch.inference_mode(False):
        axes = [torch.linspace(-1, 1, size, device=device, dtype=dtype) for size in shape]
        return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1)[None]


def check_field(field: Tensor) -> None:
    """Raise a ValueError unless `field` is [B, 3, D, H, W]."""
    if field.ndim != 5 or field.shape[1] != 3:
        raise ValueError(f"a displacement or velocity is [B, 3, D, H, W], not {tuple(field.shape)}")
