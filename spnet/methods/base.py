"""What every registration method looks like from outside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from spnet.fields import Sampler, crop, pad_to_multiple
from spnet.fields.resize import Margins
from spnet.methods.compute import Compute


@dataclass(frozen=True)
class Registration:
    """The outcome of registering `moving` to `fixed`; fields as in :mod:`spnet.fields`.

    Attributes
    ----------
    forward: displacement [B, 3, D, H, W] that warps the moving image onto the fixed one.
    backward: the one that warps the fixed image onto the moving one, where one pass of the method gives both; else
        None, and evaluation swaps the inputs.
    details: whatever the method's own loss (or a figure) needs.
    """

    forward: Tensor
    backward: Tensor | None = None
    details: Any = None


@dataclass(frozen=True)
class Prepared:
    """One image made ready for any number of registrations.

    Attributes
    ----------
    features: what the method's `extract` made of the padded image.
    margins: what was padded.
    """

    features: Any
    margins: Margins


@dataclass(frozen=True)
class LevelView:
    """What one resolution level of a method did, for figures.

    Attributes
    ----------
    displacement: [1, 3, ...] in voxels of the level's own grid.
    similarity: [1, 1, ...], cosine similarity of moving and fixed features as they are.
    warped_similarity: the same after the moving features were warped; None where the level warps none.
    """

    displacement: Tensor
    similarity: Tensor
    warped_similarity: Tensor | None


@dataclass(frozen=True)
class Stage:
    """One stretch of training with a fresh optimiser.

    Attributes
    ----------
    halve_at: numbers of steps after which the learning rate is halved.
    """

    name: str
    steps: int
    learning_rate: float
    halve_at: tuple[int, ...] = ()

    def rate_at(self, step: int) -> float:
        """Learning rate of the step that follows `step` finished ones."""
        return self.learning_rate * 0.5 ** sum(step >= milestone for milestone in self.halve_at)


@dataclass(frozen=True)
class NoOptions:
    """Options of a method that has none."""


class Method(nn.Module, ABC):
    """A registration method; learned ones also implement `loss`.

    In training mode (``method.train()``) a probabilistic method samples, in evaluation mode it takes the mean.

    Class attributes
    ----------------
    Options: frozen dataclass of the hyper-parameters; its fields are the keys allowed in methods.yaml.
    sampler: the sampler (:mod:`spnet.fields`) the method warps with, in training and when its labels are scored.
    multiple: sizes that its grids must be multiples of; others are padded with zeros and cropped back.
    images_per_step: how many images a training step draws.
    order_dependent: one pass gives both fields, but swapped images give others; scored on a pass per ordered pair.
    """

    Options: ClassVar[type] = NoOptions
    sampler: Sampler = "exact"
    multiple: int = 1
    images_per_step: ClassVar[int] = 2
    order_dependent: ClassVar[bool] = False

    def __init__(self, options: Any) -> None:
        super().__init__()
        self.options = options
        self.compute = Compute()

    @property
    def device(self) -> torch.device:
        """Where its weights lie; the CPU for a method without any."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    def forward(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Register two images [B, 1, D, H, W] with intensities in [0, 1], of any size."""
        return self.match(self.prepare(moving), self.prepare(fixed))

    def prepare(self, image: Tensor) -> Prepared:
        """The part of a registration that one image [B, 1, D, H, W] alone decides, to be used again for other pairs."""
        padded, margins = self._pad(image)
        with self.compute.precision(image.device):
            return Prepared(self.extract(padded), margins)

    def match(self, moving: Prepared, fixed: Prepared) -> Registration:
        """Register two prepared images of one size."""
        with self.compute.precision(self.device):
            found = self.register(moving.features, fixed.features)
        backward = None if found.backward is None else crop(found.backward, fixed.margins)
        return replace(found, forward=crop(found.forward, fixed.margins), backward=backward)

    def extract(self, image: Tensor) -> Any:
        """What `register` takes of an image whose size is a multiple of `multiple`; the image itself unless a method
        encodes each image by itself.
        """
        return image

    @abstractmethod
    def register(self, moving: Any, fixed: Any) -> Registration:
        """Register two images, each as `extract` gave it."""

    def inspect(self, moving: Tensor, fixed: Tensor) -> tuple[LevelView, ...]:
        """What the levels of a method that works from coarse to fine did with a pair, finest first, on the padded grid;
        nothing for others.
        """
        return ()

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Named, already weighted terms; their sum is minimised.

        A method that is trained on both passes of its network (ICNet, SCCnet) wants `backward` from the second one.
        """
        raise NotImplementedError(f"{type(self).__name__} is not trained")

    def training_loss(self, images: Sequence[Tensor]) -> dict[str, Tensor]:
        """The terms for the `images_per_step` images of a training step, of which two are moving and fixed."""
        moving, fixed = images
        return self.loss(self(moving, fixed), moving, fixed)

    def stages(self, steps: int, learning_rate: float) -> tuple[Stage, ...]:
        """What trains for how long; one stage of everything unless a method says otherwise.

        Raises
        ------
        ConfigError: the method cannot make its stages of so few steps.
        """
        return (Stage("all", steps, learning_rate),)

    def begin_step(self, stage: Stage, step: int) -> Hashable:
        """Called before every training step with the number of finished steps of its stage, to choose what trains.

        Returns
        -------
        What tells this step from those of its stage that are computed in another way; None where all are alike.
        """

    def count_parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def _pad(self, image: Tensor) -> tuple[Tensor, Margins]:
        return pad_to_multiple(image, self.multiple)
