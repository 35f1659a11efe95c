"""Checking a configuration, with messages that name the key and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from spnet.data.labels import VOLUME, label_set
from spnet.data.layouts import LAYOUTS, is_release
from spnet.data.options import PreprocessOptions
from spnet.errors import ConfigError, did_you_mean
from spnet.metrics import FURTHER_METRICS, METRICS

# Implementation of the method that registers nothing.
CONTROL = "identity"
# Column trained_on of methods that need no training.
UNTRAINED = "none"

MANUAL = "See config/README.md for every key"


# What a dataset's entry, and the `prepare` and `source` in it, may leave out.
_DATASET_DEFAULTS: Mapping[str, Any] = {
    "complete": True,
    "cohorts": {},
    "split": None,
    "leave_out": {},
    "table": None,
    "virtual": None,
    "plane": "axial",
    "notes": [],
}
_PREPARE_DEFAULTS: Mapping[str, Any] = {
    field.name: field.default for field in fields(PreprocessOptions) if field.default is not MISSING
}
_SOURCE_DEFAULTS: Mapping[str, Any] = {"account": None, "terms": None, "files": [], "archives": []}
_METHOD_DEFAULTS: Mapping[str, Any] = {"per_dataset": {}, "minutes_per_pair": 0.05, "seconds_per_step": 0.2}
_REMOVABLE = ("datasets", "methods", "experiments", "tables", "figures", "claims")


def fill_defaults(config: dict[str, Any]) -> None:
    """Complete a merged configuration in place: entries that an overlay set to null go, and what shows nothing but
    experiments that went or further metrics that are not measured; what may be left out comes.
    """
    experiments = config.get("experiments")
    gone = {name for name, entry in experiments.items() if entry is None} if isinstance(experiments, dict) else set()
    for kind in _REMOVABLE:
        if config.get(kind, ()) is None:
            config[kind] = {}
        if isinstance(config.get(kind), dict):
            config[kind] = {name: entry for name, entry in config[kind].items() if entry is not None}
    if gone:
        _forget_experiments(config, gone)
    if isinstance(config.get("tables"), dict) and isinstance(config.get("further_metrics"), list):
        _forget_metrics(config, {*FURTHER_METRICS} - {*map(str, config["further_metrics"])})
    # `--config download=true` on the command line arrives as a text.
    if str(config.get("download")).lower() in ("true", "false"):
        config["download"] = str(config["download"]).lower() == "true"
    methods = config.get("methods")
    for name, entry in methods.items() if isinstance(methods, dict) else []:
        methods[name] = {**_METHOD_DEFAULTS, **entry}
    datasets = config.get("datasets")
    for name, entry in datasets.items() if isinstance(datasets, dict) else []:
        datasets[name] = {**_DATASET_DEFAULTS, **entry}
        for key, defaults in (("prepare", _PREPARE_DEFAULTS), ("source", _SOURCE_DEFAULTS)):
            if isinstance(entry.get(key), dict):
                datasets[name][key] = {**defaults, **entry[key]}


def _forget_experiments(config: dict[str, Any], gone: set[str]) -> None:
    """Take experiments out of what shows them; what then shows nothing goes as well."""
    experiments = config["experiments"]

    def remaining(entry: Mapping[str, Any]) -> dict[str, Any] | None:
        kept = dict(entry)
        if "experiments" in kept:
            kept["experiments"] = [name for name in kept["experiments"] if name not in gone]
        if "columns" in kept:
            kept["columns"] = [column for column in map(remaining, kept["columns"]) if column is not None]
        if "rows" in kept:
            left = {experiments[name].get("trained_on") for name in kept["experiments"] if name in experiments}
            kept["rows"] = [row for row in kept["rows"] if row.get("trained_on", UNTRAINED) in {*left, UNTRAINED}]
        return None if any(kept.get(key, True) == [] for key in ("experiments", "columns", "rows")) else kept

    for kind in ("tables", "figures"):
        shown = {name: remaining(entry) for name, entry in config[kind].items()}
        config[kind] = {name: entry for name, entry in shown.items() if entry is not None}
    if config["significance"]:
        config["significance"] = remaining(config["significance"])


def _forget_metrics(config: dict[str, Any], gone: set[str]) -> None:
    """Take metrics that are not measured out of the tables; a table of nothing else goes as well."""
    for name, entry in list(config["tables"].items()):
        if isinstance(entry, dict) and isinstance(entry.get("columns"), list):
            kept = [
                column for column in entry["columns"] if not (isinstance(column, dict) and column.get("metric") in gone)
            ]
            if kept:
                config["tables"][name] = {**entry, "columns": kept}
            elif entry["columns"]:
                del config["tables"][name]


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


def shown_experiments(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Experiments that a table, a figure or the comparison of methods shows, each once."""
    shown = [*config["tables"].values(), *config["figures"].values(), config["significance"] or {"experiments": []}]
    names = dict.fromkeys(name for entry in shown for name in entry["experiments"])
    return [config["experiments"][name] for name in names]


def settings(method: Mapping[str, Any], key: str, dataset: str) -> dict[str, Any]:
    """`options` or `training` of a method's entry, with what it sets apart for a dataset laid over."""
    return {**method[key], **method["per_dataset"].get(dataset, {}).get(key, {})}


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
        _check_known(method["per_dataset"], config["datasets"], f"method '{name}', per_dataset,", "dataset")
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset)
    for name, experiment in config["experiments"].items():
        _check_known(experiment["methods"], config["methods"], f"experiment '{name}'", "method")
        datasets = [experiment["dataset"], experiment["trained_on"]]
        _check_known(datasets, config["datasets"], f"experiment '{name}'", "dataset")
    for kind in ("tables", "figures"):
        for name, entry in config[kind].items():
            user = f"{kind[:-1]} '{name}'"
            _check_known(entry["experiments"], config["experiments"], user, "experiment")
            shown = {method: () for key in entry["experiments"] for method in config["experiments"][key]["methods"]}
            rows = (row["method"] for row in entry.get("rows", ()))
            _check_known([*entry.get("methods", ()), *rows], shown, user, "method", "which its experiments do not test")
    if config["significance"]:
        _check_significance(config["significance"], config["experiments"], config["datasets"])
    for name, claim in config["claims"].items():
        _check_known(_methods_of(claim), config["methods"], f"claim '{name}'", "method")
    for name, table in config["tables"].items():
        _check_columns(name, table, config)
        _check_rows(f"table '{name}'", table, config)
    for name, figure in config["figures"].items():
        rows = [{"method": method} for method in figure.get("methods", ())]
        _check_rows(f"figure '{name}'", {**figure, "rows": rows}, config)


def _methods_of(claim: Mapping[str, Any]) -> Iterable[str]:
    """Methods that a claim names; its experiments may have gone from a configuration that runs fewer."""
    for key in ("method", "methods", "than", "over", "like"):
        value = claim.get(key, ())
        yield from (value,) if isinstance(value, str) else value


def _check_significance(
    significance: Mapping[str, Any], experiments: Mapping[str, Any], datasets: Mapping[str, Any]
) -> None:
    _check_known(significance["experiments"], experiments, "significance", "experiment")
    for name in significance["experiments"]:
        methods = dict.fromkeys(experiments[name]["methods"])
        user = f"significance, experiment '{name}',"
        _check_known([significance["reference"]], methods, user, "method", "which it does not test")
    sets = [label_set(datasets[experiments[name]["dataset"]]["label_set"]) for name in significance["experiments"]]
    for quantity in significance["quantities"]:
        by_label = METRICS[quantity["metric"]].by_label
        known = {group: () for labels in sets for group in labels.groups()} if by_label else {VOLUME: ()}
        _check_known([quantity["structure"]], known, f"significance, {quantity['metric']},", "structure")


def _check_rows(user: str, table: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Every row is of one training per dataset."""
    experiments = [config["experiments"][key] for key in table["experiments"]]
    rows = table.get("rows") or [{"method": method} for entry in experiments for method in entry["methods"]]
    for row in rows:
        method, wanted = row["method"], row.get("trained_on")
        shown = [entry for entry in experiments if method in entry["methods"]]
        known = {entry["trained_on"]: () for entry in shown}
        _check_known([wanted] if wanted else (), known, f"{user}, row '{method}',", "dataset trained on")
        weights: dict[str, set[str]] = {}
        for entry in shown:
            if wanted in (None, entry["trained_on"]):
                weights.setdefault(entry["dataset"], set()).add(trained_on(entry, config["methods"][method]))
        if any(len(sources) > 1 for sources in weights.values()):
            raise ConfigError(
                f"{user} shows method '{method}' trained on several datasets as one",
                remedy="Give a table rows with trained_on, a figure experiments of one training per dataset",
            )


def _check_columns(name: str, table: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    for column in table["columns"]:
        user = f"table '{name}', {column['metric']},"
        experiments = column.get("experiments", table["experiments"])
        _check_known(
            experiments, dict.fromkeys(table["experiments"]), user, "experiment", "which its table does not show"
        )
        for experiment in experiments:
            labels = label_set(config["datasets"][config["experiments"][experiment]["dataset"]]["label_set"])
            known = labels.groups() if METRICS[column["metric"]].by_label else {VOLUME: ()}
            _check_known(column["structures"], known, user, "structure")
            if METRICS[column["metric"]].merges_labels and not labels.merged:
                raise ConfigError(f"{user} the label set of experiment '{experiment}' merges no labels", remedy=MANUAL)


def _check_dataset(name: str, dataset: Mapping[str, Any]) -> None:
    label_set(dataset["label_set"])
    cohorts, release = dataset["cohorts"], is_release(dataset["layout"])
    if LAYOUTS[dataset["layout"]].needs_table != (dataset["table"] is not None):
        raise ConfigError(f"dataset '{name}': layout 'table', and only it, needs a table", remedy=MANUAL)
    if release != bool(cohorts):
        raise ConfigError(
            f"dataset '{name}': layout '{dataset['layout']}' {'needs' if release else 'has no'} cohorts", remedy=MANUAL
        )
    if dataset["virtual"] and not release:
        raise ConfigError(f"dataset '{name}': layout 'table' cannot be made of virtual scans", remedy=MANUAL)
    by_cohort = [entry["split"] is not None for entry in cohorts.values()]
    if release and (not all(by_cohort) if dataset["split"] is None else any(by_cohort)):
        raise ConfigError(
            f"dataset '{name}': the parts come either from every cohort's split or from the dataset's, not both",
            remedy=MANUAL,
        )
    if not release and dataset["split"] is not None:
        raise ConfigError(f"dataset '{name}': its table has the column split, so it takes no other", remedy=MANUAL)


def _check_known(
    names: Iterable[str], known: Mapping[str, Any], user: str, kind: str, lacking: str = "which does not exist"
) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{user} names the {kind} '{name}', {lacking}{did_you_mean(name, known)}",
                remedy=f"Known ones are: {', '.join(known)}",
            )
