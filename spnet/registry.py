"""What can be asked for by name: every registry maps a name to an entry, a frozen dataclass of its facts.

Importing a registry is cheap, since the workflow reads it in every job: an entry names its code as ``module:object``,
and :func:`load` imports it when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, TypeVar

from spnet.errors import ConfigError, did_you_mean

Entry = TypeVar("Entry")


def look_up(registry: Mapping[str, Entry], name: str, kind: str) -> Entry:
    """The entry of this name.

    Parameters
    ----------
    kind: what the registry holds, in the singular, for the message.

    Raises
    ------
    ConfigError: there is none; the message names the nearest one and all.
    """
    if name not in registry:
        raise unknown(name, registry, kind)
    return registry[name]


def unknown(name: str, known: Iterable[str], kind: str) -> ConfigError:
    """The error for a name that is not among those known."""
    names = list(known)
    return ConfigError(
        f"there is no {kind} '{name}'{did_you_mean(name, names)}", remedy=f"Known ones are: {', '.join(names)}"
    )


def load(place: str) -> Any:
    """The object at ``module:object``."""
    module, name = place.split(":")
    return getattr(import_module(module), name)
