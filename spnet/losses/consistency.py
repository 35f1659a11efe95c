"""How far deformations are from undoing each other."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from spnet.fields import Sampler, compose


def inverse_consistency(forward: Tensor, backward: Tensor, sampler: Sampler = "exact") -> Tensor:
    """Mean squared displacement of going forward and backward, from both ends, in squared voxels.

    ``mean |u_AB(x) + u_BA(x + u_AB(x))|^2`` per component, plus its mirror; fields [B, 3, D, H, W].
    """
    return cycle_consistency([forward, backward], sampler) + cycle_consistency([backward, forward], sampler)


def cycle_consistency(fields: Sequence[Tensor], sampler: Sampler = "exact") -> Tensor:
    """Mean square, per component, of the displacement left after following `fields` one after the other.

    For a point x: x + fields[0](x), then fields[1] from there, and so on; [B, 3, D, H, W] in voxels each.
    """
    travelled = fields[0]
    for field in fields[1:]:
        travelled = compose(field, travelled, sampler)
    return travelled.square().mean()
