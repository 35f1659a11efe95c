"""Landmarks go where ANTs takes them, both ways, whatever their file counts in."""

import ants
import numpy as np
import pandas as pd
import pytest

from spnet.cli import main
from spnet.data.nifti import Volume, write_volume
from spnet.errors import DataError
from spnet.transforms import Transform
from spnet.transforms.files import FORMS, read_transform, write_transform
from spnet.transforms.points import read_points

LPS = np.array([-1.0, -1.0, 1.0])
SLICER = """\
# Markups fiducial file version = 4.11
# CoordinateSystem = {system}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
"""


@pytest.fixture(scope="module")
def folder(case, tmp_path_factory):
    """The case's images and its transform in every form."""
    folder = tmp_path_factory.mktemp("points")
    write_volume(folder / "moving.nii.gz", case.moving, np.float32)
    write_volume(folder / "fixed.nii.gz", Volume(np.ones(case.fixed.shape), case.fixed.affine), np.float32)
    for name, form in FORMS.items():
        write_transform(case.transform, folder / form.pattern.replace("*", name), name)
    return folder


@pytest.fixture(scope="module")
def landmarks(case):
    """Points within the fixed image, [N, 3] in mm (RAS)."""
    voxels = np.array([[13.0, 17, 11], [8.4, 20.2, 9.1], [17.7, 12.9, 13.3], [11, 11, 7]])
    return voxels @ case.fixed.affine[:3, :3].T + case.fixed.affine[:3, 3]


def by_ants(points, path, inverted=False):
    frame = pd.DataFrame(points * LPS, columns=["x", "y", "z"])
    return ants.apply_transforms_to_points(3, frame, [str(path)], [inverted]).to_numpy() * LPS


def in_form(points, form, case, role):
    """The text of a file of points [N, 3] in mm (RAS) of the fixed or moving image."""
    if form == "mm.csv":
        return "label,x_mm,y_mm,z_mm\n" + "".join(f"p{n},{x},{y},{z}\n" for n, (x, y, z) in enumerate(points))
    if form == "voxels.tsv":
        grid = case.fixed if role == "fixed" else case.transform.moving
        voxels = (points - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T
        return "i\tj\tk\tlabel\n" + "".join(f"{i}\t{j}\t{k}\tp{n}\n" for n, (i, j, k) in enumerate(voxels))
    system = form.removesuffix(".fcsv")
    values = points * (LPS if system in ("LPS", "1") else 1)
    lines = (f"node_{n},{x},{y},{z},0,0,0,1,1,1,0,p{n},,\n" for n, (x, y, z) in enumerate(values))
    return SLICER.format(system=system) + "".join(lines)


FILES = ["mm.csv", "voxels.tsv", "RAS.fcsv", "LPS.fcsv", "0.fcsv", "1.fcsv"]


@pytest.mark.parametrize("name", ["itk.nii.gz", "composite.h5"])
def test_ants_takes_points_where_we_do_both_ways(name, case, folder, landmarks):
    transform = read_transform(folder / name)
    ours, theirs = transform.map_points(landmarks), by_ants(landmarks, folder / name)
    assert np.linalg.norm(ours - landmarks, axis=1).min() > 3
    assert np.abs(ours - theirs).max() < 1e-3
    back = transform.map_points_back(theirs)
    assert np.abs(back - landmarks).max() < 2e-3
    assert np.abs(by_ants(back, folder / name) - theirs).max() < 2e-3


def test_ants_inverts_an_affine_as_we_do(landmarks, tmp_path):
    matrix = np.array([[1.1, 0.3, 0], [-0.3, 0.9, 0.05], [0, 0, -1.0]])
    affine = ants.create_ants_transform(
        transform_type="AffineTransform", dimension=3, matrix=matrix, translation=[3, -4, 5], center=[7, 8, 9]
    )
    ants.write_transform(affine, str(tmp_path / "affine.mat"))
    ours = read_transform(tmp_path / "affine.mat").map_points_back(landmarks)
    assert np.abs(ours - by_ants(landmarks, tmp_path / "affine.mat", inverted=True)).max() < 1e-3


@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize("form", FILES)
def test_every_form_of_points_through_the_command(form, way, case, folder, landmarks, tmp_path):
    moved = by_ants(landmarks, folder / "composite.h5")
    start, end = (landmarks, moved) if way == "forward" else (moved, landmarks)
    roles = ("fixed", "moving") if way == "forward" else ("moving", "fixed")
    given, output = tmp_path / form, tmp_path / f"out-{form}"
    given.write_text(in_form(start, form, case, roles[0]))
    options = ["--backward"] if way == "backward" else []
    assert main(["warp", "--points", str(given), str(folder / "native.npz"), "-o", str(output), *options]) == 0
    expected = tmp_path / f"expected-{form}"
    expected.write_text(in_form(end, form, case, roles[1]))
    ours, theirs = read_points(output), read_points(expected)
    assert np.abs(ours.values - theirs.values).max() < 2e-3
    assert ours.names() == theirs.names() == ["p0", "p1", "p2", "p3"]
    assert (ours.unit, ours.axes, ours.comments, list(ours.rows[0])) == (
        theirs.unit, theirs.axes, theirs.comments, list(theirs.rows[0]),
    )  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_the_registration_error_is_that_of_ants_points_for_every_form(name, case, folder, landmarks, tmp_path, capsys):
    """The moving landmarks lie 3 mm beside where ANTs takes the fixed ones."""
    moved = by_ants(landmarks, folder / "composite.h5") + np.array([0, 3, 0])
    (tmp_path / "f.csv").write_text(in_form(landmarks, "mm.csv", case, "fixed"))
    (tmp_path / "m.csv").write_text(in_form(moved, "mm.csv", case, "moving"))
    file = FORMS[name].pattern.replace("*", name)
    grids = ["--fixed", folder / "fixed.nii.gz", "--moving", folder / "moving.nii.gz"] if "learn2reg" in name else []
    arguments = ["--points", "--transform", folder / file, "--tsv", tmp_path / "s.tsv", *grids]
    assert main([str(part) for part in ("evaluate", tmp_path / "m.csv", tmp_path / "f.csv", *arguments)]) == 0
    assert "TRE mm" in capsys.readouterr().out
    found = pd.read_csv(tmp_path / "s.tsv", sep="\t").set_index(["metric", "structure"])["value"]
    # Between its voxels a dense field is interpolated.
    assert found["tre"].to_numpy() == pytest.approx([3.0] * 5, abs=0.1)
    before = np.linalg.norm(moved - landmarks, axis=1)
    assert found["tre_before"].to_numpy() == pytest.approx([*before, before.mean()], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "x,y,z\n1,2,3\n", "no header of this file says what its points count in"),
        ("a.csv", "1,2,3\n4,5,6\n", "no header of this file says"),
        ("a.csv", "", "no header of this file says"),
        ("a.csv", "x_mm,y_mm,z_mm\n1,2,three\n", "no three numbers"),
        ("a.csv", "x_mm,y_mm,z_mm\n1,2,nan\n", "not finite"),
        ("a.csv", "x_mm,y_mm,z_mm\n1,2\n", "line 2 has 2 fields"),
        ("a.fcsv", SLICER.format(system="IJK"), "CoordinateSystem is 'IJK'"),
        ("a.fcsv", "n,1,2,3,0,0,0,1,1,1,0,p,,\n", "CoordinateSystem is ''"),
        ("a.fcsv", SLICER.format(system="RAS") + "n,1,2,3\n", "another number of fields"),
        ("a.fcsv", SLICER.format(system="RAS"), "no points"),
    ],
)
def test_files_of_points_that_cannot_be_understood_are_told(name, text, told, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=told):
        read_points(tmp_path / name)


def refused(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 1
    told = capsys.readouterr().err
    assert told.startswith("spnet: ")
    return told


def test_what_cannot_be_done_with_points_is_told(case, folder, landmarks, tmp_path, capsys):
    points, voxels = tmp_path / "mm.csv", tmp_path / "voxels.tsv"
    points.write_text(in_form(landmarks, "mm.csv", case, "fixed"))
    voxels.write_text(in_form(landmarks, "voxels.tsv", case, "fixed"))
    warp = ("warp", "--points", points, folder / "native.npz", "-o")
    assert "ends in .csv" in refused(capsys, *warp, tmp_path / "x.fcsv")
    image = folder / "fixed.nii.gz"
    assert "--backward is of points" in refused(
        capsys, "warp", image, folder / "native.npz", "-o", tmp_path / "x.nii.gz", "--backward"
    )
    unknown = ("warp", "--points", voxels, folder / "composite.h5", "-o", tmp_path / "x.tsv")
    assert "the grid of the fixed image is not known" in refused(capsys, *unknown)
    assert "with a --transform" in refused(capsys, "evaluate", points, points, "--points")
    assert "--fixed is of landmarks" in refused(capsys, "evaluate", image, image, "--fixed", image)
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("".join(points.read_text().splitlines(keepends=True)[:-1]))
    transform = ("--points", "--transform", folder / "native.npz")
    assert "other landmarks" in refused(capsys, "evaluate", fewer, points, *transform)


def test_landmarks_of_one_name_are_numbered(case, folder, landmarks, tmp_path, capsys):
    text = in_form(landmarks, "mm.csv", case, "fixed")
    (tmp_path / "f.csv").write_text(text.replace("p2", "p0").replace("p3", "Average"))
    files = [str(tmp_path / "f.csv")] * 2
    options = ["--points", "--transform", str(folder / "native.npz"), "--tsv", str(tmp_path / "s.tsv")]
    assert main(["evaluate", *files, *options]) == 0
    names = ["p0 (1)", "p1", "p0 (3)", "Average (4)", "Average"]
    assert pd.read_csv(tmp_path / "s.tsv", sep="\t")["structure"].tolist() == 2 * names
    rows = [line.rsplit(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows if row[-1] == "0.000"] == names


def test_a_point_beyond_a_field_of_the_fixed_image_is_told_and_not_left_where_it_is(case, folder, tmp_path, capsys):
    far = case.fixed.affine[:3, :3] @ (60, 5, 5) + case.fixed.affine[:3, 3]
    (tmp_path / "far.csv").write_text(in_form(far[None], "mm.csv", case, "fixed"))
    warp = ("warp", "--points", tmp_path / "far.csv")
    assert "point 1 lies outside" in refused(capsys, *warp, folder / "itk.nii.gz", "-o", tmp_path / "x.csv")
    assert main([str(part) for part in (*warp, folder / "native.npz", "-o", tmp_path / "x.csv")]) == 0


def test_a_fold_cannot_be_followed_backward():
    displacement = np.zeros((3, 12, 12, 12), dtype=np.float32)
    displacement[0] = -2 * (np.arange(12) > 5).reshape(-1, 1, 1) * (np.arange(12) - 5).reshape(-1, 1, 1)
    with pytest.raises(ValueError, match="leads to point 1"):
        Transform(displacement, np.eye(4)).map_points_back([[9.0, 5, 5]])
