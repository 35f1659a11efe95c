"""How much work the whole paper is, counted from its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from spnet.config.lookups import settings, trained_on


@dataclass(frozen=True)
class Training:
    """One training: its method, the voxels of its images, its steps, and where they are from."""

    method: str
    voxels: int
    steps: int
    dataset: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Evaluation:
    """All test pairs of one dataset by one trained method: their number, unordered, each scored both ways."""

    method: str
    voxels: int
    pairs: int
    dataset: str = ""
    source: str = ""  # the dataset whose training it waits for, or UNTRAINED
    seed: int = 0


def count_work(config: Mapping[str, Any]) -> tuple[list[Training], list[Evaluation]]:
    """Everything that a configuration trains and evaluates, each once however many experiments share it."""
    trainings: dict[tuple, Training] = {}
    evaluations: dict[tuple, Evaluation] = {}
    for experiment in config["experiments"].values():
        for name in experiment["methods"]:
            method, dataset = config["methods"][name], experiment["dataset"]
            source = trained_on(experiment, method)
            subjects = count_subjects(config["datasets"][dataset], "test")
            for seed in config["seeds"] if method["kind"] == "trained" else [0]:
                pairs = subjects * (subjects - 1) // 2
                evaluations[source, dataset, name, seed] = Evaluation(
                    name, voxels_of(config, dataset), pairs, dataset, source, seed
                )
                if method["kind"] == "trained":
                    steps = settings(method, "training", source)["steps"]
                    trainings[source, name, seed] = Training(name, voxels_of(config, source), steps, source, seed)
    return list(trainings.values()), list(evaluations.values())


def count_subjects(dataset: Mapping[str, Any], part: str) -> int:
    """Subjects in a part of a complete dataset: train, validation or test."""
    if dataset["split"]:
        return dataset["split"]["counts"].get(part, 0)
    return sum(cohort["subjects"] for cohort in dataset["cohorts"].values() if cohort["split"] == part)


def voxels_of(config: Mapping[str, Any], dataset: str) -> int:
    """Voxels of a dataset's common grid."""
    return prod(config["datasets"][dataset]["prepare"]["shape"])
