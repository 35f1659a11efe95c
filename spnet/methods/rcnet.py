"""RCnet: recursive cascaded networks (Zhao et al. 2019) on VoxelMorph's U-Net, after their TensorFlow program."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from spnet.fields import Sampler, compose, warp
from spnet.losses import global_correlation, local_ncc, roughness
from spnet.methods.base import Method, Registration, Stage
from spnet.methods.layers import flow_head, start, uniform_scaling
from spnet.methods.options import as_tuples, check_choice, check_not_negative, check_positive, check_sampler
from spnet.methods.voxelmorph import UNet, check_widths


@dataclass(frozen=True)
class RCnetOptions:
    """Hyper-parameters.

    Attributes
    ----------
    cascades: networks one after the other, each with its own weights.
    similarity: ``lncc`` (9^3 local cross-correlation) or ``pearson`` (of the whole image, the authors').
    halve_at: shares of all training steps after which the learning rate is halved.
    """

    cascades: int = 3
    encoder: tuple[int, ...] = (16, 32, 32, 32)
    decoder: tuple[int, ...] = (32, 32, 32, 32, 32, 16, 16)
    similarity: str = "lncc"
    smoothness_weight: float = 1.0
    halve_at: tuple[float, ...] = (0.6, 0.8)
    sampler: Sampler = "exact"

    def __post_init__(self) -> None:
        as_tuples(self, "encoder", "decoder", "halve_at")
        check_choice("similarity", self.similarity, ("lncc", "pearson"))
        check_widths(self.encoder, self.decoder, full_size=True)
        check_positive(self, "cascades")
        check_not_negative(self, "smoothness_weight")
        check_sampler(self.sampler)
        if not all(0 < share <= 1 for share in self.halve_at):
            raise ValueError(f"halve_at are shares of all steps, between 0 and 1, not {self.halve_at}")


class Cascade(nn.Module):
    """One network of the cascade: fixed image and warped moving image -> displacement."""

    def __init__(self, encoder: tuple[int, ...], decoder: tuple[int, ...]) -> None:
        super().__init__()
        self.unet = UNet(encoder, decoder, "same", slope=0.1)
        start(self.unet, uniform_scaling)
        self.flow = flow_head(decoder[-1])

    def forward(self, fixed: Tensor, warped: Tensor) -> Tensor:
        return self.flow(self.unet(fixed, warped))


class RCnet(Method):
    """Each cascade sees the moving image as the former ones warped it, always re-sampled from the original."""

    Options = RCnetOptions
    multiple = 16

    def __init__(self, options: RCnetOptions) -> None:
        super().__init__(options)
        self.cascades = nn.ModuleList(Cascade(options.encoder, options.decoder) for _ in range(options.cascades))
        self.sampler = options.sampler

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Displacement of the moving image; `details` are the cascades' own displacements."""
        flows: list[Tensor] = []
        total, warped = None, moving
        for cascade in self.cascades:
            flows.append(cascade(fixed, warped) / len(self.cascades))
            total = flows[-1] if total is None else compose(total, flows[-1], self.sampler)
            warped = warp(moving, total, self.sampler)
        return Registration(total, details=flows)

    def loss(self, registration: Registration, moving: Tensor, fixed: Tensor) -> dict[str, Tensor]:
        """Similarity of the last warped image only, and the smoothness of every cascade's own displacement."""
        warped = warp(moving, registration.forward, self.sampler)
        if self.options.similarity == "lncc":
            terms = {"similarity": -local_ncc(fixed, warped)}
        else:
            terms = {"similarity": 1 - global_correlation(fixed, warped)}
        for index, flow in enumerate(registration.details):
            terms[f"smoothness_{index + 1}"] = self.options.smoothness_weight * roughness(flow)
        return terms

    def stages(self, steps: int, learning_rate: float) -> tuple[Stage, ...]:
        """One stage, its rate halved twice."""
        return (Stage("all", steps, learning_rate, tuple(round(share * steps) for share in self.options.halve_at)),)
