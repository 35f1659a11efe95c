"""The way between NIfTI's world and ITK's, against ITK itself."""

import ants
import numpy as np
import SimpleITK as sitk

from spnet.ants_bridge import to_ants
from spnet.data.nifti import write_volume
from spnet.transforms import Grid
from spnet.transforms.world import flip_grid, flip_map, flip_points, grid_matrix, itk_geometry


def test_itk_reads_the_position_of_a_file_as_we_say_it(case, tmp_path):
    write_volume(tmp_path / "moving.nii.gz", case.moving, np.float32)
    image, affine = sitk.ReadImage(str(tmp_path / "moving.nii.gz")), case.moving.affine
    spacing, origin, direction = itk_geometry(affine)
    assert np.allclose(image.GetSpacing(), spacing, atol=1e-5)
    assert np.allclose(image.GetOrigin(), origin, atol=1e-4)
    assert np.allclose(image.GetDirection(), direction.ravel(), atol=1e-5)
    assert np.allclose(grid_matrix(image.GetSpacing(), image.GetOrigin(), image.GetDirection()), affine, atol=1e-4)
    seen = to_ants(case.moving, ants)
    assert np.allclose(grid_matrix(seen.spacing, seen.origin, seen.direction), affine, atol=1e-5)


def test_voxels_points_and_maps_agree_and_each_flip_undoes_itself(case):
    voxel, matrix = np.array([3.0, 5, 7, 1]), case.transform.before
    point = case.moving.affine @ voxel
    assert np.allclose((flip_grid(case.moving.affine) @ voxel)[:3], flip_points(point[:3]))
    assert np.allclose((flip_map(matrix) @ [*flip_points(point[:3]), 1])[:3], flip_points((matrix @ point)[:3]))
    for flip, value in ((flip_grid, case.moving.affine), (flip_map, matrix), (flip_points, point[:3])):
        assert np.array_equal(flip(flip(value)), value)


def test_positions_come_back(case):
    for grid in (case.fixed, Grid.of(case.moving), case.transform.grid):
        assert np.allclose(grid_matrix(*itk_geometry(grid.affine)), grid.affine, atol=1e-12)
