"""Similarity and regularity terms that methods build their losses from."""

from spnet.losses.ncc import local_ncc
from spnet.losses.smoothness import gradient_smoothness

__all__ = ["gradient_smoothness", "local_ncc"]
