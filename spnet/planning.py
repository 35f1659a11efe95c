"""What hangs on what in a run, and in which order it is done: read from its configuration alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from spnet.config.lookups import CONTROL, settings, shown_experiments, trained_on
from spnet.errors import ConfigError

Config = Mapping[str, Any]

# No evaluation job lasts longer by its method's entry, unless a single pair does.
MINUTES_PER_JOB = 60


class Scored(NamedTuple):
    """A method with weights from one dataset, scored on one: what a file of scores holds."""

    trained_on: str
    dataset: str
    method: str


def scores_of(config: Config, entry: Mapping[str, Any]) -> list[Scored]:
    """What a table, a figure or `significance` shows, each once: its experiments' methods, or only those it names."""
    rows = entry.get("rows") or [{"method": method} for method in entry.get("methods", ())]
    return _scores(
        config,
        (
            (experiment, method)
            for experiment in (config["experiments"][name] for name in entry["experiments"])
            for method in experiment["methods"]
            if not rows or any(_shows(row, experiment, method) for row in rows)
        ),
    )


def all_scores(config: Config) -> list[Scored]:
    """Everything that a run scores, each once however many experiments share it."""
    experiments = shown_experiments(config)
    return _scores(config, ((experiment, method) for experiment in experiments for method in experiment["methods"]))


def _scores(config: Config, found: Iterable[tuple[Mapping[str, Any], str]]) -> list[Scored]:
    methods = config["methods"]
    return list(dict.fromkeys(Scored(trained_on(each, methods[name]), each["dataset"], name) for each, name in found))


def _shows(row: Mapping[str, str], experiment: Mapping[str, Any], method: str) -> bool:
    return row["method"] == method and row.get("trained_on") in (None, experiment["trained_on"])


def shown_alone(config: Config, experiment: str, kind: str) -> list[str]:
    """Names of the tables or figures (`kind`) that show this experiment and no other."""
    return [name for name, entry in config[kind].items() if entry["experiments"] == [experiment]]


def control(methods: Mapping[str, Mapping[str, Any]]) -> str:
    """The method that registers nothing.

    Raises
    ------
    ConfigError: there is none.
    """
    for name, entry in methods.items():
        if entry["implementation"] == CONTROL:
            return name
    raise ConfigError(
        f"figures of pairs show one whose Dice before registration is the median, but no method has implementation"
        f" '{CONTROL}'",
        remedy="Leave the method identity in, or leave these figures out: without: [...]",
    )


def training_order(config: Config) -> list[tuple[str, str]]:
    """Every training of a run, dataset and method, in the order in which results are read.

    First the method that `significance` compares with the others, on every dataset; then its variants, which share its
    implementation; then the others, dataset by dataset as experiments are listed, from the cheapest to the dearest.
    """
    methods, reference = config["methods"], (config["significance"] or {}).get("reference")
    own = methods[reference]["implementation"] if reference else None
    datasets = list(dict.fromkeys(experiment["trained_on"] for experiment in config["experiments"].values()))
    trainings = dict.fromkeys((score.trained_on, score.method) for score in all_scores(config))

    def place(training: tuple[str, str]) -> tuple[int, int, float]:
        dataset, name = training
        rank = 0 if name == reference else 1 if methods[name]["implementation"] == own else 2
        return rank, datasets.index(dataset), training_hours(methods[name], dataset) if rank == 2 else 0

    return sorted((each for each in trainings if methods[each[1]]["kind"] == "trained"), key=place)


def training_hours(method: Mapping[str, Any], dataset: str) -> float:
    """Hours of a training by the method's entry, at the size and on the card that its `seconds_per_step` is of."""
    return settings(method, "training", dataset)["steps"] * method["seconds_per_step"] / 3600


def pairs_per_job(method: Mapping[str, Any], most: int) -> int:
    """How many pairs an evaluation job of the method takes, `most` at the most: an hour of them by its entry."""
    return max(1, min(most, int(MINUTES_PER_JOB / method["minutes_per_pair"])))


def core_hours(config: Config, pairs: Mapping[str, int]) -> float:
    """Hours of one core that evaluating methods without a network takes, by their entries.

    Parameters
    ----------
    pairs: unordered pairs of every dataset that is scored.
    """
    methods = config["methods"]
    return sum(
        pairs[score.dataset] * methods[score.method]["minutes_per_pair"] / 60
        for score in all_scores(config)
        if methods[score.method]["kind"] == "untrained"
    )
