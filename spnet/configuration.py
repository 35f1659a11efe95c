"""Checking a configuration, with messages that name the key and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from spnet.data.labels import VOLUME, label_set
from spnet.errors import ConfigError, did_you_mean

# Column trained_on of methods that need no training.
UNTRAINED = "none"

MANUAL = "See config/README.md for every key"


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check a merged configuration against its JSON Schema, then the names it refers to.

    Raises
    ------
    ConfigError: an unknown key, a value of the wrong kind, or a method, dataset or experiment that does not exist.
    """
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(error.absolute_path))
    if errors:
        raise ConfigError("; ".join(dict.fromkeys(_explain(error) for error in errors[:5])), remedy=MANUAL)
    _check_references(config)


def trained_on(experiment: Mapping[str, Any], method: Mapping[str, Any]) -> str:
    """Dataset that a method's weights in an experiment come from, or `UNTRAINED`.

    Published weights come from where their authors trained them, whatever the experiment trains on.
    """
    by_kind = {"untrained": UNTRAINED, "trained": experiment["trained_on"], "published": method["trained_on"]}
    return by_kind[method["kind"]]


def _explain(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "the top level"
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = [key for key in error.instance if key not in known]
        return "; ".join(
            f"unknown configuration key '{key}' at {where}{did_you_mean(key, known)} (known: {', '.join(known)})"
            for key in unknown
        )
    if error.context:  # oneOf: the branch that came furthest says most, "is not null" least
        return _explain(max(error.context, key=lambda inner: (inner.validator != "type", len(inner.absolute_path))))
    return f"configuration key {where}: {error.message}"


def _check_references(config: Mapping[str, Any]) -> None:
    for name, method in config["methods"].items():
        for key in ("weights", "trained_on"):
            if method["kind"] == "published" and not method[key]:
                raise ConfigError(f"method '{name}' is published but names no {key}", remedy=MANUAL)
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset)
    for name, experiment in config["experiments"].items():
        _check_known(experiment["methods"], config["methods"], f"experiment '{name}'", "method")
        datasets = [experiment["dataset"], experiment["trained_on"]]
        _check_known(datasets, config["datasets"], f"experiment '{name}'", "dataset")
    for kind in ("tables", "figures"):
        for name, entry in config[kind].items():
            _check_known(entry["experiments"], config["experiments"], f"{kind[:-1]} '{name}'", "experiment")
    for name, table in config["tables"].items():
        for experiment in table["experiments"]:
            dataset = config["datasets"][config["experiments"][experiment]["dataset"]]
            regions = label_set(dataset["label_set"]).groups()
            for column in table["columns"]:
                known = regions if column["metric"] == "dice" else {VOLUME: ()}
                _check_known(column["structures"], known, f"table '{name}', {column['metric']},", "structure")


def _check_dataset(name: str, dataset: Mapping[str, Any]) -> None:
    label_set(dataset["label_set"])
    if (dataset["layout"] == "table") != (dataset["table"] is not None):
        raise ConfigError(f"dataset '{name}': layout 'table', and only it, needs a table", remedy=MANUAL)
    if dataset["layout"] == "mindboggle101" and not dataset["cohorts"]:
        raise ConfigError(f"dataset '{name}': layout 'mindboggle101' needs cohorts", remedy=MANUAL)
    if dataset["virtual"] and dataset["layout"] != "mindboggle101":
        raise ConfigError(f"dataset '{name}': only layout 'mindboggle101' can be made of virtual scans", remedy=MANUAL)


def _check_known(names: Iterable[str], known: Mapping[str, Any], user: str, kind: str) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{user} names the {kind} '{name}', which does not exist{did_you_mean(name, known)}",
                remedy=f"Known ones are: {', '.join(known)}",
            )
