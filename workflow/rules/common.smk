"""What the rules share: the configuration, checked, and the lookups that input functions need."""

import json
import os
import re
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

import spnet
from spnet.configuration import UNTRAINED, check_config, trained_on
from spnet.data.layouts import expected_subjects, find_subjects
from spnet.data.pairs import count_chunks
from spnet.data.templates import MNI152
from spnet.errors import SpnetError

REPOSITORY = Path(workflow.basedir).parent
PACKAGE = Path(spnet.__file__).parent
ENVIRONMENT = str(REPOSITORY / "environment.yml")

try:
    check_config(config, json.loads((Path(workflow.basedir) / "schemas" / "config.schema.json").read_text()))
    if workflow.is_main_process:  # jobs parse this file again, and need not import torch for it
        from spnet.readiness import check_readiness

        check_readiness(config)
except SpnetError as error:
    raise WorkflowError(str(error))

RUN = f"results/{config['run']}"
METHODS = config["methods"]
DATASETS = config["datasets"]


def one_of(names):
    """Wildcard constraint that admits these names only."""
    return "|".join(map(re.escape, names))


def methods_of_kind(kind):
    return [name for name, entry in METHODS.items() if entry["kind"] == kind]


def weight_sources():
    """Every value that the column trained_on may take."""
    published = {METHODS[name]["trained_on"] for name in methods_of_kind("published")}
    return [UNTRAINED, *sorted({*DATASETS, *published})]


def sources_of(*parts):
    """Source files of parts of spnet (packages or modules), as inputs: a mended metric is then scored again.

    Trainings have none: a comment in a method's module must not cost fifty trainings. Delete a model's folder to train
    it again.
    """
    found = [
        path for part in parts for path in sorted(PACKAGE.rglob(f"{part}/*.py")) + sorted(PACKAGE.glob(f"{part}.py"))
    ]
    if len(found) < len(parts):
        raise WorkflowError(f"source files of {parts} are not under {PACKAGE}")
    return [os.path.relpath(path) for path in found]


@cache
def subjects_of(dataset):
    """Subjects of a dataset by name, found on disk or, for a virtual cohort, as they will be made."""
    entry = DATASETS[dataset]
    find, root = (expected_subjects, f"{RUN}/raw") if entry["virtual"] else (find_subjects, config["data_root"])
    try:
        found = find(f"{root}/{dataset}", entry)
    except SpnetError as error:
        raise WorkflowError(str(error))
    return {subject.subject: subject for subject in found}


def subjects_in(dataset, split):
    """Names of a dataset's subjects in one part; at least two, since a pair needs them."""
    names = [name for name, subject in subjects_of(dataset).items() if subject.split == split]
    if len(names) < 2:
        raise WorkflowError(
            f"dataset '{dataset}' has {len(names)} subjects to {split} on, but a pair needs two. "
            f"{DATASETS[dataset]['source']}"
        )
    return names


def prepared(dataset, names, what="image.nii.gz"):
    return [f"{RUN}/preprocessed/{dataset}/{name}/{what}" for name in names]


def raw_files(wildcards):
    subject = subjects_of(wildcards.dataset)[wildcards.subject]
    target = DATASETS[wildcards.dataset]["prepare"]["target"]
    return (
        {"image": subject.image}
        | ({"labels": subject.labels} if subject.labels else {})
        | ({"target": target} if target != MNI152 else {})
    )


def what_training_ends_in(method):
    """A method's training options, less those that change nothing of the weights."""
    return {key: value for key, value in METHODS[method]["training"].items() if key != "checkpoint_every"}


def evaluated_weights(wildcards):
    if METHODS[wildcards.method]["kind"] == "untrained":
        return []
    return f"{RUN}/models/{wildcards.trained_on}/{wildcards.method}/seed-{wildcards.seed}/weights.pt"


def evaluated_subjects(wildcards):
    names = subjects_in(wildcards.dataset, "test")
    return prepared(wildcards.dataset, names) + prepared(wildcards.dataset, names, "labels.nii.gz")


def seeds_of(method):
    """Untrained methods and published weights have no seed of ours to vary."""
    return config["seeds"] if METHODS[method]["kind"] == "trained" else [0]


def gpus(method):
    """GPUs that a job with this method asks for; none where the configuration keeps to the CPU."""
    return 0 if METHODS[method]["kind"] == "untrained" or config["device"] == "cpu" else 1


def shown_experiments():
    """Experiments that a table or figure of this configuration shows."""
    shown = [*config["tables"].values(), *config["figures"].values()]
    return [config["experiments"][name] for name in {name: None for entry in shown for name in entry["experiments"]}]


def evaluation_chunks():
    """Every evaluation job's table, each once however many experiments share it."""
    size = config["pairs_per_chunk"]
    return list(
        dict.fromkeys(
            f"{RUN}/evaluation/{trained_on(experiment, METHODS[method])}/{method}/seed-{seed}/"
            f"{experiment['dataset']}/chunk-{chunk}.csv"
            for experiment in shown_experiments()
            for method in experiment["methods"]
            for seed in seeds_of(method)
            for chunk in range(count_chunks(len(subjects_in(experiment["dataset"], "test")), size))
        )
    )


def all_targets(wildcards):
    tested = dict.fromkeys(experiment["dataset"] for experiment in shown_experiments())
    return [
        f"{RUN}/metrics.parquet",
        *(f"{RUN}/tables/{table}.{suffix}" for table in config["tables"] for suffix in ("csv", "md", "tex")),
        *(f"{RUN}/figures/{figure}.{suffix}" for figure in config["figures"] for suffix in ("pdf", "png")),
        *(path for dataset in tested for path in prepared(dataset, subjects_in(dataset, "test"), "qc.png")),
    ]
