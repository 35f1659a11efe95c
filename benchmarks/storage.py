"""Bytes that a whole run leaves, scaled from files of real scans and of the demo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from benchmarks.costs import FULL
from benchmarks.jobs import shown
from benchmarks.paper import count_subjects, count_work, voxels_of
from spnet.configuration import settings
from spnet.methods import build_method

# Image, labels, record and picture of a prepared subject: mean of eight OASIS-TRT-20 scans at FULL. By voxels.
SUBJECT = 7_180_000 + 250_000
# All below are of the finished demo. Bytes a voxel of a shown pair: both fields, and where a method has levels, those.
FIELDS, FIELDS_WITH_LEVELS = 22, 42
# A step's row in a training's history, mean of six methods.
STEP = 146
# Scores of an ordered pair as CSV, by label set; the table of all scores is 3 % of them.
PAIR: Mapping[str, int] = {"dkt50": 10_900, "candi28": 2_400, "oai4": 740}
# Report, pages, figures, logs and times, a job's share: they go in proportion to jobs.
JOB = 112_000


def count_bytes(config: Mapping[str, Any], jobs: int) -> dict[str, float]:
    """Bytes by what they hold; raw scans, the software and checkpoints of trainings under way are not in it."""
    trainings, evaluations = count_work(config)
    labels = {name: entry["label_set"] for name, entry in config["datasets"].items()}
    trained = {each.dataset for each in trainings}
    subjects = {
        dataset: sum(count_subjects(config["datasets"][dataset], part) for part in ("train", "test"))
        for dataset in {*trained, *(each.dataset for each in evaluations)}
    }
    pictures = {each: None for figure in shown(config).values() for each in figure}
    return {
        "prepared scans": sum(count * SUBJECT * voxels_of(config, name) / FULL for name, count in subjects.items()),
        "weights": sum(4 * _parameters(config, each.method, each.dataset) for each in trainings),
        "histories of trainings": sum(each.steps * STEP for each in trainings),
        "scores": sum(2 * each.pairs * PAIR[labels[each.dataset]] * 1.03 for each in evaluations),
        "fields of the pairs shown": _bytes_of_fields(config, pictures),
        "pages, figures, logs": jobs * JOB,
    }


def _bytes_of_fields(config: Mapping[str, Any], pictures: Iterable[tuple[str, str, str]]) -> float:
    return sum(
        voxels_of(config, dataset)
        * (FIELDS_WITH_LEVELS if config["methods"][method]["implementation"] == "spnet" else FIELDS)
        for dataset, _, method in pictures
    )


def _parameters(config: Mapping[str, Any], name: str, dataset: str) -> int:
    method = config["methods"][name]
    return _parameters_of(method["implementation"], json.dumps(settings(method, "options", dataset)))


@cache
def _parameters_of(implementation: str, options: str) -> int:
    network = build_method(implementation, json.loads(options))
    return sum(parameter.numel() for parameter in network.parameters())
