"""A study: everything that one run makes, and on what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from spnet.config.models.claims import ClaimEntry
from spnet.config.models.datasets import DatasetEntry
from spnet.config.models.fields import PATTERNS, AtLeastOne, Distinct, Entry, Name, NotNegative, UserPath
from spnet.config.models.methods import MethodEntry
from spnet.config.models.results import ExperimentEntry, FigureEntry, Further, SignificanceEntry, TableEntry

DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"
PATTERNS[DEVICE] = "auto, cpu, cuda or cuda:N"


class ThreadsEntry(Entry):
    """Threads that a job takes."""

    preprocess: AtLeastOne = Field(1, description="Preparing a subject; ANTs computes with one whatever is reserved.")
    train: AtLeastOne = Field(1, description="A training. On a GPU one is enough.")
    evaluate: AtLeastOne = Field(1, description="An evaluation with a network. SyN always takes one.")


class ComputeEntry(Entry):
    """Speed against memory; results change by rounding."""

    convolutions: Literal["auto", "float32", "tf32", "bfloat16"] = Field(
        "auto",
        description="Precision of a network's convolutions, and of nothing else. `auto` is TF32 on a CUDA card that has"
        " it (2020 or later), else float32. To change it makes everything that hangs on a network again.",
    )
    batch_directions: Literal["auto", True, False] = Field(
        "auto", description="Compute SPnet's two directions as one batch; `auto` does so on small grids."
    )
    recompute: bool = Field(
        False, description="Keep no activations of SPnet in training and compute them twice: less memory, more time."
    )


class CatalogueEntry(Entry):
    """What every study may use: the files datasets.yaml and methods.yaml."""

    datasets: Annotated[dict[Name, DatasetEntry], Field(min_length=1)] = Field(
        description="Datasets by name; unless given, those of datasets.yaml."
    )
    methods: Annotated[dict[Name, MethodEntry], Field(min_length=1)] = Field(
        description="Methods by name; unless given, those of methods.yaml."
    )


class StudyEntry(CatalogueEntry):
    """All that a study may say once its files are laid over one another."""

    study: str = Field(description="The study's name in config/studies, or its file; not written by hand.")
    run: Name = Field(description="Results go to `results/{run}/`; unless given, the study's name.")
    data_root: UserPath = Field("data", description="The folder that holds a folder for each dataset.")
    download: bool = Field(
        False,
        description="Fetch archives that need no account (Mindboggle101, gigabytes), else stop and say what to get.",
    )
    weights_root: UserPath | None = Field(
        None, description="A folder with published weights, which are else downloaded. They are checked in every case."
    )
    device: Annotated[str, Field(pattern=DEVICE)] = Field(
        "auto", description="`auto` takes CUDA where there is one. With `cpu`, networks are evaluated in parallel."
    )
    seeds: Annotated[list[NotNegative], Field(min_length=1), Distinct] = Field(
        [0], description="One training per seed and trained method; tables average over seeds."
    )
    evaluate_on: Literal["test", "validation"] = Field(
        "test",
        description="The part that is scored: `validation` to choose options without a look at the test subjects."
        " Give it another `run`; tables then show no value of the paper.",
    )
    pairs_per_chunk: AtLeastOne = Field(
        200,
        description="Unordered pairs in an evaluation job at the most; fewer where its method's `minutes_per_pair`"
        " would make it longer than an hour.",
    )
    further_metrics: Annotated[list[Further], Distinct] = Field(
        [],
        description="Metrics that are measured besides: `sdlogj` (standard deviation of log(\\|J\\| + 3), as the"
        " Learn2Reg challenge's program), `sdlogj_unshifted` (of log \\|J\\|), `hd95` (mm; 7 s of one core a pair).",
    )
    threads: ThreadsEntry = Field(ThreadsEntry(), description="Threads that a job takes.")
    compute: ComputeEntry = Field(ComputeEntry(), description="Speed against memory.")
    notes: list[str] = Field([], description="Sentences under every table, above the claims and the report.")
    paper_values: bool = Field(
        True, description="The paper's values stand beside the study's own, in tables and in the report's overview."
    )
    experiments: Annotated[dict[Name, ExperimentEntry], Field(min_length=1)] = Field(description="Experiments by name.")
    tables: dict[Name, TableEntry] = Field(
        {}, description="Tables by name; where a study has none, Dice and regularity of each experiment."
    )
    figures: dict[Name, FigureEntry] = Field(
        {}, description="Figures by name; where a study has none, a boxplot of each experiment."
    )
    significance: SignificanceEntry | None = Field(None, description="The comparison of one method with all others.")
    claims: dict[Name, ClaimEntry] = Field({}, description="Claims by name.")

    @field_validator("run", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value
