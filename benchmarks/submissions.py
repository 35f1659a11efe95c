"""How many submissions a cluster sees, by the groups of the profile that is shipped for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import yaml

from benchmarks.schedule import Task

PROFILE = Path(__file__).parent.parent / "workflow" / "profiles" / "slurm" / "config.yaml"
_LOCAL = ("write_split", "list_pairs", "all")  # of the Snakefile's localrules, those that the paper runs
_CHUNKS = "evaluate_chunk"  # grouped by the rule itself, network by network


@dataclass(frozen=True)
class Groups:
    """A profile's `groups` and `group-components`.

    Attributes
    ----------
    of_rule: the group of each rule, its name with wildcards.
    size: how many separate parts of a group, such as single jobs, share a submission; one if not told.
    """

    of_rule: Mapping[str, str]
    size: Mapping[str, int]


def read_groups(profile: Path = PROFILE) -> Groups:
    """The groups of a Snakemake profile."""
    held = yaml.safe_load(profile.read_text())
    return Groups(held["groups"], held["group-components"])


def count_submissions(tasks: Sequence[Task], groups: Groups) -> int:
    """Jobs that a cluster sees: groups, and tasks in none; those that run beside Snakemake are not among them."""
    together: dict[tuple[str, str], list[Task]] = defaultdict(list)
    alone = 0
    for task in tasks:
        name = _CHUNKS if task.rule == _CHUNKS and task.gpus else groups.of_rule.get(task.rule)
        if name:
            together[name, _which(name, task)].append(task)
        else:
            alone += task.rule not in _LOCAL
    return alone + sum(ceil(_count_parts(held) / groups.size.get(name, 1)) for (name, _), held in together.items())


def _which(group: str, task: Task) -> str:
    """What tells a group with wildcards from others of its name: chunks' network and dataset, else the dataset."""
    before, _, last = task.name.rpartition("/")
    return before if group == _CHUNKS else group.format(dataset=last)


def _count_parts(tasks: Sequence[Task]) -> int:
    """Parts that nothing within the group connects."""
    part = {task.name: task.name for task in tasks}

    def root(name: str) -> str:
        while part[name] != name:
            name = part[name]
        return name

    for task in tasks:
        for before in task.after:
            if before in part:
                part[root(before)] = root(task.name)
    return sum(name == root(name) for name in part)
