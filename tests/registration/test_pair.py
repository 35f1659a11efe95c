"""A pair on the common grid, told in native space."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from spnet.data.nifti import Volume
from spnet.errors import RegistrationError
from spnet.evaluation.cost import Cost
from spnet.fields import warp
from spnet.fields.convert import as_exact
from spnet.methods.base import Method, NoOptions, Registration
from spnet.registration.pair import match, tapered
from spnet.registration.scan import PreparedScan
from spnet.transforms import Grid

AFFINE = np.array([[-2.0, 0, 0, 20], [0, 2, 0, -24], [0, 0, 2, -16], [0, 0, 0, 1]])
SHAPE = (20, 24, 16)


@dataclass
class Scans:
    moving: PreparedScan
    fixed: PreparedScan


class Given(Method):
    """Gives one field, and another one back if there is one."""

    def __init__(self, displacement, inverse=None, sampler="exact"):
        super().__init__(NoOptions())
        self.fields, self.sampler = (displacement, inverse), sampler

    def register(self, moving, fixed):
        return Registration(*self.fields)


@pytest.fixture
def scans(blobs):
    def pose(*shift):
        matrix = np.diag([1.1, 0.9, 1.0, 1.0])
        matrix[:3, 3] = shift
        return matrix

    images = [Volume(blobs(seed, SHAPE)[0, 0].numpy(), AFFINE) for seed in (1, 2)]
    return Scans(PreparedScan(images[0], pose(5, -8, 3), ()), PreparedScan(images[1], pose(-20, 4, 9), ("odd",)))


GRIDS = (Grid((10, 10, 10), np.eye(4)), Grid((11, 11, 11), np.eye(4)))


def test_the_official_sampler_reads_where_the_exact_one_does_with_the_converted_field(blobs):
    displacement = 1.5 * torch.randn(1, 3, *SHAPE, generator=torch.Generator().manual_seed(1))
    image = blobs(3, SHAPE)
    ours = warp(image, as_exact(displacement, "official"), "exact")
    official = warp(image, displacement, "official")
    inner = (..., *[slice(5, -5)] * 3)
    assert torch.allclose(ours[inner], official[inner], atol=1e-5)
    assert as_exact(displacement, "exact_zeros") is displacement


def test_a_voxel_of_the_common_grid_goes_where_the_field_says(scans):
    displacement = torch.zeros(1, 3, *SHAPE)
    displacement[0, :, 7, 9, 5] = torch.tensor([1.0, -2.0, 0.5])
    found = match(Given(displacement), scans.moving, scans.fixed, GRIDS)

    def world(scan, voxel):
        return (scan.to_native @ AFFINE @ [*voxel, 1])[:3]

    start, end = world(scans.fixed, (7, 9, 5)), world(scans.moving, (8, 7, 5.5))
    assert np.abs(found.forward.map_points(start[None])[0] - end).max() < 1e-5
    assert found.forward.fixed is GRIDS[1]
    assert found.backward.fixed is GRIDS[0]


def test_both_transforms_of_opposite_shifts_are_inverse_to_each_other(scans):
    shift = torch.zeros(1, 3, *SHAPE)
    shift[:, 2] = 0.75
    found = match(Given(shift, -shift), scans.moving, scans.fixed, GRIDS)
    points = np.array([[-20.0, 4, 9], [-22, 10, 12]])
    assert np.abs(found.backward.map_points(found.forward.map_points(points)) - points).max() < 1e-5
    assert found.figures["ice_mm"] < 1e-6
    assert found.figures["jab_percent"] == 0
    assert found.figures["largest_displacement_mm"] == pytest.approx(1.5)


def test_official_fields_of_one_direction_are_stretched_those_of_one_pass_are_not(scans):
    still = torch.zeros(1, 3, *SHAPE)
    alone = match(Given(still, sampler="official"), scans.moving, scans.fixed, GRIDS)
    assert alone.figures["fields_read_as"] == "official"
    assert alone.figures["largest_displacement_mm"] > 0.5
    both = match(Given(still, still, "official"), scans.moving, scans.fixed, GRIDS)
    assert both.figures["fields_read_as"] == "exact"
    assert both.figures["largest_displacement_mm"] == 0
    trained = match(Given(still, still, "official"), scans.moving, scans.fixed, GRIDS, reading="trained_sampler")
    assert trained.figures["fields_read_as"] == "official"


@pytest.mark.parametrize(("order_dependent", "one_pass"), [(True, True), (False, True), (False, False)])
def test_the_networks_seconds_are_those_of_the_passes_that_ran(scans, monkeypatch, order_dependent, one_pass):
    """Every measurement says 1 s: of the preparation of either image, and of every pass."""

    @contextmanager
    def a_second(_):
        yield Cost(1.0, 0.0)

    monkeypatch.setattr("spnet.evaluation.register.measure", a_second)
    still = torch.zeros(1, 3, *SHAPE)
    method = Given(still, still if one_pass else None)
    method.order_dependent = order_dependent
    found = match(method, scans.moving, scans.fixed, GRIDS)
    assert found.figures["network_seconds"] == (3 if one_pass else 6)


def test_beyond_the_grid_the_field_runs_out_without_a_fold():
    displacement = torch.full((1, 3, *SHAPE), 3.0)
    found = tapered(displacement, AFFINE, np.eye(4), np.eye(4), *GRIDS)
    line = np.stack([np.linspace(-60, 60, 500), np.zeros(500), np.zeros(500)], axis=1)
    mapped = found.map_points(line)[:, 0]
    assert (np.diff(mapped) > 0).all()
    assert np.abs(mapped[[0, -1]] - line[[0, -1], 0]).max() < 1e-9
    middle = np.abs(line[:, 0]) < 15
    assert np.allclose(mapped[middle] - line[middle, 0], -6)


def test_a_gpu_that_is_too_small_is_told(scans, monkeypatch):
    method = Given(torch.zeros(1, 3, *SHAPE))

    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(method, "register", full)
    with pytest.raises(RegistrationError, match=r"not enough memory for Given on 20 x 24 x 16 voxels.*--device cpu"):
        match(method, scans.moving, scans.fixed, GRIDS)


def test_refinement_tells_what_it_did(scans):
    still = torch.zeros(1, 3, *SHAPE)
    found = match(Given(still, still), scans.moving, scans.fixed, GRIDS, steps=3)
    told = found.figures["refinement"]
    assert told["steps"] == 3
    assert told["loss_least"] <= told["loss_first"]
    assert found.figures["similarity_after"] > told["network_alone"]["similarity_after"]
