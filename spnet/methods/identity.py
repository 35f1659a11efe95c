"""No deformation at all: what the affine preparation alone achieves, the control row of every table."""

from __future__ import annotations

import torch
from torch import Tensor

from spnet.methods.base import Method, Registration


class Identity(Method):
    """Affine only: zero fields, measured with the exact sampler so that labels stay where they are."""

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        zero = torch.zeros(moving.shape[0], 3, *moving.shape[2:], device=moving.device, dtype=moving.dtype)
        return Registration(zero, zero.clone())
