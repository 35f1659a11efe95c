"""ANTs and SimpleITK apply what is written as ours does."""

import ants
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from spnet.ants_bridge import to_ants
from spnet.data.nifti import Volume, write_volume
from spnet.errors import DataError
from spnet.transforms import Transform, on_grid, warp_volume
from spnet.transforms.files import form_of, read_transform, write_transform

LPS = np.array([-1.0, -1.0, 1.0])
FORMS = {"itk": "field.nii.gz", "composite": "both.h5"}


@pytest.fixture(scope="module")
def written(case, tmp_path_factory):
    """The case's images and its transform in ITK's two forms, as files."""
    folder = tmp_path_factory.mktemp("written")
    write_volume(folder / "moving.nii.gz", case.moving, np.float32)
    write_volume(folder / "labels.nii.gz", case.labels, np.int16)
    write_volume(folder / "fixed.nii.gz", Volume(np.ones(case.fixed.shape), case.fixed.affine), np.float32)
    for form, name in FORMS.items():
        write_transform(case.transform, folder / name, form)
    return folder


def by_ants(folder, transform, moving, interpolator):
    fixed, moving = (ants.image_read(str(folder / name)) for name in ("fixed.nii.gz", moving))
    return ants.apply_transforms(fixed, moving, [str(folder / transform)], interpolator=interpolator).numpy()


def sitk_transform(folder, name):
    if name.endswith(".h5"):
        return sitk.ReadTransform(str(folder / name))
    field = sitk.ReadImage(str(folder / name), sitk.sitkVectorFloat64)
    return sitk.DisplacementFieldTransform(field)


def by_simpleitk(folder, transform, moving, interpolator):
    fixed, image = (sitk.ReadImage(str(folder / name)) for name in ("fixed.nii.gz", moving))
    kind = {"linear": sitk.sitkLinear, "nearestNeighbor": sitk.sitkNearestNeighbor}[interpolator]
    return sitk.GetArrayFromImage(sitk.Resample(image, fixed, sitk_transform(folder, transform), kind)).T


@pytest.mark.parametrize("name", FORMS.values())
@pytest.mark.parametrize("program", [by_ants, by_simpleitk])
def test_other_programs_warp_the_image_as_we_do(case, written, name, program):
    ours = warp_volume(case.moving, case.transform, case.fixed).data
    theirs = program(written, name, "moving.nii.gz", "linear")
    seen = (ours > 0) & (theirs > 0)
    assert seen.mean() > 0.5
    assert (seen == ((ours > 0) | (theirs > 0))).mean() > 0.999, "the border of the image may be taken otherwise"
    assert np.abs(ours - theirs)[seen].max() < 1e-3 * np.ptp(case.moving.data)


@pytest.mark.parametrize("name", FORMS.values())
@pytest.mark.parametrize("program", [by_ants, by_simpleitk])
def test_other_programs_warp_labels_as_we_do(case, written, name, program):
    ours = warp_volume(case.labels, case.transform, case.fixed, "nearest").data
    theirs = program(written, name, "labels.nii.gz", "nearestNeighbor")
    assert (ours > 0).mean() > 0.5
    assert (ours == theirs).mean() > 0.999


@pytest.mark.parametrize("name", FORMS.values())
def test_a_landmark_goes_to_the_same_place(case, written, name):
    points = np.array([[0.0, 0, 0], [8, -5, 6], [-7, 9, -4], [3, 12, 10]])
    ours = case.transform.map_points(points)
    assert np.linalg.norm(ours - points, axis=1).min() > 3
    theirs = sitk_transform(written, name)
    found = [np.array(theirs.TransformPoint((LPS * point).tolist())) * LPS for point in points]
    # Between its voxels a dense field is interpolated; at 2 mm from each other these deviate by some hundredths.
    assert np.abs(found - ours).max() < (1e-6 if name.endswith(".h5") else 0.1)


def test_the_field_is_a_vector_image_in_lps_on_the_fixed_grid(case, written):
    image = nib.load(written / "field.nii.gz")
    assert image.shape == (*case.fixed.shape, 1, 3)
    assert image.header["intent_code"] == 1007
    assert image.header.endianness == "<"
    assert np.abs(image.affine - case.fixed.affine).max() < 1e-5
    assert np.abs(image.get_qform() - image.get_sform()).max() < 1e-4
    voxel = (11, 20, 9)
    point = case.fixed.affine[:3, :3] @ voxel + case.fixed.affine[:3, 3]
    moved = case.transform.map_points(point[None])[0] - point
    assert np.abs(np.asarray(image.dataobj)[voxel][0] - LPS * moved).max() < 1e-4


@pytest.mark.parametrize("name", FORMS.values())
def test_what_is_written_is_read_back(case, written, name):
    again = read_transform(written / name)
    dense = on_grid(case.transform, case.fixed).displacement
    assert np.abs(on_grid(again, case.fixed).displacement - dense).max() < 1e-4


def test_a_field_that_ants_made_is_read(case, written):
    """ANTs' own deformation: applied by ANTs and by us."""
    fixed, moving = (ants.image_read(str(written / name)) for name in ("fixed.nii.gz", "moving.nii.gz"))
    start = ants.apply_transforms(fixed, moving, [str(written / "field.nii.gz")])
    made = ants.registration(
        fixed=start, moving=moving, type_of_transform="SyNOnly", outprefix=str(written / "ants"),
        reg_iterations=(5, 0), initial_transform="identity",
    )  # fmt: skip
    path = next(path for path in made["fwdtransforms"] if path.endswith("Warp.nii.gz"))
    ours = warp_volume(case.moving, read_transform(path), case.fixed).data
    theirs = ants.apply_transforms(fixed, moving, [path]).numpy()
    seen = (ours > 0) & (theirs > 0)
    assert np.abs(ours - theirs)[seen].max() < 1e-3 * np.ptp(case.moving.data)


def test_an_affine_of_ants_is_a_transform_without_deformation(case, tmp_path):
    matrix = np.array([[1.1, 0.1, 0], [-0.1, 0.9, 0.05], [0, 0, 1.0]])
    affine = ants.create_ants_transform(
        transform_type="AffineTransform", dimension=3, matrix=matrix, translation=[3, -4, 5], center=[7, 8, 9]
    )
    ants.write_transform(affine, str(tmp_path / "affine.mat"))
    point = np.array([4.0, -6.0, 11.0])
    ours = read_transform(tmp_path / "affine.mat").map_points(point[None])[0]
    assert np.abs(LPS * affine.apply_to_point((LPS * point).tolist()) - ours).max() < 1e-5


def test_to_ants_and_our_grids_agree(case):
    assert np.allclose(to_ants(case.moving, ants).spacing, case.moving.spacing)


def test_what_is_no_transform_is_told(written, tmp_path):
    with pytest.raises(DataError, match="no displacement field"):
        read_transform(written / "moving.nii.gz")
    with pytest.raises(DataError, match="no such transform"):
        read_transform(tmp_path / "none.nii.gz")
    (tmp_path / "broken.h5").write_bytes(b"nothing")
    with pytest.raises(DataError, match="ITK cannot read"):
        read_transform(tmp_path / "broken.h5")
    (tmp_path / "text.docx").write_text("x")
    with pytest.raises(DataError, match="no transform that is known"):
        read_transform(tmp_path / "text.docx")
    field = Transform(np.full((3, 4, 4, 4), np.nan, np.float32), np.eye(4))
    write_transform(field, tmp_path / "nan.npz", "native")
    with pytest.raises(DataError, match="NaN"):
        read_transform(tmp_path / "nan.npz")


def test_a_spline_in_a_composite_is_told(tmp_path):
    spline = sitk.BSplineTransform(3)
    sitk.WriteTransform(spline, str(tmp_path / "spline.tfm"))
    with pytest.raises(DataError, match="BSpline"):
        read_transform(tmp_path / "spline.tfm")


def test_the_name_says_the_form():
    names = {"a.nii": "itk", "a.nii.gz": "itk", "a.h5": "composite", "disp_1_2.npz": "learn2reg", "a.npz": "native"}
    names |= {"disp_1_2.nii.gz": "learn2reg_nifti", "disp_1_2.nii": "learn2reg_nifti"}
    assert {name: form_of(name) for name in names} == names
    with pytest.raises(DataError, match="no form"):
        form_of("a.png")
