"""Small virtual scans, oblique, anisotropic and cropped, and a configuration with a coarse grid."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from spnet.data.nifti import Volume, write_volume
from spnet.data.options import PreprocessOptions
from spnet.evaluation.chunk import MethodSpec
from spnet.methods import build_method
from spnet.registration.choice import Choice
from spnet.registration.output import PairFiles
from spnet.registration.scan import ScanFiles
from spnet.virtual.brain import VirtualOptions, virtual_subject

GRID = PreprocessOptions("mni152", 5.0, (32, 40, 32))


@dataclass
class Pair:
    files: PairFiles
    folder: Path


def write_scan(folder, name, cut):
    image, labels = virtual_subject(name, VirtualOptions(spacing=3.0, deformation=2.0), 0)
    start = [axis.start or 0 for axis in cut]
    step = np.diag([*(axis.step or 1 for axis in cut), 1.0])
    step[:3, 3] = start
    affine = image.affine @ step
    write_volume(folder / f"{name}.nii.gz", Volume(image.data[cut], affine), np.float32, space=1)
    write_volume(folder / f"{name}-labels.nii.gz", Volume(labels.data[cut], affine), np.int16, space=1)
    return ScanFiles(folder / f"{name}.nii.gz", folder / f"{name}-labels.nii.gz")


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """Two subjects as nobody would scan them: other spacings along every axis, and a side cut off."""
    folder = tmp_path_factory.mktemp("scans")
    moving = write_scan(folder, "moving", (slice(None), slice(2, None, 2), slice(None)))
    fixed = write_scan(folder, "fixed", (slice(None, None, 2), slice(None), slice(4, -3)))
    return Pair(PairFiles(moving, fixed), folder)


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """SPnet's weights, untrained but with heads large enough to deform."""
    torch.manual_seed(0)
    method = build_method("spnet", {})
    with torch.no_grad():
        for name, parameter in method.named_parameters():
            if name.startswith("predict_flow"):
                parameter.mul_(3e3)
    path = tmp_path_factory.mktemp("weights") / "weights.pt"
    torch.save(method.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def choice(weights):
    return Choice("spnet", MethodSpec("spnet", {}, weights), "mindboggle101", GRID)
