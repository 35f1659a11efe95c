"""Checks of a configuration that need the methods themselves (and torch with them), and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spnet.data.templates import template_path
from spnet.errors import ConfigError
from spnet.methods import build_method
from spnet.training import TrainingOptions
from spnet.weights import check_published


def check_readiness(config: Mapping[str, Any]) -> None:
    """Check all that would otherwise fail only inside a job: methods, published weights, targets.

    Raises
    ------
    ConfigError, WeightsError: naming the key.
    """
    _check_methods(config)
    for dataset in config["datasets"].values():
        template_path(dataset["prepare"]["target"])


def _check_methods(config: Mapping[str, Any]) -> None:
    """Every method can be built as its entry says, and published weights are used as what they are."""
    for name, entry in config["methods"].items():
        method = build_method(entry["implementation"], entry["options"])
        learns = method.count_parameters() > 0
        if learns == (entry["kind"] == "untrained"):
            raise ConfigError(
                f"method '{name}' is of kind '{entry['kind']}', but its implementation '{entry['implementation']}'"
                f" {'learns' if learns else 'has nothing to learn'}",
                remedy="Set its kind to untrained, trained or published accordingly",
            )
        if entry["kind"] == "trained":
            training = TrainingOptions(**entry["training"])
            method.stages(training.steps, training.learning_rate)
        if entry["kind"] == "published":
            check_published(entry["weights"], entry["trained_on"], f"method '{name}'")
