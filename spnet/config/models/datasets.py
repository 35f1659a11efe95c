"""Datasets: how they lie on disk, where to get them, how they are prepared, which labels count."""

from __future__ import annotations

from dataclasses import MISSING, fields
from itertools import permutations
from typing import Annotated, Any, Literal

from pydantic import Field, Strict, model_validator

from spnet.config.models.fields import PATTERNS, AtLeastOne, Distinct, Entry, NotNegative, Part, Positive, UserPath
from spnet.data.layouts import LAYOUTS
from spnet.data.options import PreprocessOptions

PLACEMENT = r"^[+-][012] [+-][012] [+-][012]$"
PATTERNS[PLACEMENT] = "three array axes with their signs, such as '+1 -2 +0'"
AXES = "^(" + "|".join("".join(order) for order in permutations(("[LR]", "[PA]", "[IS]"))) + ")$"
PATTERNS[AXES] = "three of the letters L or R, A or P, S or I, such as 'LAS'"

Layout = Literal[tuple(LAYOUTS)]
Label = AtLeastOne

_DEFAULT: dict[str, Any] = {
    field.name: field.default for field in fields(PreprocessOptions) if field.default is not MISSING
}


class ArchiveEntry(Entry):
    """A file that can be fetched without an account."""

    file: str = Field(description="Name of the file.")
    urls: list[str] = Field(description="Addresses, tried in order.")
    sha256: str | None = Field(None, description="Checksum; a file with another one is refused.")
    holds: str = Field(description="The file or folder that it unpacks to.")


class SourceEntry(Entry):
    """Where scans come from: what is said when they are missing."""

    page: str = Field("your own scans", description="Where to get the scans.")
    account: str | None = Field(None, description="The account that is needed; none unless given.")
    terms: str | None = Field(None, description="Terms of use.")
    files: list[str] = Field([], description="What to get there.")
    archives: list[ArchiveEntry] = Field([], description="Archives that `download` fetches.")


class CohortEntry(Entry):
    """A cohort or group of a release."""

    subjects: AtLeastOne = Field(description="Number of subjects.")
    split: Part | None = Field(None, description="Part of all of them; none where the dataset's own `split` says it.")


class CountsEntry(Entry):
    """Number of subjects in each part."""

    train: NotNegative = Field(0, description="Subjects that methods are trained on.")
    validation: NotNegative = Field(0, description="Subjects to choose options by.")
    test: NotNegative = Field(0, description="Subjects that methods are scored on.")


class SplitEntry(Entry):
    """Parts drawn at random, or read from a file."""

    counts: CountsEntry = Field(description="Number of subjects in each part.")
    seed: NotNegative = Field(0, description="Of the drawing, which depends on it and on the subjects' names alone.")
    file: UserPath | None = Field(
        None,
        description="A table with the columns subject and split, to use in place of a drawing. Every run writes its"
        " own to `results/{run}/splits/`; copy that and name it here to keep it.",
    )


class PrepareEntry(Entry):
    """How a subject comes to the common grid."""

    target: UserPath = Field(
        description="The space that subjects are brought to: `mni152` (FSL's 1 mm brain), a NIfTI file, or `reference`"
        " (the first subject that trains; `reference:SUBJECT` is another) for bodies that have no template."
    )
    affine: Literal["register", "aligned"] = Field(
        _DEFAULT["affine"], description="Register native scans to the target, or take scans that are `aligned` already."
    )
    spacing: Positive = Field(description="Edge of a voxel of the common grid, in mm.")
    shape: Annotated[list[AtLeastOne], Field(min_length=3, max_length=3)] = Field(
        description="Voxels of the common grid, which lies at the centre of the target's box."
    )
    percentile: Annotated[float, Field(gt=0, le=100)] = Field(
        _DEFAULT["percentile"],
        description="This percentile of the cropped volume, background included, becomes intensity 1.",
    )
    clip: bool = Field(_DEFAULT["clip"], description="Cut intensities above 1. The authors cut in training alone.")
    series: str | None = Field(
        _DEFAULT["series"], description="Part of the DICOM series' description, where an image is a folder."
    )
    mask_placement: Annotated[str, Field(pattern=PLACEMENT)] | None = Field(
        _DEFAULT["mask_placement"],
        description="How masks without a pose lie in their images: `'+1 -2 +0'` says that image axes are mask axes 1,"
        " 2 (reversed) and 0. Unless given, it is found for each subject, and the run stops where that is not clear.",
    )
    orientation: Annotated[str, Field(pattern=AXES)] | None = Field(
        _DEFAULT["orientation"],
        description="Where the voxel axes run in files whose headers do not tell (NIfTI with both codes 0, Analyze):"
        " `LAS` is to left, front and top. Unless given, such files are refused; a mistake mirrors or turns them all.",
    )
    skull_strip: Literal["none", "labels", "template"] = Field(
        _DEFAULT["skull_strip"],
        description="How the brain is found: not at all, as the union of the `labels`, or by registering the"
        " `template`'s brain to the head.",
    )
    closing: Annotated[float, Field(ge=0)] = Field(
        _DEFAULT["closing"], description="Closing of that brain mask in mm, for sulci between labels."
    )
    dilation: Annotated[float, Field(ge=0)] = Field(
        _DEFAULT["dilation"],
        description="Dilation of that brain mask in mm: the outermost cortex is seldom labelled to its last voxel.",
    )
    flip: Literal["none", "right_to_left"] = Field(
        _DEFAULT["flip"],
        description="`right_to_left` reflects right knees. Their side is read from the series' description or from the"
        " table `mri00` in the dataset's folder, which must agree.",
    )
    min_correlation: Annotated[float, Field(ge=-1, le=1)] = Field(
        _DEFAULT["min_correlation"], description="Correlation with the target below which a subject is flagged."
    )


class LabelsEntry(Entry):
    """A label set of one's own."""

    scored: Annotated[list[Label], Field(min_length=1), Distinct] = Field(description="Labels whose Dice counts.")
    regions: dict[str, Annotated[list[Label], Field(min_length=1)]] = Field(
        {}, description="Groups of scored labels by name."
    )
    known: list[Label] = Field([], description="Further labels that may occur; any other is reported and dropped.")
    merged: dict[Annotated[int, Strict(False)], Label] = Field(
        {}, description="Labels that a coarser protocol counts to others; Dice is then measured that way as well."
    )


class DatasetEntry(Entry):
    """A dataset of datasets.yaml, or of a study."""

    title: str = Field(description="What the reader sees; unless given, the dataset's name.")
    layout: Layout = Field(
        description="How scans lie in `data_root/NAME/`: as a published release unpacks, or as a `table` lists them."
    )
    table: UserPath | None = Field(
        None,
        description="Layout `table`: a tab-separated file with the columns subject, image, labels and split. It lies"
        " beside the study that names it or in `data_root/NAME/`; its paths are relative to it. Training subjects need"
        " no labels.",
    )
    source: SourceEntry = Field(SourceEntry(), description="What is said when scans are missing.")
    complete: bool = Field(
        True, description="Stop unless every subject is there; `false` takes the subjects that are there."
    )
    cohorts: dict[str, CohortEntry] = Field({}, description="Cohorts or groups of a published release.")
    split: SplitEntry | None = Field(None, description="Which subject is in which part, where cohorts do not say it.")
    leave_out: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="Subjects that cannot be used, each with the reason. The preparation's page lists them."
    )
    virtual: dict[str, int | float] | None = Field(
        None, description="Make virtual raw scans in place of reading real ones: a `seed` and the layout's options."
    )
    prepare: PrepareEntry = Field(description="How a subject comes to the common grid.")
    label_set: str | LabelsEntry = Field(
        description="Labels that count: `dkt50`, `candi28`, `oai4`, or a set of one's own."
    )
    plane: Literal["axial", "coronal", "sagittal"] = Field("axial", description="Of the slices that figures show.")
    notes: list[str] = Field([], description="Sentences for the preparation's page.")

    @model_validator(mode="after")
    def _virtual_has_a_seed(self) -> DatasetEntry:
        if self.virtual is not None and not isinstance(self.virtual.get("seed"), int):
            raise ValueError("virtual scans need a seed, a whole number: write virtual: {seed: 0}")
        return self
