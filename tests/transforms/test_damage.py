"""Damaged files: cut off, or with some bytes changed, they are read or refused, and never end in a traceback."""

import numpy as np
import pytest

from spnet.data.nifti import Volume, read_image, read_labels, write_volume
from spnet.errors import DataError
from spnet.transforms.files import FORMS, read_transform, write_transform
from spnet.transforms.points import read_points

TIMES = 60
# A damaged composite leaves the HDF5 library, which ITK reads it with, unable to close: one is read in test_itk.py.
READ_HERE = [name for name in FORMS if name != "composite"]
HEADER = 352  # bytes, of a NIfTI file


def damaged(content, random, time):
    """A third is cut off, a third has bytes changed anywhere, a third has them changed in what a NIfTI header takes."""
    if time % 3 == 0:
        return content[: random.integers(0, len(content))]
    changed = bytearray(content)
    for place in random.integers(
        0, len(content) if time % 3 == 1 else min(HEADER, len(content)), random.integers(1, 6)
    ):
        changed[place] = random.integers(0, 256)
    return bytes(changed)


@pytest.fixture(scope="module")
def whole(case, tmp_path_factory):
    """Whole files by name, with what reads them."""
    folder = tmp_path_factory.mktemp("whole")
    files = {}
    for name in READ_HERE:
        form = FORMS[name]
        path = folder / form.pattern.replace("*", name)
        write_transform(case.transform, path, name)
        files[name] = path, lambda path: read_transform(path, case.fixed, case.transform.moving)
    files["plain"] = folder / "plain.nii", files["itk"][1]
    write_transform(case.transform, folder / "plain.nii", "itk")
    write_volume(folder / "labels.nii", case.labels, np.int16)
    write_volume(folder / "image.nii.gz", Volume(case.moving.data[:8, :8, :8], case.moving.affine), np.float32)
    files |= {"labels": (folder / "labels.nii", read_labels), "image": (folder / "image.nii.gz", read_image)}
    (folder / "points.csv").write_text("x_mm,y_mm,z_mm\n1,2,3\n4,5,6\n")
    return files | {"points": (folder / "points.csv", read_points)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*READ_HERE, "plain", "labels", "image", "points"])
def test_a_damaged_file_is_read_or_refused(name, whole, tmp_path):
    path, read = whole[name]
    content, random, refused = path.read_bytes(), np.random.default_rng(7), 0
    for time in range(TIMES):
        (tmp_path / path.name).write_bytes(damaged(content, random, time))
        try:
            read(tmp_path / path.name)
        except DataError as error:
            assert error.path == tmp_path / path.name
            assert error.remedy
            refused += 1
    assert refused >= TIMES // 4
