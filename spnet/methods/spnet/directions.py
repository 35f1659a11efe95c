"""How a level of SPnet makes the fields of both directions (paper, sections 3.3 and 4.5.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

# Of the forward way, and of the backward way where it is an estimate of its own.
Estimates = tuple[Tensor, Tensor | None]


@dataclass(frozen=True)
class Directions:
    """One way of using the estimators.

    Attributes
    ----------
    estimates_backward: the estimator also runs from fixed to moving (the paper's BE). One pass then gives both fields.
    mirrored: the velocity of the backward way is the negative of the forward one.
    combine: what it makes of a level's estimates.
    """

    estimates_backward: bool
    mirrored: bool
    combine: Callable[[Tensor, Tensor | None], Estimates]

    @property
    def bias_cancels(self) -> bool:
        """Whether only the difference of two estimates by the same weights counts."""
        return self.estimates_backward and self.mirrored


def _average(forward: Tensor, backward: Tensor | None) -> Estimates:
    """Eq. 8; swapping the images changes the sign and not a bit more."""
    return (forward - backward) / 2, None


def _keep(forward: Tensor, backward: Tensor | None) -> Estimates:
    return forward, backward


DIRECTIONS = {
    "averaged": Directions(estimates_backward=True, mirrored=True, combine=_average),  # the paper's SS+BE+BA
    "both": Directions(estimates_backward=True, mirrored=False, combine=_keep),  # SS+BE
    "shared": Directions(estimates_backward=False, mirrored=True, combine=_keep),  # SS
    "forward": Directions(estimates_backward=False, mirrored=False, combine=_keep),  # w/o SR
}
