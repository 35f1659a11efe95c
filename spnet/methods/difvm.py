"""DIF-VM: probabilistic diffeomorphic VoxelMorph (Dalca et al. 2018), after the authors' Keras program."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from spnet.fields import Sampler, integrate, upsample_from_corner, warp
from spnet.losses import smooth_prior_divergence
from spnet.methods.base import Method, Registration
from spnet.methods.layers import flow_head, he_normal, start
from spnet.methods.options import as_tuples, check_not_negative, check_positive, check_sampler
from spnet.methods.voxelmorph import UNet, check_widths


@dataclass(frozen=True)
class DifVMOptions:
    """Hyper-parameters; the defaults are the authors' program's.

    Attributes
    ----------
    image_sigma: standard deviation of the image noise, in intensities; the README recommends .01.
    prior_precision: weight lambda of the smooth prior; the README recommends 25.
    """

    encoder: tuple[int, ...] = (16, 32, 32, 32)
    decoder: tuple[int, ...] = (32, 32, 32, 32, 16)
    integration_steps: int = 7
    image_sigma: float = 0.02
    prior_precision: float = 10.0
    sampler: Sampler = "exact"

    def __post_init__(self) -> None:
        as_tuples(self, "encoder", "decoder")
        check_widths(self.encoder, self.decoder, full_size=False)
        check_positive(self, "integration_steps", "image_sigma")
        check_not_negative(self, "prior_precision")
        check_sampler(self.sampler)


class GaussianHead(nn.Module):
    """Features -> mean and logarithm of the variance of a velocity field, and a draw from it."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.mean = flow_head(inputs)
        self.log_variance = flow_head(inputs, std=1e-10, bias=-10.0)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, log variance and, in training, a sample; in evaluation the mean again."""
        mean, log_variance = self.mean(features), self.log_variance(features)
        return mean, log_variance, draw(mean, log_variance) if self.training else mean


def draw(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A sample of a Gaussian, through which gradients flow."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def integrate_on_half_grid(velocity: Tensor, steps: int, sampler: Sampler) -> Tensor:
    """Velocity on the grid of every second voxel -> displacement on the whole one."""
    return upsample_from_corner(integrate(velocity, steps, sampler))


class DifVM(Method):
    """Velocity at half resolution, sampled in training, its mean in testing."""

    Options = DifVMOptions
    multiple = 16

    def __init__(self, options: DifVMOptions) -> None:
        super().__init__(options)
        self.unet = UNet(options.encoder, options.decoder, "same", slope=0.2)
        start(self.unet, he_normal)
        self.head = GaussianHead(options.decoder[-1])
        self.sampler = options.sampler

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Displacement of the moving image; `details` are mean and log variance of the velocity on the half grid."""
        mean, log_variance, velocity = self.head(self.unet(moving, fixed))
        displacement = integrate_on_half_grid(velocity, self.options.integration_steps, self.sampler)
        return Registration(displacement, details=(mean, log_variance))

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Squared difference over the image variance, and the divergence from a smooth prior."""
        warped = warp(moving, registration.forward, self.sampler)
        return {
            "similarity": F.mse_loss(warped, fixed) / self.options.image_sigma**2,
            "divergence": smooth_prior_divergence(*registration.details, self.options.prior_precision),
        }
