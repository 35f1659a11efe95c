"""SyN (Avants et al. 2008) through ANTs, the paper's classical rival."""

from __future__ import annotations

import glob
import tempfile
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor

from spnet.ants_bridge import import_ants
from spnet.errors import RegistrationError
from spnet.methods.base import Method, Registration
from spnet.methods.options import as_tuples
from spnet.transforms.files import read_transform


@dataclass(frozen=True)
class SyNOptions:
    """Arguments of ``ants.registration``; the defaults are the wrapper's own.

    The paper gives none. Lengths are in voxels of the common grid.
    """

    syn_metric: Literal["mattes", "CC", "meansquares", "demons"] = "mattes"
    syn_sampling: int = 32
    grad_step: float = 0.2
    flow_sigma: float = 3.0
    total_sigma: float = 0.0
    reg_iterations: tuple[int, ...] = (40, 20, 0)
    seed: int = 0

    def __post_init__(self) -> None:
        as_tuples(self, "reg_iterations")


class SyN(Method):
    """``SyNOnly``: no linear stages, since the images are affinely aligned already. One thread, seeded."""

    Options = SyNOptions

    def __init__(self, options: SyNOptions) -> None:
        super().__init__(options)
        import_ants(options.seed)  # its import takes seconds, which are not the first pair's

    def register(self, moving: Tensor, fixed: Tensor) -> Registration:
        """Register one pair [1, 1, D, H, W]; computed on the CPU wherever the images are.

        Raises
        ------
        RegistrationError: ANTs gave up, or a batch of more than one pair was given.
        """
        if moving.shape[0] != 1:
            raise RegistrationError(f"SyN registers one pair at a time, not a batch of {moving.shape[0]}")
        settings = asdict(self.options)
        ants = import_ants(settings.pop("seed"))
        fixed_image, moving_image = (ants.from_numpy(image[0, 0].float().cpu().numpy()) for image in (fixed, moving))
        with tempfile.TemporaryDirectory(prefix="spnet-syn-") as folder:
            try:
                ants.registration(
                    fixed=fixed_image,
                    moving=moving_image,
                    type_of_transform="SyNOnly",
                    outprefix=f"{folder}/",
                    **settings,
                )
            except (RuntimeError, ValueError) as error:
                raise RegistrationError(f"ANTs could not register this pair: {error}") from error
            # The images have unit spacing, zero origin and identity direction in ITK's world: its mm are voxels.
            files = [path for name in ("Warp", "InverseWarp") for path in glob.glob(f"{folder}/*[0-9]{name}.nii.gz")]
            fields = [read_transform(path).displacement for path in files]
        forward, backward = (torch.from_numpy(field)[None].to(moving) for field in fields)
        return Registration(forward, backward)
