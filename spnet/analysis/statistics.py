"""Statistics that grade claims, by name: functions of the evidence whose keyword parameters are a claim's keys."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from spnet.analysis.findings import Finding
from spnet.errors import ConfigError, did_you_mean
from spnet.metrics import METRICS
from spnet.registry import look_up


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"there is no such metric{did_you_mean(name, METRICS)}")
    return name


# What parameters may be. Names are of methods, experiments or structures.
Names = Annotated[list[str], Field(min_length=1)]
MetricName = Annotated[str, AfterValidator(_known_metric)]
Amount = Annotated[float, Field(ge=0)]
Amounts = Annotated[dict[str, Amount], Field(min_length=1)]
StructuresOfMetrics = Annotated[dict[MetricName, str], Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Level = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True)
class Statistic:
    """A way of grading a claim.

    Attributes
    ----------
    grade: takes the evidence and, by keyword, the claim's parameters; its docstring says when a claim holds.
    one_of: parameters of which a claim gives exactly one.
    """

    grade: Callable[..., Finding]
    one_of: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """A claim's keys."""
        _, *parameters = inspect.signature(self.grade).parameters.items()
        return dict(parameters)


STATISTICS: dict[str, Statistic] = {}


def statistic(*, one_of: tuple[str, ...] = ()) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
    """Enter a function into :data:`STATISTICS` under its own name."""

    def enter(function: Callable[..., Finding]) -> Callable[..., Finding]:
        STATISTICS[function.__name__] = Statistic(function, one_of)
        return function

    return enter


def check_parameters(name: str, given: Mapping[str, Any]) -> None:
    """Check that a statistic can be called with these parameters.

    Raises
    ------
    ConfigError: there is no such statistic, a parameter is unknown or missing, or a value cannot be used.
    """
    entry = look_up(STATISTICS, name, "statistic")
    known = entry.parameters
    remedy = f"Its parameters are: {', '.join(known)}"
    unknown = [key for key in given if key not in known]
    if unknown:
        nearest = did_you_mean(unknown[0], known)
        raise ConfigError(f"statistic '{name}' has no parameter '{unknown[0]}'{nearest}", remedy=remedy)
    missing = [key for key, parameter in known.items() if parameter.default is parameter.empty and key not in given]
    if missing:
        raise ConfigError(f"statistic '{name}' needs the parameter '{missing[0]}'", remedy=remedy)
    if entry.one_of and sum(key in given for key in entry.one_of) != 1:
        raise ConfigError(f"statistic '{name}' needs one of {' and '.join(entry.one_of)}, and one only", remedy=remedy)
    hints = get_type_hints(entry.grade, include_extras=True)
    for key, value in given.items():
        try:
            TypeAdapter(hints[key]).validate_python(value, strict=True)
        except ValidationError as error:
            (first, *_) = error.errors()
            raise ConfigError(f"statistic '{name}': {key} cannot be {value!r} ({first['msg']})") from error
