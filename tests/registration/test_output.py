"""From two files to a folder: what is written is what other programs make of it."""

import json
from dataclasses import replace
from pathlib import Path

import ants
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from spnet.errors import DataError
from spnet.registration.output import PairFiles, Settings, _flags, register_files, to_text
from spnet.registration.scan import PreparedScan, ScanFiles
from spnet.transforms.files import read_transform

FORMS = ("itk", "native", "composite", "learn2reg", "learn2reg_nifti")
LPS = np.array([-1.0, -1.0, 1.0])


@pytest.fixture(scope="module")
def registered(pair, choice, tmp_path_factory):
    """The folder and the report of a pair."""
    folder = tmp_path_factory.mktemp("out")
    report = register_files(pair.files, choice, choice.spec.build("cpu"), Settings(2, FORMS), folder, identity="this")
    return folder, report


def data(path):
    return np.asarray(nib.load(path).dataobj)


@pytest.fixture(scope="module")
def native(pair):
    return {role: [str(path) for path in getattr(pair.files, role).paths()] for role in ("moving", "fixed")}


@pytest.mark.parametrize("name", ["forward_transform.nii.gz", "forward_transform.h5"])
def test_ants_makes_the_same_of_the_written_transform(registered, native, name):
    folder, _ = registered
    fixed, moving, labels = (ants.image_read(path) for path in (native["fixed"][0], *native["moving"]))
    ours, theirs = data(folder / "warped.nii.gz"), ants.apply_transforms(fixed, moving, [str(folder / name)]).numpy()
    inside = (ours > 0) & (theirs > 0)
    assert inside.mean() > 0.15
    assert np.abs(ours - theirs)[inside].max() < 1e-3 * np.ptp(moving.numpy())
    theirs = ants.apply_transforms(fixed, labels, [str(folder / name)], interpolator="nearestNeighbor").numpy()
    assert (data(folder / "warped_labels.nii.gz") == theirs).mean() > 0.999


def test_simpleitk_makes_the_same_of_both_ways(registered, native):
    folder, _ = registered
    field = sitk.ReadImage(str(folder / "backward_transform.nii.gz"), sitk.sitkVectorFloat64)
    back = sitk.DisplacementFieldTransform(field)
    there = sitk.ReadTransform(str(folder / "forward_transform.h5"))
    moving, fixed = (sitk.ReadImage(native[role][0]) for role in ("moving", "fixed"))
    theirs = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, there, sitk.sitkLinear)).T
    ours = data(folder / "warped.nii.gz")
    inside = (ours > 0) & (theirs > 0)
    assert np.abs(ours - theirs)[inside].max() < 1e-3 * np.ptp(ours)
    point = np.array(fixed.TransformContinuousIndexToPhysicalPoint([size / 2 for size in fixed.GetSize()]))
    mapped = np.array(there.TransformPoint(point))
    ours = read_transform(folder / "forward_transform.npz").map_points((LPS * point)[None])[0] * LPS
    assert np.linalg.norm(mapped - ours) < 1e-3
    assert np.linalg.norm(np.array(back.TransformPoint(mapped)) - point) < 1.5, "there and back, in mm"


def test_everything_lies_on_the_scans_own_grids(registered, native):
    folder, _ = registered
    fixed, moving = (nib.load(native[role][0]) for role in ("fixed", "moving"))
    for name, like in (
        ("warped.nii.gz", fixed),
        ("warped_labels.nii.gz", fixed),
        ("forward_transform.nii.gz", fixed),
        ("backward_transform.nii.gz", moving),
    ):
        image = nib.load(folder / name)
        assert image.shape[:3] == like.shape, name
        assert np.abs(image.affine - like.affine).max() < 1e-4, name


def test_the_report_tells_what_was_done(registered, choice):
    folder, report = registered
    assert json.loads((folder / "report.json").read_text()) == report
    assert report["method"]["weights_sha256"] == choice.weights_sha256()
    assert report["fingerprint"] == "this"
    assert 0 < report["dice_before"] < 1
    assert set(report["seconds"]) == {"preparing", "network", "refining", "writing"}
    assert report["versions"]["torch"]
    assert report["refinement"]["steps"] == 2
    assert 0 < report["peak_mb"] < 1e5
    text = to_text(report)
    assert f"{report['dice_after']:.4f}" in text
    assert all(flag in text for flag in report["flags"])


def test_the_picture_is_there(registered):
    folder, _ = registered
    assert (folder / "qc.png").stat().st_size > 20_000


def test_scans_of_one_name_are_told_apart_by_their_folders():
    there, here = (ScanFiles(Path(folder) / "t1.nii.gz") for folder in ("a", "b"))
    assert PairFiles(there, here).names() == ("a/t1.nii.gz", "b/t1.nii.gz")
    assert PairFiles(there, ScanFiles(Path("b/t2.nii.gz"))).names() == ("t1.nii.gz", "t2.nii.gz")


def test_without_labels_nothing_is_said_of_them(pair, choice, tmp_path):
    files = PairFiles(*(replace(scan, labels=None) for scan in (pair.files.moving, pair.files.fixed)))
    report = register_files(files, choice, choice.spec.build("cpu"), Settings(forms=("native",)), tmp_path)
    assert "dice_after" not in report
    assert not (tmp_path / "warped_labels.nii.gz").exists()
    assert not (tmp_path / "forward_transform.nii.gz").exists()


def test_scans_that_do_not_overlap_are_told(pair, choice, write_image):
    """Each lies in a corner of its own of the template's box, and both are taken as aligned."""

    def corner(name, shift):
        affine = np.diag([2.0, 2, 2, 1])
        affine[:3, 3] = shift
        image = write_image(name, 9.0 + np.indices((12, 12, 12)).sum(axis=0), affine)
        return replace(pair.files.moving, image=image, labels=None)

    files = PairFiles(corner("a.nii.gz", (-70, -90, -60)), corner("b.nii.gz", (40, 50, 50)))
    aligned = replace(choice, preparation=replace(choice.preparation, affine="aligned", percentile=99.9))
    with pytest.raises(DataError, match="do not overlap"):
        register_files(files, aligned, choice.spec.build("cpu"), Settings(), pair.folder / "none")
    assert not list((pair.folder / "none").iterdir())


FOUND = {"similarity_before": 0.4, "similarity_after": 0.6, "correlation_before": 0.8, "correlation_after": 0.95}


@pytest.mark.parametrize(
    ("found", "dice", "told"),
    [
        ({}, (0.4, 0.6), []),
        ({}, (0.01, 0.05), ["labels overlap by a Dice of 0.05 only"]),
        ({"correlation_after": 0.65}, (0.4, 0.6), ["the scans correlate by 0.65 only"]),
        ({"similarity_after": 0.4}, (0.6, 0.5), ["the scans are no more alike", "labels overlap less"]),
        ({"similarity_before": 1.0, "similarity_after": 0.99, "correlation_before": 1.0}, (1.0, 0.99), []),
    ],
)
def test_what_failed_is_told_and_what_is_right_is_not(found, dice, told):
    """The last are identical scans, which cannot become more alike."""
    scan = PreparedScan(None, np.eye(4), ())
    figures = FOUND | found | {"jab_percent": 0.0}
    flags = _flags((scan, scan), figures, dict(zip(("dice_before", "dice_after"), dice, strict=True)))
    assert [flag.startswith(start) for flag, start in zip(flags, told, strict=True)] == [True] * len(told)
