"""SYMNet: fast symmetric diffeomorphic registration (Mok and Chung 2020a), after the authors' program."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from spnet.fields import Orientation, compose, integrate, warp
from spnet.losses import gradient_smoothness, local_ncc, negative_jacobian
from spnet.methods.base import Method, Registration
from spnet.methods.convolution import Float32Conv3d, convolve_together
from spnet.methods.icnet import UNetLayers
from spnet.methods.options import as_tuples, check_not_negative, check_positive, check_window


@dataclass(frozen=True)
class SYMNetOptions:
    """Hyper-parameters; the defaults are those of the authors' last version.

    Attributes
    ----------
    largest: bound of every component of the velocities, in voxels.
    axes, reversed_axes: how the arrays lay that the weights were trained on (:class:`spnet.fields.Orientation`).
    """

    start_channel: int = 8
    largest: float = 100.0
    integration_steps: int = 7
    window: int = 7
    magnitude_weight: float = 0.1
    orientation_weight: float = 100.0
    smoothness_weight: float = 3.0
    axes: tuple[int, ...] = (0, 1, 2)
    reversed_axes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        as_tuples(self, "axes", "reversed_axes")
        Orientation(self.axes, self.reversed_axes)
        check_positive(self, "start_channel", "largest", "integration_steps")
        check_not_negative(self, "magnitude_weight", "orientation_weight", "smoothness_weight")
        check_window(self.window)


@dataclass(frozen=True)
class HalfWays:
    """Velocities and displacements to the mean shape, [B, 3, D, H, W] in voxels."""

    moving_velocity: Tensor
    fixed_velocity: Tensor
    moving: Tensor
    fixed: Tensor


class SYMNet(Method, UNetLayers):
    """Two velocities from one pass bring both images to a mean shape; their paths compose to the fields both ways."""

    Options = SYMNetOptions
    sampler = "exact_zeros"
    multiple = 16
    order_dependent = True

    def __init__(self, options: SYMNetOptions) -> None:
        super().__init__(options)
        self.add_layers(options.start_channel, bias=True)
        self.dc9, self.dc10 = (_head(2 * options.start_channel) for _ in range(2))
        self.orientation = Orientation(options.axes, options.reversed_axes)

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Both displacements; `details` are the ways to the mean shape."""
        features = self.features(self.orientation.apply(moving), self.orientation.apply(fixed))
        moving_velocity, fixed_velocity = (
            # The authors' channel 0 moves the last axis.
            self.orientation.restore(self.options.largest * self.dc9[1](raw).flip(1))
            for raw in convolve_together([self.dc9[0], self.dc10[0]], features)
        )
        half_moving, half_fixed, back_moving, back_fixed = (
            integrate(velocity, self.options.integration_steps, self.sampler)
            for velocity in (moving_velocity, fixed_velocity, -moving_velocity, -fixed_velocity)
        )
        return Registration(
            compose(half_moving, back_fixed, self.sampler),
            compose(half_fixed, back_moving, self.sampler),
            HalfWays(moving_velocity, fixed_velocity, half_moving, half_fixed),
        )

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Similarity at the mean shape and at both ends, equal lengths of the two ways, no folding, smoothness."""
        options, half = self.options, registration.details
        padded_moving, padded_fixed = self._pad(moving)[0], self._pad(fixed)[0]
        fields = (registration.forward, registration.backward)
        images = zip((moving, fixed), fields, strict=True)
        onto_fixed, onto_moving = (warp(image, field, self.sampler) for image, field in images)
        meeting = (warp(padded_moving, half.moving, self.sampler), warp(padded_fixed, half.fixed, self.sampler))
        whole = local_ncc(fixed, onto_fixed, options.window) + local_ncc(moving, onto_moving, options.window)
        smoothness = gradient_smoothness(half.moving_velocity) + gradient_smoothness(half.fixed_velocity)
        return {
            "similarity_mean": -local_ncc(*meeting, options.window),
            "similarity": -whole,
            "magnitude": options.magnitude_weight * (_length(half.moving) - _length(half.fixed)).abs().mean(),
            "orientation": options.orientation_weight * sum(negative_jacobian(field) for field in fields),
            "smoothness": options.smoothness_weight * smoothness,
        }


def _length(field: Tensor) -> Tensor:
    """Mean size of the components of each field of a batch, [B]."""
    return field.abs().mean((1, 2, 3, 4))


def _head(inputs: int) -> nn.Sequential:
    return nn.Sequential(Float32Conv3d(inputs, 3, 5, padding=2, bias=False), nn.Softsign())
