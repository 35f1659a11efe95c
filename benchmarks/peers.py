"""The same work by other packages, each imported only when it is measured; whoever lacks one measures without it.

None computes exactly our numbers (they bound variances and pad otherwise), so their values are not compared.
"""

from __future__ import annotations

import warnings

from torch import nn

from benchmarks.inputs import Size
from benchmarks.measure import Run
from benchmarks.work import integrate_and_gradient, loss_and_gradient, warp_and_gradient

# Name in the table -> package.
PEERS = {"MONAI": "monai", "FireANTs": "fireants", "VoxelMorph": "voxelmorph"}


def monai_ncc(size: Size) -> Run:
    """MONAI's LocalNormalizedCrossCorrelationLoss."""
    from monai.losses import LocalNormalizedCrossCorrelationLoss

    return loss_and_gradient(LocalNormalizedCrossCorrelationLoss(spatial_dims=3, kernel_size=9), size)


def fireants_ncc(size: Size) -> Run:
    """FireANTs' cross-correlation in plain torch; its fused kernels need CUDA."""
    from fireants.losses.cc import LocalNormalizedCrossCorrelationLoss

    return loss_and_gradient(LocalNormalizedCrossCorrelationLoss(spatial_dims=3, kernel_size=9), size)


def voxelmorph_ncc(size: Size) -> Run:
    """The cross-correlation that VoxelMorph's own package takes from neurite."""
    from neurite.nn.modules import NCC

    return loss_and_gradient(NCC(window_size=9), size)


def monai_warp(size: Size) -> Run:
    """MONAI's Warp, our sampler ``exact``; it keeps its grid."""
    from monai.networks.blocks import Warp

    return warp_and_gradient(_quietly(Warp, "bilinear", "border"), size)


def voxelmorph_warp(size: Size) -> Run:
    """VoxelMorph's SpatialTransformer, our sampler ``exact_zeros``; it keeps its grid."""
    from voxelmorph.nn.modules import SpatialTransformer

    return warp_and_gradient(SpatialTransformer(), size)


def monai_integrate(size: Size) -> Run:
    """MONAI's DVF2DDF, our sampler ``exact_zeros``."""
    from monai.networks.blocks import DVF2DDF

    return integrate_and_gradient(_quietly(DVF2DDF, 7), size)


def voxelmorph_integrate(size: Size) -> Run:
    """VoxelMorph's IntegrateVelocityField, our sampler ``exact_zeros``."""
    from voxelmorph.nn.modules import IntegrateVelocityField

    return integrate_and_gradient(IntegrateVelocityField(steps=7), size)


def _quietly(layer: type[nn.Module], *arguments: object) -> nn.Module:
    """MONAI warns that it has no compiled extension; it is not installed with one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return layer(*arguments)
