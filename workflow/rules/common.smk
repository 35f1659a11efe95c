"""What the rules share: the configuration, checked, and the lookups that input functions need."""

import os
import re
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from spnet.config.files import PAPER, find_published_numbers, parse_values
from spnet.config.load import read_study, unshown
from spnet.config.lookups import UNTRAINED, seeds_of, settings, shown_experiments, shown_names, study_parts
from spnet.data.layouts import LAYOUTS, expected_subjects, find_subjects, is_release
from spnet.data.layouts.source import Archives, find_archives
from spnet.data.pairs import count_chunks, count_pairs, subjects_of_chunk
from spnet.data.splits import PARTS
from spnet.data.targets import MNI152, is_reference, reference_subject
from spnet.errors import SpnetError
from spnet.figures import FIGURES
from spnet.methods import METHODS as IMPLEMENTATIONS
from spnet.planning import all_scores, control, core_hours, pairs_per_job, scores_of, shown_alone, training_order
from spnet.runs import check_study
from spnet.sources import UNCOUNTED, imported_sources, module_file, named_sources

# Asked for anew and not taken from `config`, in which Snakemake has made texts of all that the command line holds.
try:
    values = parse_values(workflow.config_settings.config_args or ())
    study = read_study(str(values.pop("study", PAPER)), workflow.overwrite_configfiles, values)
    config.clear()
    config.update(study)
    if workflow.is_main_process:  # jobs parse this file again, and need not import torch for it
        from spnet.config.readiness import check_readiness

        check_readiness(config)
        check_study(config, f"results/{config['run']}")
except SpnetError as error:
    raise WorkflowError(str(error))

# `--resources` on the command line takes the place of the profile's, and with it of its GPU.
if workflow.is_main_process and workflow.local_exec and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", 1)

RUN = f"results/{config['run']}"
PUBLISHED = os.path.relpath(find_published_numbers())
BESIDE = PUBLISHED if config["paper_values"] else []  # what stands beside the study's own values
METHODS = config["methods"]
DATASETS = config["datasets"]
DATA_ROOT = config["data_root"]
CHUNKS = "evaluate_chunk"  # their name in a profile's group-components
STUDY = study_parts(config)
# In what order to do what could be done now: what brings a training's results, then trainings, then scans by dataset. SyN is
# the last: it takes whatever core nothing else wants.
RESULTS = 1000
TRAININGS = {training: RESULTS - 1 - place for place, training in enumerate(training_order(config))}


def one_of(names):
    """Wildcard constraint that admits these names only; none at all where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def methods_of_kind(kind):
    return [name for name, entry in METHODS.items() if entry["kind"] == kind]


def is_untrained(method):
    return METHODS[method]["kind"] == "untrained"


def weight_sources():
    """Every value that the column trained_on may take."""
    published = {METHODS[name]["trained_on"] for name in methods_of_kind("published")}
    return [UNTRAINED, *sorted({*DATASETS, *published})]


def sources_of(rule, packages=(), uncounted=(), modules=lambda wildcards: ()):
    """Source files by which results are stale, as inputs: all that a rule's script imports.

    `packages` count as a whole (folders, or files by their name without suffix), `modules` with what they import; what
    is imported by way of `uncounted` ones does not count. Trainings have no sources: a comment in a method's module
    must not cost fifty trainings. Delete a model's folder to train it again.
    """
    script = Path(workflow.basedir) / "scripts" / f"{rule}.py"
    return lambda wildcards: source_files(
        (script, *map(module_file, modules(wildcards))), tuple(packages), tuple(uncounted)
    )


@cache
def source_files(scripts, packages, uncounted):
    imported = {path for script in scripts for path in imported_sources(script, (*UNCOUNTED, *uncounted))}
    found = {*imported, *scripts[1:], *(path for package in packages for path in named_sources(package))}
    return sorted(os.path.relpath(path) for path in found)


def module_if_untrained(wildcards):
    """The module of a method without a network, whose code alone says what it finds; a network's weights do."""
    code = IMPLEMENTATIONS[METHODS[wildcards.method]["implementation"]].code
    return [code.partition(":")[0]] if is_untrained(wildcards.method) else []


def uncompared(function):
    """A parameter whose change is no reason to run again: Snakemake compares none that a job's inputs have a part in."""
    return lambda wildcards, input: function(wildcards)


def options_of(wildcards):
    """A method's options: of the dataset it was trained on, or, if it is not, of the one it registers."""
    dataset = wildcards.dataset if wildcards.trained_on == UNTRAINED else wildcards.trained_on
    return settings(METHODS[wildcards.method], "options", dataset)


def training_of(wildcards):
    """A method's training options, less how often a checkpoint is written, which changes nothing of the weights."""
    return {key: value for key, value in all_training_of(wildcards).items() if key != "checkpoint_every"}


def all_training_of(wildcards):
    return settings(METHODS[wildcards.method], "training", wildcards.trained_on)


# How a job computes, in which results differ by rounding at most; the precision of convolutions is a matter of its own.
SPEED = {key: value for key, value in config["compute"].items() if key != "convolutions"}


def evaluated_weights(wildcards):
    if is_untrained(wildcards.method):
        return []
    return f"{RUN}/models/{wildcards.trained_on}/{wildcards.method}/seed-{wildcards.seed}/weights.pt"


def evaluated_subjects(wildcards):
    names = subjects_of_chunk(evaluated(wildcards.dataset), pairs_of_job(wildcards.method), int(wildcards.chunk))
    return prepared_with_labels(wildcards.dataset, names)


def pairs_of_job(method):
    return pairs_per_job(METHODS[method], config["pairs_per_chunk"])


def control_method():
    """The method whose scores tell which pair of a dataset is typical."""
    try:
        return control(METHODS)
    except SpnetError as error:
        raise WorkflowError(str(error))


def training_priority(wildcards):
    """Of trainings that this run does not show, none."""
    return TRAININGS.get((wildcards.trained_on, wildcards.method), 0)


def preparation_priority(wildcards):
    """Those that are named first, first; and before the evaluations that are in no hurry."""
    return len(DATASETS) - list(DATASETS).index(wildcards.dataset)


def evaluation_priority(wildcards):
    """Networks at once; the others when there is nothing else to do, the quick ones first."""
    return 1 / (1 + METHODS[wildcards.method]["minutes_per_pair"]) if is_untrained(wildcards.method) else RESULTS


def gpus(method):
    """GPUs that a job with this method asks for; none where the configuration keeps to the CPU."""
    return 0 if is_untrained(method) or config["device"] == "cpu" else 1


def grows(first):
    """Memory or run time that a job asks for: `first` (or what it gives for the wildcards), half of it more per retry.

    A cluster holds jobs to it. On one machine it limits nothing unless a profile says how much there is to share.
    """

    def asked(wildcards, attempt):
        return (first(wildcards) if callable(first) else first) * (attempt + 1) // 2

    return asked


def minutes_of(method, pairs):
    """Run time that a job of so many pairs asks for: an hour, and twice what they take by the method's entry."""
    return 60 + int(2 * pairs * METHODS[method]["minutes_per_pair"])


def group_of_chunk(wildcards):
    """Chunks of one network on one dataset share a submission, if a profile says how many may.

    Chunks without a network do not: each may take an hour, and should one fail, Snakemake does all of its group again.
    """
    if is_untrained(wildcards.method) or CHUNKS not in workflow.group_settings.group_components:
        return None
    group = f"{CHUNKS}-{wildcards.trained_on}-{wildcards.method}-{wildcards.seed}-{wildcards.dataset}"
    # By this Snakemake finds the number. It notes it by itself for a group named with wildcards, not for a function's.
    workflow.parent_groupids[group] = CHUNKS
    return group
