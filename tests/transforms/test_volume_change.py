"""One transform has one Jacobian and one percentage of folds, whatever form its file has and however its scans lie."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from spnet.data.nifti import Volume, reoriented, write_volume
from spnet.errors import DataError
from spnet.evaluation.own import evaluate_labels
from spnet.transforms import Grid
from spnet.transforms.files import FORMS, read_transform, write_transform
from spnet.transforms.jacobian import jacobian_map
from spnet.transforms.world import flip_grid, flip_points

MIRROR = np.diag([-1.0, 1, 1, 1])


def folded(case):
    """The case's transform with a fold in the middle of its field."""
    displacement = case.transform.displacement.copy()
    displacement[0, 11:13, 10:18, 9:17] += 6
    return replace(case.transform, displacement=displacement)


@pytest.fixture(params=["as it is", "mirrored", "other axes", "mirrored, other axes"])
def scans(request, case):
    """A transform that folds; its moving image mirrored (a right knee onto a left one), along other axes, or both."""
    transform, moving = folded(case), case.moving
    if "mirrored" in request.param:
        moving = Volume(moving.data, MIRROR @ moving.affine)
        transform = replace(transform, after=MIRROR @ transform.after)
    if "axes" in request.param:
        moving = reoriented(moving, "ASL")
    return replace(transform, moving=Grid.of(moving)), moving


def by_simpleitk(path, grid, voxels):
    """Determinants by central differences of the points that SimpleITK finds, the mirroring of the whole taken out.

    Its own filter is no judge here: it takes the grid's axes for the world's.
    """
    transform = sitk.ReadTransform(str(path))

    def mapped(points):
        world = flip_points(points @ grid.affine[:3, :3].T + grid.affine[:3, 3])
        return np.array([transform.TransformPoint(point.tolist()) for point in world])

    columns = [(mapped(voxels + step) - mapped(voxels - step)) / 2 for step in np.eye(3)]
    determinants = np.linalg.det(np.stack(columns, axis=-1)) / np.linalg.det(flip_grid(grid.affine)[:3, :3])
    return determinants * np.sign(np.median(determinants))


def test_every_form_has_the_jacobian_of_simpleitks_points(scans, case, tmp_path):
    transform, _ = scans
    write_transform(transform, tmp_path / "both.h5", "composite")
    inside = [slice(1, size - 1, 2) for size in case.fixed.shape]
    voxels = np.stack(np.mgrid[inside], -1).reshape(-1, 3)
    theirs = by_simpleitk(tmp_path / "both.h5", case.fixed, voxels)
    assert 0.002 < (theirs <= 0).mean() < 0.1
    for name, form in FORMS.items():
        path = tmp_path / form.pattern.replace("*", name)
        write_transform(transform, path, name)
        found = jacobian_map(read_transform(path, transform.fixed, transform.moving), case.fixed).data
        assert np.abs(found[tuple(voxels.T)] - theirs).max() < 1e-3, name


def test_evaluate_says_the_same_of_every_form(scans, case, tmp_path):
    transform, moving = scans
    write_volume(tmp_path / "moving.nii.gz", Volume(np.ones(moving.data.shape), moving.affine), np.uint8)
    labels = tmp_path / "labels.nii.gz"
    write_volume(labels, Volume(np.ones(case.fixed.shape), case.fixed.affine), np.uint8)
    scores = {}
    for name, form in FORMS.items():
        path = tmp_path / form.pattern.replace("*", name)
        write_transform(transform, path, name)
        table = evaluate_labels(labels, labels, transform=path, moving=tmp_path / "moving.nii.gz").table
        scores[name] = table[table["structure"] == "volume"]["value"].to_numpy()
    assert 0.1 < scores["native"][0] < 10
    for name, values in scores.items():
        # A voxel on the edge of the fold may fall to either side of zero by the rounding of a file.
        assert np.allclose(values[:2], scores["native"][:2], atol=0.02), name
        assert np.allclose(values[2:], scores["native"][2:], rtol=0.01), name
        assert np.isfinite(values).all(), name


def test_a_transform_for_another_grid_is_refused(case, tmp_path):
    labels = tmp_path / "labels.nii.gz"
    write_volume(labels, Volume(np.ones(case.fixed.shape), case.fixed.affine + np.eye(4, k=3)), np.uint8)
    for name in ("native", "itk"):
        path = tmp_path / FORMS[name].pattern.replace("*", name)
        write_transform(case.transform, path, name)
        with pytest.raises(DataError, match=r"made for another grid than that of labels\.nii\.gz"):
            evaluate_labels(labels, labels, transform=path)
