"""PMRnet: probabilistic multilayer regularisation network (Liu et al. 2019), after the authors' first Keras program."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import interpolate

from spnet.fields import Sampler, warp
from spnet.losses import local_ncc, smooth_prior_divergence
from spnet.methods.base import Method, Registration
from spnet.methods.convolution import Conv3d, widened
from spnet.methods.difvm import GaussianHead, draw, integrate_on_half_grid
from spnet.methods.layers import StridedSame, leaky_relu, start
from spnet.methods.options import check_choice, check_not_negative, check_positive, check_sampler

_DEPTH = 4
_AVERAGED = 3  # levels whose velocities enter the final one; the coarsest only passes its feature on
_STEM_KERNELS = (11, 7, 5, 2)


@dataclass(frozen=True)
class PMRnetOptions:
    """Hyper-parameters; the defaults are the authors' program's.

    Attributes
    ----------
    similarity: ``mse`` (divided by `image_sigma` squared) or ``lncc`` (9^3 local cross-correlation).
    image_sigma, prior_precision: as DIF-VM's.
    divergence_weight: of the divergences of the three finer latent layers.
    batch_norm_momentum: share of a new batch in the running statistics that testing uses.
    """

    base_channels: int = 16
    integration_steps: int = 7
    similarity: str = "mse"
    image_sigma: float = 0.02
    prior_precision: float = 10.0
    divergence_weight: float = 0.5
    feature_weight: float = 1.0
    batch_norm_momentum: float = 0.01
    sampler: Sampler = "exact"

    def __post_init__(self) -> None:
        check_choice("similarity", self.similarity, ("mse", "lncc"))
        check_positive(self, "base_channels", "integration_steps", "image_sigma", "batch_norm_momentum")
        check_not_negative(self, "prior_precision", "divergence_weight", "feature_weight")
        check_sampler(self.sampler)
        if self.base_channels % len(_STEM_KERNELS) or self.batch_norm_momentum > 1:
            raise ValueError("base_channels must be a multiple of 4, and batch_norm_momentum at most 1")


@dataclass(frozen=True)
class Latent:
    """What one level's latent layer says: velocity distribution [B, 3, ...] in voxels of the level's own grid, and the
    two features [B, C, ...] that the loss draws together (transformed source, target).
    """

    mean: Tensor
    log_variance: Tensor
    transformed: Tensor
    target: Tensor


class Stem(nn.Module):
    """Image -> features at half resolution, by four strided convolutions of different reach."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        width = outputs // len(_STEM_KERNELS)
        self.branches = nn.ModuleList(StridedSame(1, width, kernel) for kernel in _STEM_KERNELS)
        self.activation = nn.PReLU(outputs, init=0.0)

    def forward(self, image: Tensor) -> Tensor:
        return self.activation(torch.cat([branch(image) for branch in self.branches], dim=1))


class LatentLayer(nn.Module):
    """Source features -> Gaussian velocity -> features for the target's encoder.

    Mean and log variance pass batch normalisation and a leaky ReLU as well, as in the authors' program.
    """

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__()
        self.mean = _block(channels, 3, momentum)
        self.log_variance = _block(channels, 3, momentum)
        self.transform = _block(3, channels, momentum)

    def start_small(self) -> None:
        """Mean and log variance begin nearly flat (before their batch normalisation)."""
        nn.init.normal_(self.mean[0].weight, std=1e-5)
        nn.init.normal_(self.log_variance[0].weight, std=1e-10)

    def forward(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Mean, log variance, sample (in evaluation the mean) and transformed feature."""
        mean, log_variance = widened(self.mean(source)), widened(self.log_variance(source))
        velocity = draw(mean, log_variance) if self.training else mean
        return mean, log_variance, velocity, self.transform(velocity)


class PMRnet(Method):
    """Two encoders with weights of their own, joined by a latent velocity at every level."""

    Options = PMRnetOptions
    multiple = 16

    def __init__(self, options: PMRnetOptions) -> None:
        super().__init__(options)
        base, momentum = options.base_channels, options.batch_norm_momentum
        widths = [base * 2**depth for depth in range(_DEPTH + 1)]  # of the maps that enter each level
        self.source_stem, self.target_stem = Stem(base), Stem(base)
        self.latent = nn.ModuleList(LatentLayer(width, momentum) for width in widths[:-1])
        self.source = nn.ModuleList(_pair(width, width, 2 * width, momentum) for width in widths[:-1])
        self.target = nn.ModuleList(_pair(2 * width, width, 2 * width, momentum) for width in widths[:-1])
        self.bottom = _block(2 * widths[-1], widths[-1], momentum)
        joined = [widths[-1], *widths[2:0:-1]]  # what the decoder up-samples at levels 2, 1, 0
        self.decoder = nn.ModuleList(
            _pair(joined[index] + widths[level], widths[level], widths[level], momentum)
            for index, level in enumerate((2, 1, 0))
        )
        self.last = nn.Sequential(Conv3d(base, base, 1), leaky_relu(0.2))
        start(self, nn.init.xavier_uniform_)  # Keras' default
        for layer in self.latent:
            layer.start_small()
        self.head = GaussianHead(base)
        self.sampler = options.sampler

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Displacement of the moving image; `details` are the head's mean and log variance, and the three `Latent`."""
        source, target = self.source_stem(moving), self.target_stem(fixed)
        latents, velocities, targets = [], [], []
        for level in range(_DEPTH):
            mean, log_variance, velocity, transformed = self.latent[level](source)
            if level < _AVERAGED:
                latents.append(Latent(mean, log_variance, transformed, target))
                velocities.append(interpolate(velocity, scale_factor=2**level))  # values not rescaled: theirs
            targets.append(target)
            source = self.source[level](source)
            target = self.target[level](torch.cat([transformed, target], dim=1))
            if level < _DEPTH - 1:
                source, target = F.max_pool3d(source, 2), F.max_pool3d(target, 2)
        features = self.bottom(torch.cat([target, source], dim=1))
        for decoder, skip in zip(self.decoder, targets[2::-1], strict=True):
            features = decoder(torch.cat([interpolate(features, scale_factor=2), skip], dim=1))
        mean, log_variance, velocity = self.head(self.last(features))
        velocity = torch.stack([velocity, *velocities]).mean(0)
        displacement = integrate_on_half_grid(velocity, self.options.integration_steps, self.sampler)
        return Registration(displacement, details=((mean, log_variance), latents))

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Similarity, divergence of the final and the latent velocities from a smooth prior, feature distance."""
        options = self.options
        warped = warp(moving, registration.forward, self.sampler)
        if options.similarity == "mse":
            similarity = F.mse_loss(warped, fixed) / options.image_sigma**2
        else:
            similarity = -local_ncc(fixed, warped)
        head, latents = registration.details
        terms = {"similarity": similarity, "divergence": smooth_prior_divergence(*head, options.prior_precision)}
        for index, latent in enumerate(latents):
            divergence = smooth_prior_divergence(latent.mean, latent.log_variance, options.prior_precision)
            terms[f"divergence_{index + 1}"] = options.divergence_weight * divergence
            distance = F.mse_loss(widened(latent.transformed), widened(latent.target))
            terms[f"feature_{index + 1}"] = options.feature_weight * distance
        return terms


def _block(inputs: int, outputs: int, momentum: float) -> nn.Sequential:
    return nn.Sequential(
        Conv3d(inputs, outputs, 3, padding=1),
        nn.BatchNorm3d(outputs, eps=1e-3, momentum=momentum),  # Keras' defaults
        leaky_relu(0.2),
    )


def _pair(inputs: int, middle: int, outputs: int, momentum: float) -> nn.Sequential:
    return nn.Sequential(_block(inputs, middle, momentum), _block(middle, outputs, momentum))
