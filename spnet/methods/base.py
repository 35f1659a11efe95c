"""What every registration method looks like from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from spnet.fields import Sampler


@dataclass(frozen=True)
class Registration:
    """The outcome of registering `moving` to `fixed`; fields as in :mod:`spnet.fields`.

    Attributes
    ----------
    displacement: [B, 3, D, H, W], warps the moving image onto the fixed one.
    inverse: the same the other way round, where one pass of the method gives both; else None, and evaluation swaps the
        inputs.
    details: whatever the method's own loss (or a figure) needs.
    """

    displacement: Tensor
    inverse: Tensor | None = None
    details: Any = None


@dataclass(frozen=True)
class Stage:
    """One stretch of training with a fresh optimiser."""

    name: str
    steps: int
    learning_rate: float


@dataclass(frozen=True)
class NoOptions:
    """Options of a method that has none."""


class Method(nn.Module, ABC):
    """A registration method; learned ones also implement `loss`.

    Class attributes
    ----------------
    Options: frozen dataclass of the hyper-parameters; its fields are the keys allowed in methods.yaml.
    sampler: the sampler (:mod:`spnet.fields`) the method warps with, in training and when its labels are scored.
    """

    Options: ClassVar[type] = NoOptions
    sampler: Sampler = "exact"

    def __init__(self, options: Any) -> None:
        super().__init__()
        self.options = options

    @abstractmethod
    def forward(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Register two images [B, 1, D, H, W] with intensities in [0, 1]."""

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Named, already weighted terms; their sum is minimised."""
        raise NotImplementedError(f"{type(self).__name__} is not trained")

    def stages(self, steps: int, learning_rate: float) -> tuple[Stage, ...]:
        """What trains for how long; one stage of everything unless a method says otherwise."""
        return (Stage("all", steps, learning_rate),)

    def count_parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)
