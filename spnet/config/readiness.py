"""Checks of a configuration that need the methods themselves (and torch with them), and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spnet.analysis.claims import check_claims
from spnet.config.lookups import settings
from spnet.data.targets import is_reference
from spnet.data.templates import template_path
from spnet.errors import ConfigError
from spnet.methods import build_method
from spnet.training import TrainingOptions
from spnet.virtual import virtual_options
from spnet.weights import check_published


def check_readiness(config: Mapping[str, Any]) -> None:
    """Check all that would otherwise fail only inside a job: methods, published weights, claims, targets.

    Raises
    ------
    ConfigError, WeightsError: naming the key.
    """
    _check_methods(config)
    check_claims(config["claims"])
    for name, dataset in config["datasets"].items():
        if not is_reference(dataset["prepare"]["target"]):
            template_path(dataset["prepare"]["target"])
        if dataset["virtual"]:
            virtual_options(dataset["layout"], dataset["virtual"], f"dataset '{name}'")


def _check_methods(config: Mapping[str, Any]) -> None:
    """Every method can be built as its entry says, and published weights are used as what they are."""
    for name, entry in config["methods"].items():
        method = build_method(entry["implementation"], entry["options"])
        _check_settings(entry)
        learns = method.count_parameters() > 0
        if learns == (entry["kind"] == "untrained"):
            raise ConfigError(
                f"method '{name}' is of kind '{entry['kind']}', but its implementation '{entry['implementation']}'"
                f" {'learns' if learns else 'has nothing to learn'}",
                remedy="Set its kind to untrained, trained or published accordingly",
            )
        if entry["kind"] == "published":
            check_published(entry["weights"], entry["trained_on"], f"method '{name}'")


def _check_settings(entry: Mapping[str, Any]) -> None:
    """Options and training can be used, also as they are set apart for single datasets."""
    for dataset in ["", *entry["per_dataset"]]:
        method = build_method(entry["implementation"], settings(entry, "options", dataset))
        if entry["kind"] == "trained":
            training = TrainingOptions(**settings(entry, "training", dataset))
            method.stages(training.steps, training.learning_rate)
