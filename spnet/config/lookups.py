"""What the rest of the package asks of a study that was read, which is a dictionary of plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Implementation of the method that registers nothing.
CONTROL = "identity"
# Column trained_on of methods that need no training.
UNTRAINED = "none"

# Of a method, what tables, figures and claims need: a training, for instance, shows in its weights.
_SHOWN = ("title", "kind", "implementation", "options", "per_dataset", "published_as", "recreated", "trained_on")


def trained_on(experiment: Mapping[str, Any], method: Mapping[str, Any]) -> str:
    """Dataset that a method's weights in an experiment come from, or `UNTRAINED`.

    Published weights come from where their authors trained them, whatever the experiment trains on.
    """
    by_kind = {"untrained": UNTRAINED, "trained": experiment["trained_on"], "published": method["trained_on"]}
    return by_kind[method["kind"]]


def shown_names(config: Mapping[str, Any]) -> list[str]:
    """Names of the experiments that a table, a figure or the comparison of methods shows, each once."""
    shown = [*config["tables"].values(), *config["figures"].values(), config["significance"] or {"experiments": []}]
    return list(dict.fromkeys(name for entry in shown for name in entry["experiments"]))


def shown_experiments(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of these experiments."""
    return [config["experiments"][name] for name in shown_names(config)]


def settings(method: Mapping[str, Any], key: str, dataset: str) -> dict[str, Any]:
    """`options` or `training` of a method's entry, with what it sets apart for a dataset laid over."""
    return {**method[key], **method["per_dataset"].get(dataset, {}).get(key, {})}


def seeds_of(config: Mapping[str, Any], method: str) -> list[int]:
    """Seeds of a method's trainings; untrained methods and published weights have no seed of ours to vary."""
    entry = config["methods"][method]
    if entry["kind"] != "trained":
        return [0]
    return entry.get("seeds") or config["seeds"]


def study_parts(config: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that tables, figures and claims need: the arguments of :class:`spnet.analysis.study.Study`."""
    methods = {name: {key: entry[key] for key in _SHOWN} for name, entry in config["methods"].items()}
    return {
        "experiments": config["experiments"],
        "methods": methods,
        "label_sets": {name: entry["label_set"] for name, entry in config["datasets"].items()},
        "part": config["evaluate_on"],
        "notes": config["notes"],
    }
