"""spnet register, warp, jacobian and convert, as a person types them."""

import nibabel as nib
import numpy as np
import pytest

from spnet.cli import main


@pytest.fixture(scope="module")
def case(coarse_config, tmp_path_factory):
    """Two aligned little brains with labels; registered, they lie in the folder `out`."""
    from spnet.data.nifti import write_volume
    from spnet.virtual.brain import VirtualOptions, virtual_subject

    folder = tmp_path_factory.mktemp("case")
    for name in ("moving", "fixed"):
        image, labels = virtual_subject(name, VirtualOptions(spacing=5.0, deformation=2.0), 0)
        write_volume(folder / f"{name}.nii.gz", image, np.float32, space=1)
        write_volume(folder / f"{name}-labels.nii.gz", labels, np.int16, space=1)
    options = ["--method", "identity", "--aligned", "--moving-labels", str(folder / "moving-labels.nii.gz")]
    options += [
        "--config",
        str(coarse_config),
        "--fixed-labels",
        str(folder / "fixed-labels.nii.gz"),
        "-o",
        str(folder / "out"),
    ]
    (folder / "text.nii.gz").write_text("no image")
    header = nib.Nifti1Header()
    header["pixdim"][1:4] = 5
    nib.save(nib.Nifti1Image(np.ones((8, 8, 8), np.float32), None, header), folder / "nowhere.nii.gz")
    assert main(["register", str(folder / "moving.nii.gz"), str(folder / "fixed.nii.gz"), *options]) == 0
    return folder


def run(*arguments):
    return main([str(argument) for argument in arguments])


def test_register_prints_what_came_out_and_where(case, coarse_config, capsys):
    table = case / "pairs.tsv"
    table.write_text("moving\tfixed\nmoving.nii.gz\tfixed.nii.gz\n")
    options = ("--method", "identity", "--aligned", "--forms", "native", "--config", coarse_config)
    assert run("register", "--pairs", table, "-o", case / "many", *options) == 0
    assert "moving_onto_fixed   done" in capsys.readouterr().out
    assert run("register", "--pairs", table, "-o", case / "many", *options) == 0
    printed = capsys.readouterr().out
    assert "kept" in printed
    assert str(case / "many" / "summary.tsv") in printed


def test_a_table_of_pairs_is_read_before_weights_are_looked_for(case, tmp_path, capsys, monkeypatch):
    def fetched(*_):
        raise AssertionError("weights were looked for")

    monkeypatch.setattr("spnet.registration.choice.choose_named", fetched)
    assert run("register", "--pairs", case / "nowhere.tsv", "-o", tmp_path) == 1
    assert "nowhere.tsv" in capsys.readouterr().err


def test_warp_makes_the_same_labels_as_register(case):
    output = case / "again.nii.gz"
    assert (
        run("warp", case / "moving-labels.nii.gz", case / "out" / "forward_transform.npz", "-o", output, "--labels")
        == 0
    )
    ours, theirs = (np.asarray(nib.load(path).dataobj) for path in (output, case / "out" / "warped_labels.nii.gz"))
    assert np.array_equal(ours, theirs)


def test_warp_takes_another_grid(case):
    output = case / "other.nii.gz"
    moving, transform = case / "moving.nii.gz", case / "out" / "forward_transform.nii.gz"
    assert run("warp", moving, transform, "-o", output, "--fixed", moving) == 0
    assert nib.load(output).shape == nib.load(moving).shape


@pytest.mark.parametrize("name", ["b.h5", "b.nii.gz", "b.npz", "disp_0001_0002.npz", "disp_0001_0002.nii.gz"])
def test_convert_goes_there_and_back(case, name):
    grids = ("--fixed", case / "fixed.nii.gz", "--moving", case / "moving.nii.gz")
    assert run("convert", case / "out" / "forward_transform.npz", case / name) == 0
    assert run("convert", case / name, case / f"back-{name}.nii.gz", *grids) == 0
    fields = [
        np.asarray(nib.load(path).dataobj)
        for path in (case / f"back-{name}.nii.gz", case / "out/forward_transform.nii.gz")
    ]
    assert np.abs(fields[0] - fields[1]).max() < 1e-3


def test_jacobian_writes_a_map_and_prints_its_figures(case, capsys):
    assert run("jacobian", case / "out" / "forward_transform.npz", "-o", case / "det.nii.gz", "--log") == 0
    assert "percent_folded   0" in capsys.readouterr().out
    image = nib.load(case / "det.nii.gz")
    assert image.shape == nib.load(case / "fixed.nii.gz").shape
    assert np.abs(np.asarray(image.dataobj)).max() < 1e-3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("register", "-o", "out"), "either a moving and a fixed scan, or a table"),
        (("register", "moving.nii.gz", "-o", "out"), "either a moving and a fixed scan, or a table"),
        (("register", "moving.nii.gz", "fixed.nii.gz", "-o", "out", "--jobs", "0"), "--jobs is 1 or more"),
        (("register", "moving.nii.gz", "fixed.nii.gz", "-o", "out", "--forms", "itk,slicer"), "no form of transform"),
        (("register", "moving.nii.gz", "fixed.nii.gz", "-o", "out", "--method", "spnot"), "did you mean 'spnet'"),
        (
            ("register", "moving.nii.gz", "missing.nii.gz", "-o", "out", "--method", "identity"),
            "missing.nii.gz: there is no such file",
        ),
        (("register", "--pairs", "x.tsv", "-o", "out", "--fixed-mask", "m.nii.gz"), "--fixed-mask has no meaning"),
        (("register", "moving.nii.gz", "--pairs", "x.tsv", "-o", "out"), "a scan has no meaning"),
        (
            ("register", "moving.nii.gz", "fixed.nii.gz", "-o", "out", "--model", "x", "--weights", "y"),
            "--model has weights of its own",
        ),
        (
            ("register", "moving.nii.gz", "fixed.nii.gz", "-o", "fixed.nii.gz", "--method", "identity"),
            "this folder for results cannot be made",
        ),
        (("warp", "moving.nii.gz", "out/forward_transform.npz", "-o", "x.png"), "a name that ends in .nii.gz"),
        (("warp", "nowhere.nii.gz", "out/forward_transform.npz", "-o", "x.nii.gz"), "no position in space"),
        (("register", "moving.nii.gz", "nowhere.nii.gz", "-o", "out", "--method", "identity"), "no position in space"),
        (
            ("register", "moving.nii.gz", "fixed.nii.gz", "-o", "out", "--orientation", "LAX"),
            "--orientation is not 'LAX'. Give three of the letters",
        ),
        (("warp", "moving.nii.gz", "text.nii.gz", "-o", "x.nii.gz"), "text.nii.gz: this is not a NIfTI file"),
        (("jacobian", "out/forward_transform.npz", "-o", "x.txt"), "a name that ends in .nii.gz"),
        (
            ("convert", "out/forward_transform.npz", "x.h5", "--form", "itk"),
            "x.h5: a transform of the form 'itk' cannot have",
        ),
        (("convert", "out/forward_transform.npz", "x.nii.gz", "--form", "native"), "Name it *.npz"),
        (("convert", "out/forward_transform.npz", "x.h5", "--half"), "Leave --half away"),
        (("warp", "moving.nii.gz", "fixed.nii.gz", "-o", "x.nii.gz"), "no displacement field: its array has shape"),
        (("warp", "moving.nii.gz", "out/forward_transform.h5", "-o", "x.nii.gz"), "no such transform"),
        (("warp", "moving.nii.gz", "out/forward_transform.npz", "-o", "x.nii.gz", "--labels"), "not whole numbers"),
        (("convert", "out/forward_transform.npz", "x.txt"), "no form of transform has names like this"),
        (("jacobian", "moving.nii.gz", "-o", "x.nii.gz"), "no displacement field: its array has shape"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(case, arguments, told, capsys, monkeypatch):
    monkeypatch.chdir(case)
    assert main(list(arguments)) == 1
    printed = capsys.readouterr().err
    assert told in printed
    assert printed.startswith("spnet: ")


def test_an_image_elsewhere_in_the_world_is_told(case, capsys):
    image = nib.load(case / "moving.nii.gz")
    shift = np.eye(4)
    shift[:3, 3] = 5000
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), shift @ image.affine), case / "far.nii.gz")
    assert run("warp", case / "far.nii.gz", case / "out" / "forward_transform.npz", "-o", case / "x.nii.gz") == 1
    assert "nothing of this image comes to lie" in capsys.readouterr().err
