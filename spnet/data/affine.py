"""The affine step to the target, with other ways for scans that it leads astray."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spnet.ants_bridge import to_ants, transform_matrix, write_matrix
from spnet.data.nifti import Volume
from spnet.transforms.world import flip_points

if TYPE_CHECKING:
    import ants

log = logging.getLogger(__name__)

# Children's brains have .6 of MNI152's volume; beyond these bounds the optimiser has collapsed or burst.
_LEAST_SCALING, _MOST_SCALING = 0.3, 3.0
# A scan that correlates as much with the target where it lies, and nearly as much after the step, is the target itself.
_ITSELF, _NEARLY = 0.99, 0.95
# What may stand in for a failed affine step, as a reader is told.
_STAGED, _SIMILARITY, _RIGID = "one from a similarity step", "a similarity step alone", "a rigid step"
_CENTRED, _UNMOVED = "laying centre of mass on centre of mass", "the position in its header"


@dataclass(frozen=True)
class AffineStep:
    """What brings a scan to the target.

    Attributes
    ----------
    transform: path of the ITK file, from the target's world to the scan's.
    flags: a sentence, where another way than usual had to be taken.
    """

    transform: str
    flags: Sequence[str] = ()


@dataclass(frozen=True)
class AntsPair:
    """Two images in ANTs, the folder for its transform files, and the library."""

    fixed: ants.ANTsImage
    moving: ants.ANTsImage
    folder: Path
    library: ModuleType

    def register(self, kind: str, start: str | None = None, **options: Any) -> str:
        """Path of the transform that ANTs finds; without a `start` it begins at the centres of mass."""
        prefix = self.folder / f"{kind}{'-from-' + Path(start).stem if start else ''}-"
        result = self.library.registration(
            fixed=self.fixed,
            moving=self.moving,
            type_of_transform=kind,
            outprefix=str(prefix),
            initial_transform=start,
            **options,
        )
        return result["fwdtransforms"][0]

    def correlation(self, transform: str) -> float:
        """Of the fixed and the warped image; -1 where the volume scales as no body does, or nothing is left."""
        warped = self.library.apply_transforms(self.fixed, self.moving, [transform]).numpy()
        scaling = float(np.linalg.det(transform_matrix(transform, self.library)[:3, :3]))
        if not (_LEAST_SCALING < scaling < _MOST_SCALING and warped.any()):
            return -1.0
        return float(np.corrcoef(warped.ravel(), self.fixed.numpy().ravel())[0, 1])

    def coarse(self, spacing: float) -> AntsPair:
        """Both images at another spacing, in mm."""
        images = (
            self.library.resample_image(image, (spacing,) * 3, use_voxels=False, interp_type=0)
            for image in (self.fixed, self.moving)
        )
        return AntsPair(*images, self.folder, self.library)

    def write_start(self, name: str, rotation: NDArray | None = None) -> str:
        """Path of a transform that turns the moving image (3x3, RAS) and lays centre of mass on centre of mass."""
        centres = (self.library.get_center_of_mass(image) for image in (self.fixed, self.moving))
        fixed, moving = map(flip_points, centres)
        matrix = np.eye(4)
        matrix[:3, :3] = np.eye(3) if rotation is None else rotation
        matrix[:3, 3] = moving - matrix[:3, :3] @ fixed
        return self.write_matrix(name, matrix)

    def write_matrix(self, name: str, matrix: NDArray) -> str:
        """Path of the transform that this is, 4x4 from fixed to moving world (RAS, mm)."""
        return write_matrix(matrix, self.folder / f"{name}.mat", self.library)


def ants_pair(image: Volume, target: Volume, spacing: float, folder: str | Path, ants: ModuleType) -> AntsPair:
    """A scan to be moved and the target at `spacing` mm; `folder` is for transform files."""
    fixed = to_ants(target, ants)
    if not np.allclose(target.spacing, spacing):
        fixed = ants.resample_image(fixed, (spacing,) * 3, use_voxels=False, interp_type=0)
    return AntsPair(fixed, to_ants(image, ants), Path(folder), ants)


def register_affine(pair: AntsPair, min_correlation: float) -> AffineStep:
    """Bring a scan to the target.

    All twelve parameters at once come first (ANTs' ``Affine``), as for every scan of the published results. If that
    ends below `min_correlation`, below where it began, or in a volume that no body has, a similarity comes first and
    the affine starts from it. The best of these, of a similarity, of a rigid step and of none is taken.
    """
    direct = pair.register("Affine")
    begun = {_UNMOVED: pair.write_matrix("none", np.eye(4)), _CENTRED: pair.write_start("centred")}
    reached = pair.correlation(direct)
    if reached >= max(min_correlation, *map(pair.correlation, begun.values())):
        return AffineStep(direct)
    similarity = pair.register("Similarity")
    staged = pair.register("Affine", start=similarity)
    log.warning("the affine step went astray (correlation %.2f): begun from a similarity", reached)
    others = {_STAGED: staged, _SIMILARITY: similarity, _RIGID: pair.register("Rigid")}
    others = begun | others  # of equal ones the plainest
    correlations = {way: pair.correlation(transform) for way, transform in others.items()}
    way = max(correlations, key=correlations.__getitem__)
    if reached >= correlations[way]:
        return AffineStep(direct)
    itself = way == _UNMOVED and correlations[way] > _ITSELF and reached > _NEARLY
    if itself or (way == _STAGED and reached < min_correlation):
        return AffineStep(others[way])
    ended = "ends in a volume that no body has" if reached == -1 else f"ends at a correlation of {reached:.2f}"
    return AffineStep(
        others[way], [f"the affine step {ended}, {way} at {correlations[way]:.2f}: that was taken instead"]
    )
