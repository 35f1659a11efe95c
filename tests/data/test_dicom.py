import shutil
from collections import defaultdict

import numpy as np
import pydicom
import pytest
from scipy.spatial.transform import Rotation

from spnet.data.dicom import read_series
from spnet.data.labels import LabelSet
from spnet.data.layouts import find_subjects
from spnet.data.nifti import Volume, reoriented, write_volume
from spnet.data.raw import read_raw
from spnet.errors import DataError
from spnet.registration.output import scan_checksums
from spnet.registration.scan import ScanFiles, read_native
from spnet.virtual.knee import KneeOptions, virtual_knee, write_virtual_knee

OPTIONS = KneeOptions(matrix=64, slices=32)
NAME = "9001104"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("knee")
    write_virtual_knee(NAME, OPTIONS, 0, folder / "dicom", folder / "mask.mhd")
    return folder / "dicom"


@pytest.fixture
def folder(written, tmp_path):
    """A copy to break, with a file that is not DICOM."""
    copy = tmp_path / "dicom"
    shutil.copytree(written, copy)
    (copy / "README").write_text("Sagittal DESS and a localiser")
    return copy


def dess(folder):
    """Paths of the DESS slices from left to right, as pydicom sees them."""
    found = defaultdict(list)
    for path in folder.iterdir():
        if path.name != "README":
            header = pydicom.dcmread(path, stop_before_pixels=True)
            found["DESS" in header.SeriesDescription].append((float(header.InstanceNumber), path))
    return [path for _, path in sorted(found[True])]


def rewrite(path, **tags):
    slice_ = pydicom.dcmread(path)
    for tag, value in tags.items():
        setattr(slice_, tag, value)
    slice_.save_as(path)


def refused(folder, message, wanted="DESS"):
    with pytest.raises(DataError, match=message) as caught:
        read_series(folder, wanted)
    assert caught.value.remedy
    return caught.value.path


def test_a_series_survives_writing_and_reading(folder):
    image, _, side = virtual_knee(NAME, OPTIONS, 0)
    series = read_series(folder, "sag_3d_dess")
    assert series.description == f"SAG_3D_DESS_{side.upper()}" and series.patient == NAME
    assert series.volume.data.dtype == np.float32 and series.volume.data.shape == (64, 64, 32)
    assert np.abs(series.volume.data - image.data).max() <= 0.5
    assert np.allclose(series.volume.affine, image.affine, atol=1e-5)


def test_every_voxel_lies_where_its_slice_says_also_in_an_oblique_series(folder):
    rotation = Rotation.from_euler("xyz", [10, -20, 5], degrees=True).as_matrix()
    marks = {}
    for number, path in enumerate(dess(folder)):
        item = pydicom.dcmread(path)
        item.ImageOrientationPatient = [
            f"{value:.8f}"
            for value in (rotation @ np.reshape(item.ImageOrientationPatient, (2, 3)).T.astype(float)).T.flat
        ]
        item.ImagePositionPatient = [f"{v:.8f}" for v in rotation @ np.array(item.ImagePositionPatient, float)]
        row, column = 3 + number, 40 - number
        pixels = np.zeros((64, 64), np.int16)
        pixels[row, column] = 1000 + number
        item.PixelData = pixels.tobytes()
        item.save_as(path)
        along_row, along_column = np.reshape(item.ImageOrientationPatient, (2, 3)).astype(float)
        between_rows, between_columns = map(float, item.PixelSpacing)
        lps = np.array(item.ImagePositionPatient, float)
        lps = lps + column * between_columns * along_row + row * between_rows * along_column
        marks[1000 + number] = lps * [-1, -1, 1]
    volume = read_series(folder, "DESS").volume
    index = np.argwhere(volume.data > 0)
    assert len(index) == len(marks) == 32
    for ijk in index:
        world = volume.affine[:3] @ [*ijk, 1]
        assert np.allclose(world, marks[round(float(volume.data[tuple(ijk)]))], atol=1e-3)


def test_file_names_do_not_matter(folder):
    expected = read_series(folder, "DESS").volume
    for number, path in enumerate(reversed(dess(folder))):
        path.rename(folder / f"{(7 * number) % 32:03}.dcm")
    volume = read_series(folder, "DESS").volume
    assert np.array_equal(volume.data, expected.data) and np.array_equal(volume.affine, expected.affine)


def test_a_folder_that_is_not_there_or_holds_no_dicom_is_named(tmp_path):
    assert refused(tmp_path / "no", "no such folder") == tmp_path / "no"
    (tmp_path / "README").write_text("nothing here")
    assert refused(tmp_path, "no DICOM image") == tmp_path


def test_the_series_that_are_there_are_listed_if_the_wanted_one_is_not(folder):
    assert refused(folder, "'T2_MAP', only as '3_PLANE_LOCALIZER', 'SAG_3D_DESS_", wanted="T2_MAP") == folder


def test_two_series_of_one_description_are_named_with_their_slices(folder):
    for number, path in enumerate(dess(folder)[:5]):
        second = folder / f"second{number}"
        shutil.copy(path, second)
        rewrite(second, SeriesInstanceUID="2.25.42")
    assert refused(folder, r"2 series .*'DESS': .*2\.25\.42 \('SAG_3D_DESS_\w+', 5 slices\)") == folder


@pytest.mark.parametrize("gone", [[9], [9, 10, 11]], ids=["one", "three"])
def test_missing_slices_are_counted_and_placed(folder, gone):
    paths = dess(folder)
    for index in gone:
        paths[index].unlink()
    count = "1 slice" if len(gone) == 1 else "3 slices"
    assert refused(folder, f"{count} missing after slice 9 of {32 - len(gone)}") == paths[8]


def test_a_slice_that_is_there_twice_is_named(folder):
    path = dess(folder)[4]
    shutil.copy(path, folder / "again")
    assert refused(folder, "two slices lie at one position") in (path, folder / "again")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"PixelSpacing": [2.0, 2.1]}, "another pixel spacing"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0.1, -0.995]}, "another orientation"),
        ({"PixelSpacing": [0, 0]}, "pixel spacing of this slice is 0 x 0"),
        ({"PixelSpacing": [-1, 1]}, "pixel spacing of this slice is -1 x 1"),
        ({"PixelSpacing": None}, "does not tell its pixel spacing"),
        ({"ImagePositionPatient": None}, "does not tell its position"),
        ({"ImageOrientationPatient": None}, "does not tell its orientation"),
        ({"PixelData": bytes(4000)}, "truncated"),
    ],
)
def test_a_slice_unlike_the_others_or_without_its_place_is_named(folder, tags, message):
    path = dess(folder)[20]
    rewrite(path, **tags)
    assert refused(folder, f"{message}") in (path, dess(folder)[0])


def test_slices_that_slide_aside_are_refused(folder):
    for number, path in enumerate(dess(folder)):
        position = pydicom.dcmread(path).ImagePositionPatient
        rewrite(path, ImagePositionPatient=[position[0], float(position[1]) + 0.5 * number, position[2]])
    assert refused(folder, "shear") == folder


def test_one_slice_is_not_a_volume(folder):
    for path in dess(folder)[1:]:
        path.unlink()
    assert refused(folder, "1 slice where a volume needs many") == folder


# The last slice: left out of the series without a word, it would not even leave a gap.
@pytest.mark.parametrize("explicit", [False, True], ids=["implicit", "explicit"])
@pytest.mark.parametrize("kept", [-1, -10, 0.5, 0.1, 100, 0])
def test_a_truncated_slice_is_named_wherever_it_ends(folder, kept, explicit):
    path = dess(folder)[-1]
    if explicit:
        item = pydicom.dcmread(path)
        item.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        item.save_as(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    assert refused(folder, "truncated, damaged or not an image") == path


def test_an_enhanced_file_of_many_frames_is_refused_by_name(folder):
    first, *others = dess(folder)
    for path in others:
        path.unlink()
    item = pydicom.dcmread(first)
    item.NumberOfFrames, item.PixelData = 2, 2 * item.PixelData
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    item.save_as(first)
    assert refused(folder, r"2 slices \(enhanced multi-frame\)") == first


@pytest.fixture
def converted_labels(folder):
    """Labels on the series, stored along the axes that a converter chose."""
    volume = read_series(folder, "DESS").volume
    ids = (volume.data > np.median(volume.data)).astype(np.int16)
    other = reoriented(Volume(ids, volume.affine), "LPI")
    assert other.data.shape != ids.shape
    write_volume(folder.parent / "labels.nii.gz", other, np.int16)
    return folder.parent / "labels.nii.gz", ids


def test_a_table_takes_a_folder_with_a_series_of_whatever_patient(folder, converted_labels):
    """The names in one's own table are one's own."""
    path, ids = converted_labels
    table = folder.parent / "subjects.tsv"
    table.write_text(f"subject\timage\tlabels\tsplit\nmine\tdicom\t{path.name}\ttest\n")
    entry = {"layout": "table", "table": table.name, "leave_out": {}, "title": "Mine"}
    (subject,) = find_subjects(folder.parent, entry)
    raw = read_raw(subject, LabelSet(scored=(1,)), "DESS")
    expected = read_series(folder, "DESS").volume
    assert np.array_equal(raw.image.data, expected.data) and np.array_equal(raw.image.affine, expected.affine)
    assert np.array_equal(raw.labels.data, ids)


def test_spnet_register_reads_a_folder_with_a_series(folder, converted_labels):
    path, ids = converted_labels
    image, labels = read_native(ScanFiles(folder, path), series="DESS")
    assert np.array_equal(image.data, read_series(folder, "DESS").volume.data)
    assert np.array_equal(labels.data, ids)


def test_a_folders_checksum_changes_with_any_of_its_files(folder):
    before = scan_checksums(ScanFiles(folder))["image"]
    assert before == scan_checksums(ScanFiles(folder))["image"]
    rewrite(dess(folder)[3], PatientName="Someone^Else")
    assert before != scan_checksums(ScanFiles(folder))["image"]
