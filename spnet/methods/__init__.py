"""Registration methods, by name.

Importing this package is cheap (no torch): the workflow checks names against `METHODS` before any job starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from spnet.errors import ConfigError

if TYPE_CHECKING:
    from spnet.methods.base import Method

METHODS: dict[str, str] = {
    "identity": "spnet.methods.identity:Identity",
    "syn": "spnet.methods.syn:SyN",
    "spnet": "spnet.methods.spnet:SPnet",
}


def build_method(implementation: str, options: Mapping[str, Any] | None = None) -> Method:
    """Build a method from its name in `METHODS` and its options (the `options` of its entry in methods.yaml).

    Raises
    ------
    ConfigError: no such method, or an option it does not have.
    """
    method_class = _load_class(implementation)
    options = dict(options or {})
    known = {field.name: field for field in fields(method_class.Options)}
    for name in options:
        if name not in known:
            raise ConfigError(
                f"method '{implementation}' has no option '{name}'",
                remedy=f"{_did_you_mean(name, known)}of its options: {', '.join(known) or 'none'}",
            )
    try:
        return method_class(method_class.Options(**options))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"options of method '{implementation}' cannot be used: {error}") from error


def check_implementation(implementation: str) -> None:
    """Raise a ConfigError if `implementation` is not a name in `METHODS`."""
    if implementation not in METHODS:
        raise ConfigError(
            f"there is no method implementation '{implementation}'",
            remedy=f"{_did_you_mean(implementation, METHODS)}known ones are: {', '.join(METHODS)}",
        )


def _load_class(implementation: str) -> type[Method]:
    check_implementation(implementation)
    module, name = METHODS[implementation].split(":")
    return getattr(import_module(module), name)


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean '{close[0]}'? All " if close else "All "
