"""The affine step to the target, with a second way for scans that the first leads astray."""

from __future__ import annotations

import logging
from pathlib import Path
from types import ModuleType

import numpy as np

from spnet.ants_bridge import to_ants, transform_matrix
from spnet.data.nifti import Volume

log = logging.getLogger(__name__)

# Children's brains have .6 of MNI152's volume; beyond these bounds the optimiser has collapsed or burst.
_LEAST_SCALING, _MOST_SCALING = 0.3, 3.0


def register_affine(
    image: Volume, target: Volume, spacing: float, min_correlation: float, folder: str | Path, ants: ModuleType
) -> str:
    """Register a scan to the target, both at `spacing` mm.

    All twelve parameters at once come first (ANTs' ``Affine``), as for every scan of the published results. If that
    ends below `min_correlation` or in a volume that no body has, a similarity comes first and the affine starts from
    it; the better of both is taken.

    Parameters
    ----------
    folder: for the transform files.

    Returns
    -------
    Path of the ITK transform, from the target's world to the scan's.
    """
    fixed = to_ants(target, ants)
    if not np.allclose(target.spacing, spacing):
        fixed = ants.resample_image(fixed, (spacing,) * 3, use_voxels=False, interp_type=0)
    moving = to_ants(image, ants)

    def run(kind: str, start: str | None = None) -> str:
        prefix = str(Path(folder) / f"{kind}{'-again' if start else ''}-")
        result = ants.registration(
            fixed=fixed, moving=moving, type_of_transform=kind, outprefix=prefix, initial_transform=start
        )
        return result["fwdtransforms"][0]

    def correlation(transform: str) -> float:
        warped = ants.apply_transforms(fixed, moving, [transform]).numpy()
        scaling = float(np.linalg.det(transform_matrix(transform, ants)[:3, :3]))
        if not (_LEAST_SCALING < scaling < _MOST_SCALING and warped.any()):
            return -1.0
        return float(np.corrcoef(warped.ravel(), fixed.numpy().ravel())[0, 1])

    direct = run("Affine")
    if correlation(direct) >= min_correlation:
        return direct
    staged = run("Affine", start=run("Similarity"))
    log.warning("the affine step went astray (correlation %.2f): begun from a similarity", correlation(direct))
    return max(direct, staged, key=correlation)
