"""Correlation of whole images."""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-6


def global_correlation(image_1: Tensor, image_2: Tensor) -> Tensor:
    """Pearson correlation over all voxels of each pair in the batch, averaged (Zhao et al. 2019).

    Parameters
    ----------
    image_1, image_2: [B, C, D, H, W].
    """
    flat_1, flat_2 = (image.flatten(1) - image.flatten(1).mean(1, keepdim=True) for image in (image_1, image_2))
    covariance = (flat_1 * flat_2).mean(1)
    variance_1, variance_2 = flat_1.square().mean(1), flat_2.square().mean(1)
    return (covariance / ((variance_1 + EPSILON) * (variance_2 + EPSILON)).sqrt()).mean()
