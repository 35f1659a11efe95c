"""What a person can get wrong, each through the entry point that a run takes: refused with the file and a remedy, and
nothing written; or, where nothing is wrong after all, prepared as ever.
"""

import dataclasses
import gzip
import shutil
import tarfile

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from spnet.data.archives import unpack
from spnet.data.labels import LABEL_SETS
from spnet.data.layouts import Subject, find_subjects
from spnet.data.layouts.oai_zib import write_paths
from spnet.data.nifti import read_image
from spnet.data.options import PreprocessOptions
from spnet.data.preprocess import preprocess
from spnet.data.raw import read_raw
from spnet.errors import DataError
from spnet.preparation import prepare_subject
from spnet.virtual.brain import VirtualOptions, write_virtual_subject
from spnet.virtual.head import HeadOptions, write_virtual_head
from spnet.virtual.knee import KneeOptions, write_virtual_knee

DKT50, CANDI28, OAI4 = (LABEL_SETS[name] for name in ("dkt50", "candi28", "oai4"))
BRAIN_GRID = PreprocessOptions("mni152", 4.0, (40, 48, 40))
HEAD_GRID = dataclasses.replace(BRAIN_GRID, skull_strip="labels", dilation=4.0)
# How virtual masks are stored.
OWN_PLACEMENT, UPSIDE_DOWN = "+1 -2 +0", "+1 +2 +0"
RIGHT, LEFT = "9000001", "9000003"
SERIES = "SAG_3D_DESS"

ENTRY = {
    "title": "T",
    "source": {"page": "https://there", "account": None, "terms": "free", "files": ["a.tar.gz"], "archives": []},
    "complete": True,
    "split": None,
    "leave_out": {},
    "table": None,
    "virtual": None,
}
COHORT = {"OASIS-TRT-20": {"split": "test", "subjects": 2}}
TABLE = ENTRY | {"layout": "table", "cohorts": {}, "table": "subjects.tsv"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Raw files of two brains, a head and two knees, which tests copy before they break them."""
    root = tmp_path_factory.mktemp("written")
    for name in ("brain", "other"):
        (root / name).mkdir()
        options = VirtualOptions(spacing=3.0)
        write_virtual_subject(name, options, 0, root / name / "image.nii.gz", root / name / "labels.nii.gz")
    (root / "head").mkdir()
    write_virtual_head("head", HeadOptions(spacing=3.0), 0, root / "head/image.nii.gz", root / "head/labels.nii.gz")
    for name in (RIGHT, LEFT):
        options = KneeOptions(matrix=64, slices=32, cartilage=3.5)
        write_virtual_knee(name, options, 0, root / name / "dicom", root / name / "mask.mhd")
    return root


@pytest.fixture
def take(written, tmp_path):
    """Function from a name to that subject, its files copied to where they can be broken."""

    def copy(name):
        folder = tmp_path / "raw" / name
        shutil.copytree(written / name, folder)
        if (folder / "dicom").is_dir():
            return Subject(name, "test", folder / "dicom", folder / "mask.mhd", patient=name)
        return Subject(name, "test", folder / "image.nii.gz", folder / "labels.nii.gz")

    return copy


@pytest.fixture(scope="module")
def knee_grid(written):
    labels = sitk.GetArrayFromImage(sitk.ReadImage(written / LEFT / "mask.mhd"))
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    target = written / "target.nii.gz"
    raw = read_raw(Subject(LEFT, "test", written / LEFT / "dicom", None), OAI4, SERIES).image
    nib.save(nib.Nifti1Image(raw.data, raw.affine), target)
    return PreprocessOptions(
        str(target), 3.5, (40, 40, 32), series=SERIES, flip="right_to_left", affine="aligned", min_correlation=0.0
    )


@pytest.fixture
def refuse(tmp_path, knee_grid):
    """Function that sees a subject refused by every entry point, the file named, and nothing written."""

    def check(subject, message, *named, options=None, labels=None):
        kind = "knee" if subject.image.is_dir() else "head" if subject.image.parent.name == "head" else "brain"
        own, protocol = {"knee": (knee_grid, OAI4), "head": (HEAD_GRID, CANDI28), "brain": (BRAIN_GRID, DKT50)}[kind]
        before = everything(tmp_path)
        with pytest.raises(DataError, match=message) as caught:
            prepare_subject(subject, options or own, labels or protocol, tmp_path / "prepared" / subject.subject)
        assert everything(tmp_path) == before
        assert caught.value.path in named and str(caught.value.path) in str(caught.value)
        assert caught.value.remedy

    return check


def everything(folder):
    return {path: path.stat().st_size if path.is_file() else None for path in folder.rglob("*")}


def nifti(path, change=lambda data: data, affine=None, dtype=None, shape=None):
    """Rewrite a NIfTI file, its voxels changed, on another affine, as another type or in another shape."""
    image = nib.load(path)
    data = np.asarray(change(np.asarray(image.dataobj).copy()))
    data = data.astype(dtype or data.dtype).reshape(shape or data.shape)
    nib.save(nib.Nifti1Image(data, image.affine if affine is None else affine), path)


def dicom(folder, series=SERIES):
    """Paths of a series' slices from right to left."""
    items = [(pydicom.dcmread(path, stop_before_pixels=True), path) for path in folder.iterdir()]
    items = [(item, path) for item, path in items if series in item.SeriesDescription]
    return [path for _, path in sorted(items, key=lambda pair: float(pair[0].ImagePositionPatient[0]))]


def retag(paths, **tags):
    for path in paths:
        item = pydicom.dcmread(path)
        for tag, value in tags.items():
            setattr(item, tag, value)
        item.save_as(path)


FILES = pytest.mark.parametrize("which", ["image", "labels"])


def test_whole_subjects_are_prepared(take, knee_grid):
    """Or all that is refused below could be refused for another reason."""
    for name, options, protocol in (
        ("brain", BRAIN_GRID, DKT50),
        ("head", HEAD_GRID, CANDI28),
        (RIGHT, knee_grid, OAI4),
        (LEFT, knee_grid, OAI4),
    ):
        prepared = preprocess(take(name), options, protocol)
        assert prepared.image.data.any() and prepared.labels.data.any()


def test_a_missing_slice_is_refused(take, refuse):
    knee = take(RIGHT)
    slices = dicom(knee.image)
    slices[11].unlink()
    refuse(knee, "1 slice missing", slices[10], slices[12], knee.image)


def test_two_series_of_one_description_are_refused(take, refuse):
    knee = take(RIGHT)
    again = [shutil.copy(path, path.with_name(f"again-{path.name}")) for path in dicom(knee.image)]
    retag(again, SeriesInstanceUID="2.25.42")
    refuse(knee, "2 series", knee.image)


@pytest.mark.parametrize(("own", "others"), [(RIGHT, LEFT), (LEFT, RIGHT)])
def test_the_mask_of_another_knee_is_refused(take, refuse, own, others):
    other = take(others).labels
    refuse(dataclasses.replace(take(own), labels=other), "another subject|subject's", other)


def test_the_series_of_another_person_is_refused(take, refuse):
    first, second = take(RIGHT), take(LEFT)
    refuse(dataclasses.replace(first, image=second.image), f"'{LEFT}', not of '{RIGHT}'", second.image)
    retag(dicom(first.image), PatientID="9999999")
    refuse(first, f"'9999999', not of '{RIGHT}'", first.image)


def test_the_labels_of_another_brain_are_refused_though_they_lie_on_the_same_grid(take, refuse):
    first, second = take("brain"), take("other")
    nifti(second.labels, affine=nib.load(first.image).affine)
    assert nib.load(second.labels).shape == nib.load(first.image).shape
    refuse(dataclasses.replace(first, labels=second.labels), "another subject", second.labels)


def test_a_mask_without_its_voxels_is_refused(take, refuse):
    knee = take(RIGHT)
    knee.labels.with_suffix(".raw").unlink()
    refuse(knee, "not beside", knee.labels, knee.labels.with_suffix(".raw"))


@pytest.mark.parametrize("kept", [0.3, 0.9, -1])
def test_a_truncated_archive_is_refused_and_leaves_nothing(take, tmp_path, kept):
    brain = take("brain")
    archive = tmp_path / "OASIS-TRT-20_volumes.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(brain.image.parent, "OASIS-TRT-20_volumes/OASIS-TRT-20-1")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(kept * len(whole)) if kept > 0 else kept])
    before = everything(tmp_path)
    with pytest.raises(DataError, match="truncated or damaged") as caught:
        unpack(archive, tmp_path / "data" / "mindboggle101")
    assert caught.value.path == archive and caught.value.remedy
    assert everything(tmp_path) == before


@pytest.mark.parametrize("value", [1002.5, 1002.01, np.nan, np.inf])
def test_labels_that_are_no_whole_numbers_are_refused(take, refuse, value):
    brain = take("brain")

    def change(data):
        data = data.astype(np.float32)
        data[tuple(np.argwhere(data == 1002)[0])] = value
        return data

    nifti(brain.labels, change)
    refuse(brain, "not whole numbers", brain.labels)


def test_labels_stored_as_floats_that_are_whole_numbers_are_accepted(take):
    brain = take("brain")
    expected = preprocess(brain, BRAIN_GRID, DKT50).labels.data
    nifti(brain.labels, dtype=np.float64)
    assert np.array_equal(preprocess(brain, BRAIN_GRID, DKT50).labels.data, expected)


@pytest.mark.parametrize("ones", [(1,), (1, 1)], ids=["four axes", "five axes"])
def test_further_axes_of_one_entry_are_accepted_for_image_and_labels(take, ones):
    brain = take("brain")
    expected = preprocess(brain, BRAIN_GRID, DKT50)
    shape = (*nib.load(brain.image).shape, *ones)
    for path in (brain.image, brain.labels):
        nifti(path, shape=shape)
        assert nib.load(path).shape == shape
    prepared = preprocess(brain, BRAIN_GRID, DKT50)
    assert np.array_equal(prepared.image.data, expected.image.data)
    assert np.array_equal(prepared.labels.data, expected.labels.data)


@FILES
def test_a_real_fourth_axis_is_refused(take, refuse, which):
    brain = take("brain")
    path = getattr(brain, which)
    nifti(path, lambda data: np.stack([data, data], axis=-1))
    refuse(brain, "3-D volume is needed", path)


@FILES
@pytest.mark.parametrize("size", [0.0, -3.0, np.nan], ids=["zero", "negative", "nan"])
@pytest.mark.parametrize("axis", [0, 2])
def test_a_voxel_size_that_cannot_be_is_refused(take, refuse, which, size, axis):
    brain = take("brain")
    path = getattr(brain, which)
    content = bytearray(gzip.decompress(path.read_bytes()))
    # pixdim[1], [2] and [3], 32-bit floats, begin at byte 80 of a NIfTI-1 header.
    assert np.isclose(np.frombuffer(content[80:92], "<f4"), nib.load(path).header.get_zooms(), rtol=1e-6).all()
    content[80 + 4 * axis : 84 + 4 * axis] = np.float32(size).tobytes()
    path.write_bytes(gzip.compress(bytes(content)))
    refuse(brain, "voxel sizes", path)


def turn(degrees):
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine, 0, 0], [sine, cosine, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


@FILES
@pytest.mark.parametrize(
    "other",
    [np.diag([-1.0, 1, 1, 1]), turn(10), np.array([[1, 0, 0, 5.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])],
    ids=["mirrored", "rotated", "shifted"],
)
def test_two_positions_that_disagree_are_refused(take, refuse, which, other):
    brain = take("brain")
    path = getattr(brain, which)
    image = nib.load(path)
    changed = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
    changed.set_sform(image.affine, 1)
    changed.set_qform(other @ image.affine, 1)
    nib.save(changed, path)
    refuse(brain, "two positions", path)


def test_two_positions_of_which_one_is_declared_unknown_do_not_disagree(take):
    brain = take("brain")
    expected = preprocess(brain, BRAIN_GRID, DKT50)
    for path in (brain.image, brain.labels):
        image = nib.load(path)
        changed = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
        changed.set_qform(turn(40) @ image.affine, 1)
        changed.header["qform_code"] = 0
        changed.set_sform(image.affine, 1)
        nib.save(changed, path)
    prepared = preprocess(brain, BRAIN_GRID, DKT50)
    assert np.allclose(prepared.image.data, expected.image.data, atol=1e-3)


@pytest.mark.parametrize("name", ["brain", "head"])
def test_left_labels_on_the_right_are_refused(take, refuse, name):
    subject = take(name)
    for path in (subject.image, subject.labels):
        nifti(path, affine=np.diag([-1.0, 1, 1, 1]) @ nib.load(path).affine)
    refuse(subject, "mirrored", subject.labels)


def test_labels_of_swapped_sides_are_refused(take, refuse):
    brain = take("brain")
    nifti(brain.labels, lambda data: np.where(data > 0, np.where(data >= 2000, data - 1000, data + 1000), 0))
    refuse(brain, "mirrored", brain.labels)


def test_a_mask_placed_upside_down_is_refused(take, refuse, knee_grid):
    knee = take(RIGHT)
    preprocess(knee, dataclasses.replace(knee_grid, mask_placement=OWN_PLACEMENT), OAI4)
    options = dataclasses.replace(knee_grid, mask_placement=UPSIDE_DOWN)
    refuse(knee, "the femur does not lie above the tibia", knee.labels, options=options)


def test_a_knee_that_stands_on_its_head_is_refused(take, refuse):
    """Its header says so; the mask lies on the image as ever."""
    knee = take(RIGHT)
    for path in dicom(knee.image):
        item = pydicom.dcmread(path)
        first, second = (np.array(item.ImageOrientationPatient[part], float) for part in (slice(3), slice(3, 6)))
        upside_down = np.array([1, 1, -1])
        item.ImageOrientationPatient = [*(first * upside_down), *(second * upside_down)]
        item.ImagePositionPatient = list(np.array(item.ImagePositionPatient, float) * upside_down)
        item.save_as(path)
    refuse(knee, "the femur does not lie above the tibia", knee.labels)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_with_a_voxel_that_is_no_number_is_refused(take, refuse, value):
    brain = take("brain")

    def change(data):
        data = data.astype(np.float32)
        data[2, 3, 4] = value
        return data

    nifti(brain.image, change)
    refuse(brain, "NaN or infinite", brain.image)


def test_an_empty_image_is_refused(take, refuse):
    brain = take("brain")
    nifti(brain.image, np.zeros_like)
    refuse(brain, "zero everywhere", brain.image)


@pytest.mark.parametrize("affine", ["aligned", "register"])
def test_an_empty_series_is_refused(take, refuse, knee_grid, affine):
    knee = dataclasses.replace(take(RIGHT), labels=None, split="train")
    for path in dicom(knee.image):
        retag([path], PixelData=bytes(len(pydicom.dcmread(path).PixelData)))
    refuse(knee, None, knee.image, options=dataclasses.replace(knee_grid, affine=affine))


@pytest.mark.parametrize("name", ["brain", "head"])
def test_empty_labels_are_refused(take, refuse, name):
    subject = take(name)
    nifti(subject.labels, np.zeros_like)
    refuse(subject, None, subject.labels)


def test_a_head_without_labels_to_strip_it_by_is_refused(take, refuse):
    head = dataclasses.replace(take("head"), labels=None, split="train")
    refuse(head, "no labels to strip", head.image)


def test_a_knee_whose_side_nothing_tells_is_refused_unless_a_table_does(take, refuse, knee_grid):
    knee = take(RIGHT)
    expected = preprocess(knee, knee_grid, OAI4)
    retag(dicom(knee.image), SeriesDescription=SERIES)
    refuse(knee, "left or a right knee", knee.image)
    told = preprocess(dataclasses.replace(knee, side="right"), knee_grid, OAI4)
    assert told.record["flipped"] is True
    assert np.array_equal(told.image.data, expected.image.data)
    assert preprocess(dataclasses.replace(knee, side="left"), knee_grid, OAI4).record["flipped"] is False


def test_a_knee_that_series_and_table_contradict_is_refused(take, refuse, knee_grid):
    for name, side, wrong in ((RIGHT, "right", "left"), (LEFT, "left", "right")):
        knee = take(name)
        preprocess(dataclasses.replace(knee, side=side), knee_grid, OAI4)
        refuse(dataclasses.replace(knee, side=wrong), f"of a {side} knee.*says {wrong}", knee.image)


# Datasets, as `find_subjects` sees them and the preparation then reads them.


def lay_out(layout, written, root):
    """A dataset of real (virtual) scans in the release's own folders, and its entry in datasets.yaml."""
    if layout == "mindboggle101":
        for number, name in enumerate(("brain", "other"), start=1):
            folder = root / "OASIS-TRT-20_volumes" / f"OASIS-TRT-20-{number}"
            folder.mkdir(parents=True)
            shutil.copy(written / name / "image.nii.gz", folder / "t1weighted_brain.nii.gz")
            shutil.copy(written / name / "labels.nii.gz", folder / "labels.DKT31.manual.nii.gz")
        return ENTRY | {"layout": layout, "cohorts": COHORT}
    if layout == "candi":
        folder = root / "SchizBull_2008" / "HC" / "HC_001"
        folder.mkdir(parents=True)
        shutil.copy(written / "head" / "image.nii.gz", folder / "HC_001_procimg.nii.gz")
        shutil.copy(written / "head" / "labels.nii.gz", folder / "HC_001_seg.nii.gz")
        split = {"file": None, "seed": 0, "counts": {"train": 0, "validation": 0, "test": 1}}
        return ENTRY | {"layout": layout, "cohorts": {"HC": {"split": None, "subjects": 1}}, "split": split}
    for name in (RIGHT, LEFT):
        shutil.copytree(written / name / "dicom", root / "00m" / "0.C.2" / name / "20040101" / f"1{name}")
        for suffix in (".mhd", ".raw"):
            place = root / "segmentation" / "segmentation_masks" / f"{name}.segmentation_masks{suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy((written / name / "mask.mhd").with_suffix(suffix), place)
        mask = place.with_suffix(".mhd")
        mask.write_text(mask.read_text().replace("mask.raw", place.with_suffix(".raw").name))
    split = {"file": None, "seed": 0, "counts": {"train": 1, "validation": 0, "test": 1}}
    cohorts = {"OAI-ZIB": {"split": None, "subjects": 3}}
    entry = ENTRY | {"layout": layout, "cohorts": cohorts, "split": split}
    write_paths(entry["cohorts"], root / "segmentation" / "doc" / "oai_mri_paths.txt")
    listing = root / "segmentation" / "doc" / "oai_mri_paths.txt"
    lines = listing.read_text().splitlines(keepends=True)
    listing.write_text("".join(line for line in lines if line.startswith((RIGHT, LEFT))))
    return entry


@pytest.mark.parametrize("layout", ["mindboggle101", "candi", "oai_zib"])
@pytest.mark.parametrize("place", ["data/set", "data", "data/set/inner", "data/inner/set"])
def test_a_root_one_folder_too_high_or_too_low_still_leads_to_scans_that_can_be_read(written, tmp_path, layout, place):
    entry = lay_out(layout, written, tmp_path / place)
    found = find_subjects(tmp_path / "data" / "set", entry)
    assert len(found) == (1 if layout == "candi" else 2)
    for subject in found:
        series = SERIES if layout == "oai_zib" else None
        protocol = {"mindboggle101": DKT50, "candi": CANDI28, "oai_zib": OAI4}[layout]
        assert read_raw(subject, protocol, series).labels.data.any()


def refused(function, message, path):
    with pytest.raises(DataError, match=message) as caught:
        function()
    assert caught.value.path == path and str(path) in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("layout", ["mindboggle101", "candi", "oai_zib"])
def test_a_root_two_folders_off_is_refused_with_the_place_to_look_at(written, tmp_path, layout):
    entry = lay_out(layout, written, tmp_path / "data" / "far" / "off" / "and" / "deep" / "set")
    refused(lambda: find_subjects(tmp_path / "data" / "set", entry), "raw scans are missing", tmp_path / "data" / "set")


@pytest.mark.parametrize("second", ["train", "test"])
def test_one_id_twice_in_a_table_is_refused(written, tmp_path, second):
    for name in ("brain", "other"):
        shutil.copytree(written / name, tmp_path / name)
    rows = [f"01\t{name}/image.nii.gz\t{name}/labels.nii.gz\t" for name in ("brain", "other")]
    table = "\n".join(["subject\timage\tlabels\tsplit", rows[0] + "test", rows[1] + second]) + "\n"
    (tmp_path / "subjects.tsv").write_text(table)
    with pytest.raises(DataError, match="'01' is listed") as caught:
        find_subjects(tmp_path, TABLE)
    assert caught.value.path in (tmp_path, tmp_path / "subjects.tsv") and caught.value.remedy


@pytest.mark.parametrize("second", ["train", "test"])
def test_one_id_twice_in_a_split_file_is_refused(written, tmp_path, second):
    entry = lay_out("oai_zib", written, tmp_path / "oai")
    path = tmp_path / "oai.tsv"
    path.write_text(f"subject\tsplit\n{RIGHT}\ttest\n{LEFT}\ttrain\n{RIGHT}\t{second}\n")
    entry["split"] = entry["split"] | {"file": str(path)}
    refused(lambda: find_subjects(tmp_path / "oai", entry), f"'{RIGHT}' is there twice", path)


def test_the_oais_table_tells_sides_and_its_contradiction_with_a_series_is_refused(
    written, tmp_path, refuse, knee_grid
):
    entry = lay_out("oai_zib", written, tmp_path / "oai")
    table = "ID|V00MRBARCD|V00MRSIDE\n1|01661{}|{}\n1|01661{}|{}\n"
    codes = [f"1{name}"[-8:] for name in (RIGHT, LEFT)]
    (tmp_path / "oai" / "mri00.txt").write_text(table.format(codes[0], "1: Right", codes[1], "1: Right"))
    subjects = {subject.subject: subject for subject in find_subjects(tmp_path / "oai", entry)}
    assert preprocess(subjects[RIGHT], knee_grid, OAI4).record["flipped"] is True
    refuse(subjects[LEFT], "of a left knee, the dataset's table says right", subjects[LEFT].image)


def test_without_a_table_and_a_hint_in_the_series_a_knee_of_the_oai_is_refused(written, tmp_path, refuse, knee_grid):
    entry = lay_out("oai_zib", written, tmp_path / "oai")
    subjects = {subject.subject: subject for subject in find_subjects(tmp_path / "oai", entry)}
    retag(dicom(subjects[RIGHT].image), SeriesDescription=SERIES)
    refuse(subjects[RIGHT], "left or a right knee", subjects[RIGHT].image)
    codes = [f"1{name}"[-8:] for name in (RIGHT, LEFT)]
    rows = f"1|01661{codes[0]}|1: Right\n1|01661{codes[1]}|2: Left\n"
    (tmp_path / "oai" / "mri00.txt").write_text("ID|V00MRBARCD|V00MRSIDE\n" + rows)
    subjects = {subject.subject: subject for subject in find_subjects(tmp_path / "oai", entry)}
    assert preprocess(subjects[RIGHT], knee_grid, OAI4).record["flipped"] is True


@pytest.mark.parametrize("name", ["two.nii", "two.nii.gz", "pair.img", "pair.hdr", "swapped.nii"])
def test_a_scan_is_read_in_whichever_nifti_format_it_is_stored(take, tmp_path, name):
    """Pairs, NIfTI-2 and the other byte order are no mistakes."""
    image = nib.load(take("brain").image)
    data = np.asarray(image.dataobj)
    if name.startswith("two"):
        nib.save(nib.Nifti2Image(data, image.affine), tmp_path / name)
    elif name.startswith("pair"):
        nib.save(nib.Nifti1Pair(data, image.affine), tmp_path / "pair.img")
    else:
        nib.save(nib.Nifti1Image(data, image.affine, nib.Nifti1Header(endianness=">")), tmp_path / name)
    volume = read_image(tmp_path / name)
    assert np.array_equal(volume.data, data)
    assert np.allclose(volume.affine, image.affine, atol=1e-4)
