"""What vectors in a NIfTI file mean: other programs' fields move points here as they do there, or are refused."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from spnet.errors import DataError
from spnet.transforms import Grid, on_grid
from spnet.transforms.files import read_transform

LPS = np.array([-1.0, -1.0, 1.0])
DISPLACEMENT, VECTOR = 1006, 1007


@pytest.fixture(scope="module")
def vectors(case):
    """The case's transform on the fixed grid: displacements [D, H, W, 3] in mm (RAS), and where its voxels lie."""
    points = np.stack(np.indices(case.fixed.shape), -1) @ case.fixed.affine[:3, :3].T + case.fixed.affine[:3, 3]
    return (case.transform.map_points(points.reshape(-1, 3)).reshape(points.shape) - points), points


def write(case, path, data, intent=0, name="", kind=0.0, affine=None):
    image = nib.Nifti1Image(data.astype(np.float32), case.fixed.affine if affine is None else affine)
    image.header["intent_code"], image.header["intent_name"], image.header["intent_p1"] = intent, name, kind
    nib.save(image, path)
    return path


def check(case, path, **grids):
    wanted = on_grid(case.transform, case.fixed).displacement
    found = on_grid(read_transform(path, **grids), case.fixed).displacement
    assert np.abs(found - wanted).max() < 1e-3


@pytest.mark.parametrize(
    ("of", "intent", "name", "kind"),
    [
        ("lps", VECTOR, "", 0),
        ("lps", 0, "", 0),
        ("ras", DISPLACEMENT, "", 0),
        ("positions", VECTOR, "Mapping", 0),
        ("positions", VECTOR, "NREG_TRANS", 0),
        ("ras", VECTOR, "NREG_TRANS", 1),
    ],
)
def test_a_field_is_read_by_what_its_header_says(of, intent, name, kind, case, vectors, tmp_path):
    moved, points = vectors
    data = {"lps": moved * LPS, "ras": moved, "positions": points + moved}[of]
    check(case, write(case, tmp_path / "f.nii.gz", data[:, :, :, None], intent, name, kind))


@pytest.mark.parametrize("intent", [DISPLACEMENT, VECTOR])
def test_simpleitk_moves_points_by_either_intent_as_we_do(intent, case, vectors, tmp_path):
    """ITK turns the vectors of intent 1006, and of no other, from NIfTI's world into its own."""
    moved = vectors[0] * (LPS if intent == VECTOR else 1)
    path = write(case, tmp_path / "f.nii.gz", moved[:, :, :, None], intent)
    theirs = sitk.DisplacementFieldTransform(sitk.ReadImage(str(path), sitk.sitkVectorFloat64))
    point = case.fixed.affine[:3, :3] @ (11, 20, 9) + case.fixed.affine[:3, 3]
    ours = read_transform(path).map_points(point[None])[0]
    assert np.linalg.norm(ours - point) > 3
    assert np.abs(np.array(theirs.TransformPoint((LPS * point).tolist())) * LPS - ours).max() < 1e-3


def test_learn2regs_fields_are_voxels_along_the_axes_components_first_or_last(case, vectors, tmp_path):
    moving, fixed = case.transform.moving, case.fixed
    to_voxels = np.linalg.inv(moving.affine)
    field = (vectors[0] + vectors[1]) @ to_voxels[:3, :3].T + to_voxels[:3, 3] - np.stack(np.indices(fixed.shape), -1)
    np.savez(tmp_path / "any.npz", field=field.astype(np.float32))
    np.savez_compressed(tmp_path / "first.npz", np.moveaxis(field, -1, 0).astype(np.float32))
    for path in (
        write(case, tmp_path / "f.nii.gz", field),
        write(case, tmp_path / "first.nii.gz", np.moveaxis(field, -1, 0)),
        write(case, tmp_path / "unplaced.nii.gz", field, affine=np.eye(4)),
        tmp_path / "any.npz",
        tmp_path / "first.npz",
    ):
        check(case, path, fixed=fixed, moving=moving)


def test_learn2regs_nifti_has_the_fixed_grid_in_its_header_or_must_be_told(case, tmp_path):
    still = np.zeros((*case.fixed.shape, 3))
    placed = write(case, tmp_path / "disp.nii.gz", still)
    assert np.allclose(read_transform(placed, moving=case.transform.moving).fixed.affine, case.fixed.affine, atol=1e-4)
    with pytest.raises(DataError, match="--moving"):
        read_transform(placed)
    with pytest.raises(DataError, match="--fixed"):
        read_transform(write(case, tmp_path / "u.nii.gz", still, affine=np.eye(4)), moving=case.transform.moving)
    elsewhere = write(case, tmp_path / "e.nii.gz", still, affine=np.diag([2.0, 2, 2, 1]))
    with pytest.raises(DataError, match="another position or orientation"):
        read_transform(elsewhere, case.fixed, case.transform.moving)
    with pytest.raises(DataError, match="another grid: its array has shape"):
        read_transform(placed, Grid((9, 9, 9), case.fixed.affine), case.transform.moving)


@pytest.mark.parametrize(
    ("intent", "name", "kind", "told"),
    [
        (2006, "", 0, "FSL's"),
        (2009, "", 0, "FSL's"),
        (VECTOR, "NREG_TRANS", 2, "NiftyReg's, a spline's control points"),
        (VECTOR, "NREG_TRANS", 3, "NiftyReg's, a velocity"),
        (VECTOR, "NREG_TRANS", 9, "of an unknown kind"),
    ],
)
def test_fields_with_another_meaning_are_refused_by_name(intent, name, kind, told, case, tmp_path):
    path = write(case, tmp_path / "f.nii.gz", np.zeros((*case.fixed.shape, 1, 3)), intent, name, kind)
    with pytest.raises(DataError, match=told):
        read_transform(path)


@pytest.mark.parametrize("dimensions", [4, 5])
@pytest.mark.parametrize("affine", [None, np.diag([1.0, 1, 1, 1]), np.diag([-2.0, 2, 2, 1])], ids=["", "1 mm", "2 mm"])
def test_positions_that_no_header_tells_are_refused(dimensions, affine, case, tmp_path):
    """As MRtrix writes them, or as SPM's are when a program between has dropped the intent."""
    affine = case.fixed.affine if affine is None else affine
    points = np.stack(np.indices(case.fixed.shape), -1) @ affine[:3, :3].T + affine[:3, 3]
    data = points if dimensions == 4 else points[:, :, :, None]
    path, grid = write(case, tmp_path / "f.nii.gz", data, affine=affine), Grid(case.fixed.shape, affine)
    with pytest.raises(DataError, match="positions in mm and not displacements"):
        read_transform(path, grid, grid)


def test_a_field_onto_a_finer_image_is_no_field_of_positions(case, tmp_path):
    """From 1 mm to half a millimetre, the same place in the world: in voxels it doubles."""
    fixed, moving = Grid((12, 14, 10), np.eye(4)), Grid((24, 28, 20), np.diag([0.5, 0.5, 0.5, 1]))
    path = write(case, tmp_path / "f.nii.gz", np.stack(np.indices(fixed.shape), -1), affine=np.eye(4))
    point = np.array([[3.0, 4, 5]])
    assert np.allclose(read_transform(path, fixed, moving).map_points(point), point, atol=1e-4)


@pytest.mark.parametrize("shape", [(14, 12, 10), (14, 12, 10, 2), (14, 12, 10, 2, 3), (14, 12, 1, 3)])
def test_what_is_no_field_is_told(shape, case, tmp_path):
    with pytest.raises(DataError, match="no displacement field: its array has shape"):
        read_transform(write(case, tmp_path / "f.nii.gz", np.zeros(shape)), case.fixed, case.fixed)
