"""Finding headers that turn a scan: does it fit the target better with its axes interchanged?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from spnet.data.affine import AntsPair

# Voxels along the target's box, of the images that are compared.
_COARSE = 40
# Real brains as their headers say: .94, turned .82 at most and before the step .80; no voxel is turned for less.
_NEAR, _BETTER = 0.1, 0.03
_TRIED = 3
_QUICK = {"aff_iterations": (100, 50), "aff_shrink_factors": (2, 1), "aff_smoothing_sigmas": (1, 0)}


@dataclass(frozen=True)
class Turn:
    """A turn (3x3, RAS) that the header is wrong by, and the correlations with the target as it says and turned."""

    rotation: NDArray
    correlation: float
    correlation_turned: float

    def sentence(self, affine: NDArray, *, mirrored: bool = False) -> str:
        """For the person who knows the scan.

        Parameters
        ----------
        affine: 4x4, from the header.
        mirrored: the fit is that of the mirror image.
        """
        mirror = np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
        turned = affine.copy()
        turned[:3, :3] = mirror @ self.rotation.T @ mirror @ affine[:3, :3]
        said, found = ("".join(nib.aff2axcodes(one)) for one in (affine, turned))
        return (
            f"its header seems to turn the scan: it says that the voxel axes run to {said}, but with axes to {found}"
            f" the scan fits the target better (correlation {self.correlation_turned:.2f} instead of"
            f" {self.correlation:.2f}): overlay them, and correct the headers of image and labels"
        )


def find_turn(pair: AntsPair, transform: str, min_correlation: float) -> Turn | None:
    """The quarter or half turn with which the scan fits the target clearly better, if there is one.

    All 23 are compared with what the affine step found, the nearest of them after a quick affine step of their own;
    a fit below `min_correlation` says nothing.

    Parameters
    ----------
    transform: path of the ITK file that brings the scan to the target as its header says.
    """
    box = np.prod(np.multiply(pair.fixed.shape, pair.fixed.spacing))
    coarse = pair.coarse(max(float(np.cbrt(box)) / _COARSE, *pair.fixed.spacing))
    upright = coarse.correlation(transform)
    starts = {coarse.write_start(f"turn-{number}", turn): turn for number, turn in enumerate(_turns())}
    begun = {start: coarse.correlation(start) for start in starts}
    near = sorted((start for start in begun if begun[start] > upright - _NEAR), key=begun.__getitem__)[-_TRIED:]
    reached = {start: coarse.correlation(coarse.register("Affine", start, **_QUICK)) for start in near}
    best = max(reached, key=reached.__getitem__, default=None)
    if best is None or reached[best] < max(upright + _BETTER, min_correlation):
        return None
    return Turn(starts[best], upright, reached[best])


def _turns() -> Iterator[NDArray]:
    """All but one of the 24 rotations that interchange axes: without the one that leaves them."""
    for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3)):
        matrix = np.array(signs)[:, None] * np.eye(3)[list(order)]
        if np.linalg.det(matrix) > 0 and not np.array_equal(matrix, np.eye(3)):
            yield matrix
