"""What the rules share: the configuration, checked, and the lookups that input functions need."""

import json
import os
import re
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

import spnet
from spnet.configuration import UNTRAINED, check_config, fill_defaults, settings, trained_on
from spnet.data.layouts import expected_subjects, find_subjects
from spnet.data.layouts.source import Archives, find_archives
from spnet.data.pairs import count_chunks, subjects_of_chunk
from spnet.data.reference import is_reference, reference_subject
from spnet.data.splits import PARTS
from spnet.data.templates import MNI152
from spnet.errors import SpnetError
from spnet.figures.kinds import KINDS

REPOSITORY = Path(workflow.basedir).parent
PACKAGE = Path(spnet.__file__).parent
ENVIRONMENT = str(REPOSITORY / "environment.yml")

try:
    fill_defaults(config)
    check_config(config, json.loads((Path(workflow.basedir) / "schemas" / "config.schema.json").read_text()))
    if workflow.is_main_process:  # jobs parse this file again, and need not import torch for it
        from spnet.readiness import check_readiness

        check_readiness(config)
except SpnetError as error:
    raise WorkflowError(str(error))

RUN = f"results/{config['run']}"
METHODS = config["methods"]
DATASETS = config["datasets"]
DATA_ROOT = config["data_root"]


def one_of(names):
    """Wildcard constraint that admits these names only; none at all where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


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


def options_of(wildcards):
    """A method's options: of the dataset it was trained on, or, if it is not, of the one it registers."""
    dataset = wildcards.dataset if wildcards.trained_on == UNTRAINED else wildcards.trained_on
    return settings(METHODS[wildcards.method], "options", dataset)


def what_training_ends_in(wildcards):
    """A method's training options, less those that change nothing of the weights."""
    training = settings(METHODS[wildcards.method], "training", wildcards.trained_on)
    return {key: value for key, value in training.items() if key != "checkpoint_every"}


def evaluated_weights(wildcards):
    if METHODS[wildcards.method]["kind"] == "untrained":
        return []
    return f"{RUN}/models/{wildcards.trained_on}/{wildcards.method}/seed-{wildcards.seed}/weights.pt"


def evaluated_subjects(wildcards):
    names = subjects_of_chunk(evaluated(wildcards.dataset), config["pairs_per_chunk"], int(wildcards.chunk))
    return prepared_with_labels(wildcards.dataset, names)


def seeds_of(method):
    """Untrained methods and published weights have no seed of ours to vary."""
    return config["seeds"] if METHODS[method]["kind"] == "trained" else [0]


def gpus(method):
    """GPUs that a job with this method asks for; none where the configuration keeps to the CPU."""
    return 0 if METHODS[method]["kind"] == "untrained" or config["device"] == "cpu" else 1


def shown_experiments():
    """Experiments that a table, a figure or the comparison of methods shows."""
    shown = [*config["tables"].values(), *config["figures"].values(), config["significance"] or {"experiments": []}]
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
            for chunk in range(count_chunks(len(evaluated(experiment["dataset"])), size))
        )
    )


def shown_files(figure, what):
    """What the registrations that a figure shows leave, for every dataset, then method; of the first seed only."""
    entry = config["figures"][figure]
    if not KINDS[entry["kind"]].shows_pairs:
        return []
    experiments = [config["experiments"][name] for name in entry["experiments"]]
    return [
        f"{RUN}/shown/{trained_on(experiment, METHODS[method])}/{method}/seed-{seeds_of(method)[0]}/"
        f"{experiment['dataset']}/{what}"
        for experiment in experiments
        for method in entry.get("methods", experiment["methods"])
        if method in experiment["methods"]
    ]


def datasets_shown():
    experiments = shown_experiments()
    return list(dict.fromkeys(experiment[key] for experiment in experiments for key in ("dataset", "trained_on")))


def announce():
    """Tell how many subjects and pairs each dataset gives, dry-run or not."""
    for dataset in datasets_shown():
        counts = {part: sum(subject.split == part for subject in subjects_of(dataset).values()) for part in PARTS}
        told = (f"{count} {part} ({count * (count - 1)} ordered pairs)" for part, count in counts.items() if count)
        logger.info(f"{DATASETS[dataset]['title']}: {', '.join(told)}.")


def datasets_prepared():
    """Datasets with subjects of which this run makes anything."""
    return [dataset for dataset in datasets_shown() if subjects_shown(dataset)]


def training_histories():
    """The history of every training of this run, each once however many experiments share it."""
    return list(
        dict.fromkeys(
            f"{RUN}/models/{experiment['trained_on']}/{method}/seed-{seed}/history.csv"
            for experiment in shown_experiments()
            for method in experiment["methods"]
            if METHODS[method]["kind"] == "trained"
            for seed in seeds_of(method)
        )
    )


def all_targets(wildcards):
    announce()
    return [
        f"{RUN}/metrics.parquet",
        *(f"{RUN}/tables/{table}.{suffix}" for table in config["tables"] for suffix in ("csv", "md", "tex")),
        *(f"{RUN}/figures/{figure}.{suffix}" for figure in config["figures"] for suffix in ("pdf", "png")),
        *(f"{RUN}/preparation/{dataset}.html" for dataset in datasets_prepared()),
        *(f"{RUN}/splits/{dataset}.tsv" for dataset in datasets_prepared()),
        *(f"{RUN}/{name}.{suffix}" for name in BESIDE_TABLES for suffix in ("csv", "md")),
        f"{RUN}/report.html",
        *(f"{raw_root(dataset)}/segmentation/doc/oai_mri_paths.txt" for dataset in datasets_made("oai_zib")),
    ]
