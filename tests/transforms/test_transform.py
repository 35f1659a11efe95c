"""Laws of transforms, and the two archive forms."""

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import map_coordinates, zoom

from spnet.data.nifti import Volume
from spnet.errors import DataError
from spnet.transforms import Grid, Transform, on_grid, warp_volume
from spnet.transforms.files import FORMS, read_transform, write_transform
from spnet.transforms.jacobian import jacobian_map


def still(grid, **matrices):
    return Transform(np.zeros((3, *grid.shape), dtype=np.float32), grid.affine, **matrices)


def test_no_displacement_and_no_affines_leave_the_image_as_it_is(case):
    grid = Grid.of(case.moving)
    assert np.abs(warp_volume(case.moving, still(grid), grid).data - case.moving.data).max() < 1e-3


def test_a_shift_by_a_voxel_is_exact():
    data = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
    grid = Grid(data.shape, np.diag([-2.0, 1.0, 3.0, 1.0]))
    shift = still(grid)
    shift.displacement[1] = 1
    warped = warp_volume(Volume(data, grid.affine), shift, grid).data
    assert np.array_equal(warped[:, :-1], data[:, 1:])
    assert not warped[:, -1].any()


def test_the_dense_form_maps_its_voxels_as_the_composition_does(case):
    dense = on_grid(case.transform, case.fixed)
    voxels = np.array([[3, 5, 7], [20, 30, 15], [13, 17, 11]])
    points = voxels @ case.fixed.affine[:3, :3].T + case.fixed.affine[:3, 3]
    assert np.abs(dense.map_points(points) - case.transform.map_points(points)).max() < 1e-4


def test_the_jacobian_of_affines_is_their_determinant(case):
    matrices = {"before": np.diag([1.1, 0.9, 1.0, 1.0]), "after": np.diag([1.0, 1.2, 0.8, 1.0])}
    determinant = jacobian_map(still(case.transform.grid, **matrices), case.fixed).data
    assert np.abs(determinant - 1.1 * 0.9 * 1.2 * 0.8).max() < 1e-4
    mirrored = {**matrices, "before": np.diag([-1.1, 0.9, 1.0, 1.0])}
    assert np.abs(jacobian_map(still(case.transform.grid, **mirrored), case.fixed).data - determinant).max() < 1e-4


def test_a_fold_is_negative():
    grid = Grid((12, 12, 12), np.diag([2.0, 2.0, 2.0, 1.0]))
    folded = still(grid)
    folded.displacement[0, 5] = 4
    determinant = jacobian_map(folded, grid).data
    assert (determinant[6] < 0).all()
    assert np.allclose(determinant[:3], 1)


def test_the_native_form_comes_back_bit_for_bit(case, tmp_path):
    write_transform(case.transform, tmp_path / "t.npz", "native")
    again = read_transform(tmp_path / "t.npz")
    for name in ("displacement", "affine", "before", "after"):
        assert np.array_equal(getattr(again, name), getattr(case.transform, name)), name
    assert again.fixed.shape == case.fixed.shape
    assert np.array_equal(again.moving.affine, case.moving.affine)


def test_the_native_form_keeps_the_grids_that_it_is_given(case, tmp_path):
    unknown = Transform(case.transform.displacement, case.transform.affine)
    write_transform(unknown, tmp_path / "t.npz", "native", case.fixed)
    again = read_transform(tmp_path / "t.npz")
    assert again.fixed.shape == case.fixed.shape
    assert again.moving is None


@pytest.mark.parametrize("form", ["learn2reg", "learn2reg_nifti"])
def test_learn2reg_warps_the_bare_arrays_as_we_do_the_images(form, case, tmp_path):
    """Its program takes arr_0 of an npz, and of a NIfTI file the array with the components last."""
    path = tmp_path / FORMS[form].pattern.replace("*", "0001_0002")
    write_transform(case.transform, path, form)
    displacement = np.load(path)["arr_0"] if form == "learn2reg" else np.moveaxis(nib.load(path).get_fdata(), -1, 0)
    assert displacement.shape == (3, *case.fixed.shape)
    theirs = map_coordinates(case.moving.data, np.indices(case.fixed.shape) + displacement, order=1)
    ours = warp_volume(case.moving, case.transform, case.fixed).data
    seen = (ours > 0) & (theirs > 0)
    assert seen.mean() > 0.5
    assert np.abs(ours - theirs)[seen].max() < 1e-3 * np.ptp(case.moving.data)


def test_learn2reg_at_half_size_is_near_by_its_own_reading(case, tmp_path):
    grid = Grid((26, 34, 22), case.fixed.affine)
    write_transform(case.transform, tmp_path / "disp_1_2.npz", "learn2reg", grid, half=True)
    stored = np.load(tmp_path / "disp_1_2.npz")["arr_0"]
    assert stored.shape == (3, 13, 17, 11)
    assert stored.dtype == np.float16
    whole = np.stack([zoom(channel.astype(np.float32), 2, order=2) for channel in stored])
    write_transform(case.transform, tmp_path / "disp_full.npz", "learn2reg", grid)
    full = np.load(tmp_path / "disp_full.npz")["arr_0"]
    assert np.abs(whole - full).mean() < 0.15
    again = read_transform(tmp_path / "disp_1_2.npz", grid, case.transform.moving)
    assert np.abs(again.displacement - whole).max() == 0
    with pytest.raises(DataError, match="cannot be halved"):
        write_transform(case.transform, tmp_path / "disp_3.npz", "learn2reg", half=True)


def test_learn2reg_comes_back(case, tmp_path):
    write_transform(case.transform, tmp_path / "disp_1_2.npz", "learn2reg")
    again = read_transform(tmp_path / "disp_1_2.npz", case.fixed, case.transform.moving)
    dense = on_grid(case.transform, case.fixed).displacement
    assert np.abs(on_grid(again, case.fixed).displacement - dense).max() < 1e-4


def test_learn2reg_needs_to_be_told_the_images(case, tmp_path):
    write_transform(case.transform, tmp_path / "disp_1_2.npz", "learn2reg")
    with pytest.raises(DataError, match="--fixed"):
        read_transform(tmp_path / "disp_1_2.npz")
    with pytest.raises(DataError, match="has shape"):
        read_transform(tmp_path / "disp_1_2.npz", Grid((9, 9, 9), np.eye(4)), Grid((9, 9, 9), np.eye(4)))


def test_other_archives_are_told(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.zeros(3), other=np.zeros(3))
    with pytest.raises(DataError, match="neither the native form"):
        read_transform(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match="no transform that can be read"):
        read_transform(tmp_path / "b.npz")
