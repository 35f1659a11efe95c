"""Checking the names that entries of a configuration use of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spnet.config.complaints import MANUAL
from spnet.config.lookups import trained_on
from spnet.data.labels import VOLUME, label_set
from spnet.data.layouts import LAYOUTS, is_release
from spnet.errors import ConfigError, did_you_mean
from spnet.metrics import METRICS


def check_references(config: Mapping[str, Any]) -> None:
    """Check that every method, dataset, experiment and structure that an entry names is there.

    Raises
    ------
    ConfigError: one is not; with the nearest name.
    """
    check_entries(config)
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


def check_entries(config: Mapping[str, Any]) -> None:
    """Check what the keys of a method or a dataset must say together; raises as :func:`check_references`."""
    for name, method in config["methods"].items():
        for key in ("weights", "trained_on"):
            if method["kind"] == "published" and not method[key]:
                raise ConfigError(f"method '{name}' is published but names no {key}", remedy=MANUAL)
        _check_known(method["per_dataset"], config["datasets"], f"method '{name}', per_dataset,", "dataset")
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset)


def _methods_of(claim: Mapping[str, Any]) -> Iterable[str]:
    """Methods that a claim names; its experiments may have gone from a configuration that runs fewer."""
    for key in ("method", "methods", "than", "over", "like"):
        value = claim.get(key)
        names = value if isinstance(value, list) else [value]
        yield from (name for name in names if isinstance(name, str))  # what is no name, its statistic refuses


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
