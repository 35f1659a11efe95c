"""What is done with a written transform, file by file."""

import nibabel as nib
import numpy as np
import pytest

from spnet.cli import main
from spnet.transforms import Grid, Transform
from spnet.transforms.files import write_transform

AFFINE = np.diag([-2.0, 1.5, 1.0, 1.0])
GRID = Grid((12, 10, 9), AFFINE)


@pytest.fixture
def shift(tmp_path):
    """A transform's file that takes from every voxel of the grid what lies one voxel further along the first axis."""
    displacement = np.zeros((3, *GRID.shape), dtype=np.float32)
    displacement[0] = 1
    write_transform(Transform(displacement, AFFINE, fixed=GRID, moving=GRID), tmp_path / "shift.npz", "native")
    return tmp_path / "shift.npz"


def run(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("ids", [(614454277, 614454278), (7, 4000000000), (2**40, 2**40 + 1)])
def test_warp_keeps_label_ids_of_any_size(ids, shift, tmp_path):
    labels = np.zeros(GRID.shape, dtype=np.int64)
    labels[2:5], labels[5:8, 3:] = ids
    nib.save(nib.Nifti1Image(labels, AFFINE, dtype=np.int64), tmp_path / "labels.nii.gz")
    assert run("warp", tmp_path / "labels.nii.gz", shift, "-o", tmp_path / "out.nii.gz", "--labels") == 0
    found = np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj)
    assert np.array_equal(found[:-1], labels[1:])
    assert not found[-1].any()


def test_evaluate_counts_large_ids(tmp_path, capsys):
    labels = np.zeros(GRID.shape, dtype=np.uint32)
    labels[2:5], labels[5:8] = 4000000000, 614454278
    moved = np.roll(labels, 1, axis=0)
    for name, data in (("fixed", labels), ("warped", moved)):
        nib.save(nib.Nifti1Image(data, AFFINE, dtype=np.uint32), tmp_path / f"{name}.nii.gz")
    assert run("evaluate", tmp_path / "warped.nii.gz", tmp_path / "fixed.nii.gz", "--tsv", tmp_path / "s.tsv") == 0
    scores = dict(line.split("\t")[1:] for line in (tmp_path / "s.tsv").read_text().splitlines() if "dice" in line)
    assert float(scores["4000000000"]) == float(scores["614454278"]) == pytest.approx(2 / 3)


def test_an_image_of_complex_numbers_is_not_warped(shift, tmp_path, capsys):
    nib.save(nib.Nifti1Image(np.full(GRID.shape, 3 + 4j, dtype=np.complex64), AFFINE), tmp_path / "complex.nii.gz")
    assert run("warp", tmp_path / "complex.nii.gz", shift, "-o", tmp_path / "out.nii.gz") == 1
    assert "complex numbers" in capsys.readouterr().err
    assert not (tmp_path / "out.nii.gz").exists()
