"""Places and small objects that several tests share."""

import os
from pathlib import Path

# Before torch is imported: where several processes run the tests, each keeps to its share of the cores.
if PROCESSES := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 0)):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // PROCESSES)))

import numpy as np
import pytest
import torch
import yaml
from scipy.ndimage import map_coordinates

from spnet.data.nifti import Volume, write_volume

REPOSITORY = Path(__file__).parent.parent
# Groups of tests that take minutes, the longest first, so that none is left alone at the end.
LONGEST = ("demo", "small run", "real")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests that share what takes long to make stay in one process."""
    # Not its own groups of tests (`xdist_group`): pytest-xdist 3.8 marks them in a way that pytest 9.2 does not see.
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return shared_work(nodeid)

    return Together(config, log)


def pytest_collection_modifyitems(items):
    """The longest begin first, where several processes run the tests."""
    if PROCESSES:
        items.sort(key=lambda item: place(shared_work(item.nodeid)))


def shared_work(nodeid):
    """A name for what a test shares with others: the small run, the real pair, or else its module's fixtures."""
    path, _, name = nodeid.partition("::")
    if path.startswith("tests/workflow/") and not path.endswith("test_plan.py"):
        return "demo" if name.startswith("test_the_demo_ends") else "small run"
    return "real" if path.startswith("tests/real/") else path


def place(group):
    return LONGEST.index(group) if group in LONGEST else len(LONGEST)


@pytest.fixture(scope="session")
def repository():
    return REPOSITORY


@pytest.fixture(scope="session")
def shared():
    """Folder with golden values, published weights and real scans, none of which may be redistributed."""
    folder = Path(os.environ.get("SPNET_SHARED", REPOSITORY.parent / "shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no golden values, weights and scans at {folder}: set SPNET_SHARED")
    return folder


@pytest.fixture(scope="session")
def golden(shared):
    """Function from a name to the arrays of that golden file."""
    return lambda name: np.load(shared / "golden" / f"{name}.npz")


@pytest.fixture(scope="session")
def coarse_config(repository, tmp_path_factory):
    """A folder with methods.yaml and a datasets.yaml whose Mindboggle101 has a coarse grid: seconds a pair."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "methods.yaml").write_text((repository / "config" / "methods.yaml").read_text())
    datasets = yaml.safe_load((repository / "config" / "datasets.yaml").read_text())
    datasets["datasets"]["mindboggle101"]["prepare"] |= {"spacing": 5.0, "shape": [32, 40, 32]}
    (folder / "datasets.yaml").write_text(yaml.safe_dump(datasets))
    return folder


@pytest.fixture
def random():
    return np.random.default_rng(20230112)


@pytest.fixture
def blobs():
    """Function from a seed to a smooth image [1, 1, D, H, W] in [0, 1], zero near the border."""

    def make(seed, shape=(16, 24, 16)):
        generator = torch.Generator().manual_seed(seed)
        coarse = torch.rand(1, 1, 4, 4, 4, generator=generator)
        smooth = torch.nn.functional.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)
        axes = [torch.hann_window(size, periodic=False) for size in shape]
        envelope = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
        return smooth * envelope.clamp(max=0.5) * 2

    return make


@pytest.fixture
def write_image(tmp_path):
    """Function that writes an array as NIfTI under tmp_path and returns the path."""

    def write(name, data, affine=None, dtype=np.float32):
        path = tmp_path / name
        write_volume(path, Volume(np.asarray(data), np.eye(4) if affine is None else affine), dtype)
        return path

    return write


@pytest.fixture
def compose_in_float64():
    """Function of (outer, inner, sampler), fields [3, D, H, W]: inner(x) + outer(x + inner(x)), by SciPy."""

    def composed(outer, inner, sampler):
        points, mode = np.indices(inner.shape[1:]) + inner, "nearest" if sampler == "exact" else "grid-constant"
        if sampler == "official":
            sizes = np.array(inner.shape[1:], dtype=float).reshape(3, 1, 1, 1)
            points = points * sizes / (sizes - 1) - 0.5
        return inner + np.stack([map_coordinates(channel, points, order=1, mode=mode) for channel in outer])

    return composed
