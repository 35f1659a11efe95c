"""Local cross-correlation by dense convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-5


def local_ncc(image_1: Tensor, image_2: Tensor, window: int = 9) -> Tensor:
    """Mean squared local cross-correlation (paper, Eq. 9): five convolutions with `window`^3 ones, by autograd.

    Images [B, 1, D, H, W]. Un-normalised sums with zeros outside, and the products of Eq. 9 multiplied out: with S the
    window sum and m = S / window^3, ``S((I - m_I)(J - m_J)) = S(IJ) - m_I S(J) - m_J S(I) + m_I m_J window^3``.
    """
    ones = torch.ones(1, 1, window, window, window, dtype=image_1.dtype, device=image_1.device)

    def total(image: Tensor) -> Tensor:
        return F.conv3d(image, ones, padding=window // 2)

    count = window**3
    sum_1, sum_2 = total(image_1), total(image_2)
    squares_1, squares_2, products = total(image_1 * image_1), total(image_2 * image_2), total(image_1 * image_2)
    mean_1, mean_2 = sum_1 / count, sum_2 / count
    cross = products - mean_1 * sum_2 - mean_2 * sum_1 + mean_1 * mean_2 * count
    variance_1 = squares_1 - 2 * mean_1 * sum_1 + mean_1 * mean_1 * count
    variance_2 = squares_2 - 2 * mean_2 * sum_2 + mean_2 * mean_2 * count
    return (cross * cross / (variance_1 * variance_2 + EPSILON)).mean()


def local_ncc_in_float64(image_1: Tensor, image_2: Tensor, window: int = 9) -> Tensor:
    """The same formula in float64, its sums by average pooling: the measure of everybody's rounding."""
    image_1, image_2 = image_1.double(), image_2.double()

    def mean(image: Tensor) -> Tensor:
        return F.avg_pool3d(image, window, stride=1, padding=window // 2)

    mean_1, mean_2 = mean(image_1), mean(image_2)
    cross = mean(image_1 * image_2) - mean_1 * mean_2
    variances = (mean(image_1**2) - mean_1**2) * (mean(image_2**2) - mean_2**2)
    return (cross**2 / (variances + EPSILON / window**6)).mean()
