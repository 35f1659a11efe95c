import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from spnet.data.nifti import Volume, label_type, read_image, read_labels, write_volume
from spnet.errors import DataError

SHAPE = (6, 8, 7)


def test_array_and_affine_survive_writing_and_reading(tmp_path, random):
    affine = np.array([[-2.0, 0, 0, 90], [0, 0, 1.5, -126], [0, 1, 0, -72], [0, 0, 0, 1]])
    data = random.random(SHAPE, dtype=np.float32)
    write_volume(tmp_path / "a.nii.gz", Volume(data, affine), np.float32)
    volume = read_image(tmp_path / "a.nii.gz")
    assert np.array_equal(volume.data, data)
    assert np.allclose(volume.affine, affine)
    assert np.allclose(volume.spacing, [2, 1, 1.5])
    header = nib.load(tmp_path / "a.nii.gz").header
    assert np.allclose(header.get_qform(), header.get_sform(), atol=1e-4)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "truncated or damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:60]), "ends within its header"),
        (lambda path: path.write_text("<html>please log in</html>"), "not a NIfTI file|truncated or damaged"),
        (lambda path: path.unlink(), "no such file"),
    ],
    ids=["truncated", "stump", "html", "missing"],
)
def test_a_file_that_cannot_be_read_is_named_with_a_remedy(write_image, random, break_it, message):
    path = write_image("scan.nii.gz", random.random((20, 20, 20)))
    break_it(path)
    with pytest.raises(DataError, match=message) as caught:
        read_image(path)
    assert caught.value.path == path
    assert caught.value.remedy


def test_nan_in_an_image_is_refused_with_its_count(write_image):
    data = np.ones(SHAPE)
    data[1, 2, 3] = data[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="2 voxels that are NaN"):
        read_image(write_image("nan.nii.gz", data))


def test_an_empty_image_is_refused(write_image):
    with pytest.raises(DataError, match="zero everywhere"):
        read_image(write_image("zero.nii.gz", np.zeros(SHAPE)))


def test_a_time_series_is_refused_but_a_trailing_axis_of_one_is_not(write_image, random):
    with pytest.raises(DataError, match="3-D volume is needed"):
        read_image(write_image("four.nii.gz", random.random((*SHAPE, 2))))
    assert read_image(write_image("one.nii.gz", random.random((*SHAPE, 1)))).data.shape == SHAPE


def test_a_header_that_makes_no_sense_is_refused_with_its_file(tmp_path):
    nib.save(nib.Nifti1Image(np.ones(SHAPE), np.eye(4)), tmp_path / "code.nii")
    content = bytearray((tmp_path / "code.nii").read_bytes())
    content[70:72] = (32767).to_bytes(2, "little")
    (tmp_path / "code.nii").write_bytes(content)
    with pytest.raises(DataError, match=r"code\.nii: the file is truncated or damaged"):
        read_image(tmp_path / "code.nii")


@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "has shear"),
        (np.diag([1.0, 0, 1, 1]), "is not a position in space"),
    ],
    ids=["shear", "flat"],
)
def test_an_affine_that_cannot_be_used_is_refused_with_its_file(tmp_path, affine, message):
    image = nib.Nifti1Image(np.ones(SHAPE), np.eye(4))
    image.header["sform_code"] = 2
    for row in range(3):
        image.header[f"srow_{'xyz'[row]}"] = affine[row]
    image.set_sform(affine, 2)
    nib.save(nib.Nifti1Image(np.ones(SHAPE), None, image.header), tmp_path / "odd.nii")
    with pytest.raises(DataError, match=rf"odd\.nii: the affine in its header {message}"):
        read_image(tmp_path / "odd.nii")


def test_labels_on_another_shape_or_affine_are_refused(write_image):
    image = read_image(write_image("image.nii.gz", np.ones(SHAPE)))
    with pytest.raises(DataError, match="another grid"):
        read_labels(write_image("cut.nii.gz", np.ones((6, 8, 6))), image)
    moved = np.eye(4)
    moved[0, 3] = 0.5
    with pytest.raises(DataError, match="another position or orientation"):
        read_labels(write_image("moved.nii.gz", np.ones(SHAPE), moved), image)


def test_labels_that_were_interpolated_are_refused(write_image):
    image = read_image(write_image("image.nii.gz", np.ones(SHAPE)))
    with pytest.raises(DataError, match="not whole numbers"):
        read_labels(write_image("blurred.nii.gz", np.full(SHAPE, 1002.5)), image)


def save(path, data, change=lambda header: None, affine=None):
    image = nib.Nifti1Image(data, np.diag([2.0, 1, 1.5, 1]) if affine is None else affine, dtype=data.dtype)
    change(image.header)
    nib.save(image, path)
    return path


@pytest.mark.parametrize(
    ("ids", "dtype", "kept"),
    [
        ((614454277, 614454278), np.int32, np.int32),
        ((1, 4000000000), np.uint32, np.uint32),
        ((5, 2**40 + 1), np.int64, np.int64),
        ((16777217, 16777216), np.float64, np.int32),
        ((3, 255), np.uint8, np.int32),
    ],
)
def test_label_ids_stay_apart_and_as_large_as_the_files_type_holds(ids, dtype, kept, tmp_path):
    """Counted by nibabel from the very file; 32-bit floats would make one of neighbours above 2^24."""
    data = np.zeros(SHAPE, dtype=dtype)
    data[1:3], data[3:5, 2:] = ids
    labels = read_labels(save(tmp_path / "labels.nii.gz", data))
    expected = np.unique(np.asarray(nib.load(tmp_path / "labels.nii.gz").dataobj), return_counts=True)
    assert [found.tolist() for found in np.unique(labels.data, return_counts=True)] == [
        one.tolist() for one in expected
    ]
    assert label_type(labels.data) is kept
    write_volume(tmp_path / "again.nii.gz", labels, label_type(labels.data))
    again = nib.load(tmp_path / "again.nii.gz")
    assert again.get_data_dtype() == kept
    assert np.array_equal(np.asarray(again.dataobj), labels.data)
    theirs = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "again.nii.gz"))).T
    assert np.array_equal(theirs, labels.data)


def test_label_ids_beyond_64_bits_are_refused(tmp_path):
    with pytest.raises(DataError, match="more than 64 bits hold"):
        read_labels(save(tmp_path / "labels.nii.gz", np.full(SHAPE, 2**64 - 1, dtype=np.uint64)))


@pytest.mark.parametrize("read", [read_image, read_labels])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_refused(read, dtype, tmp_path):
    with pytest.raises(DataError, match="complex numbers"):
        read(save(tmp_path / "scan.nii.gz", np.full(SHAPE, 3 + 4j, dtype=dtype)))


def test_colours_are_refused(tmp_path):
    colours = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(DataError, match="colours"):
        read_image(save(tmp_path / "scan.nii.gz", colours))


@pytest.mark.parametrize(("unit", "millimetres"), [("meter", 1e3), ("micron", 1e-3), ("mm", 1.0), ("unknown", 1.0)])
def test_units_of_length_are_converted_as_itk_does(unit, millimetres, tmp_path, random):
    in_mm = np.array([[-2.0, 0, 0, 90], [0, 0, 1.5, -126], [0, 1, 0, -72], [0, 0, 0, 1]])
    affine = np.diag([1 / millimetres] * 3 + [1]) @ in_mm
    path = save(
        tmp_path / "scan.nii.gz", random.random(SHAPE).astype(np.float32), lambda h: h.set_xyzt_units(unit), affine
    )
    volume, theirs = read_image(path), sitk.ReadImage(str(path))
    assert np.allclose(volume.affine, in_mm, rtol=1e-4)
    assert np.allclose(theirs.GetSpacing(), volume.spacing, rtol=1e-4)
    assert np.allclose(np.array(theirs.GetOrigin()) * [-1, -1, 1], volume.affine[:3, 3], rtol=1e-4)


def without_position(folder, kind, data):
    """A file that tells voxel sizes of 1, 2 and 3 mm and nothing else."""
    path = folder / f"{kind}.nii.gz" if kind == "nifti" else folder / f"{kind}.img"
    image = (nib.Nifti1Image if kind == "nifti" else nib.AnalyzeImage)(data.astype(np.float32), None)
    image.header.set_zooms((1.0, 2.0, 3.0))
    nib.save(image, path)
    return path


@pytest.mark.parametrize("kind", ["nifti", "analyze"])
def test_a_header_without_a_position_is_refused_unless_its_axes_are_stated(tmp_path, random, kind):
    path = without_position(tmp_path, kind, random.random(SHAPE))
    for read in (read_image, read_labels):
        with pytest.raises(DataError, match="no position in space") as caught:
            read(path)
        assert "orientation" in caught.value.remedy
    volume = read_image(path, "PSR")
    assert nib.aff2axcodes(volume.affine) == ("P", "S", "R")
    assert volume.spacing.tolist() == [1, 2, 3]
    assert np.allclose(volume.affine @ [*np.subtract(SHAPE, 1) / 2, 1], [0, 0, 0, 1])
    assert np.array_equal(read_image(path, "LAS").affine, nib.load(path).affine)


def test_a_position_in_the_header_stands_whatever_is_stated(write_image, random):
    path = write_image("scan.nii.gz", random.random(SHAPE), np.diag([-1.0, 1, 1, 1]))
    assert np.array_equal(read_image(path, "RAS").affine, np.diag([-1.0, 1, 1, 1]))


def test_spms_matrix_beside_an_analyze_file_is_its_position(tmp_path, random):
    affine = np.array([[0, -2.0, 0, 9], [1, 0, 0, -6], [0, 0, 3, 2], [0, 0, 0, 1]])
    nib.save(nib.Spm99AnalyzeImage(random.random(SHAPE).astype(np.float32), affine), tmp_path / "spm.img")
    assert np.allclose(read_image(tmp_path / "spm.img").affine, affine)
