"""Similarity and regularity terms that methods build their losses from."""

from spnet.losses.consistency import cycle_consistency, inverse_consistency
from spnet.losses.correlation import global_correlation
from spnet.losses.divergence import smooth_prior_divergence
from spnet.losses.folding import antifold, negative_jacobian
from spnet.losses.ncc import local_ncc
from spnet.losses.smoothness import gradient_smoothness, roughness

__all__ = [
    "antifold",
    "cycle_consistency",
    "global_correlation",
    "gradient_smoothness",
    "inverse_consistency",
    "local_ncc",
    "negative_jacobian",
    "roughness",
    "smooth_prior_divergence",
]
