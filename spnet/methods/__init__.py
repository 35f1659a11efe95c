"""Registration methods, by name.

Importing this package is cheap: a method's own module, and torch with it, is imported when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from spnet.errors import ConfigError, did_you_mean
from spnet.registry import load, look_up

if TYPE_CHECKING:
    from spnet.methods.base import Method


@dataclass(frozen=True)
class Implementation:
    """A method as :data:`METHODS` names it; its titles and options, one for each variant, are in methods.yaml.

    Attributes
    ----------
    code: ``module:class`` of a :class:`spnet.methods.base.Method`.
    learned: it has weights, which a training gives it.
    """

    code: str
    learned: bool = True


METHODS: Mapping[str, Implementation] = {
    "identity": Implementation("spnet.methods.identity:Identity", learned=False),
    "syn": Implementation("spnet.methods.syn:SyN", learned=False),
    "vm": Implementation("spnet.methods.voxelmorph:VoxelMorph"),
    "difvm": Implementation("spnet.methods.difvm:DifVM"),
    "pmrnet": Implementation("spnet.methods.pmrnet:PMRnet"),
    "lapirn": Implementation("spnet.methods.lapirn:LapIRN"),
    "rcnet": Implementation("spnet.methods.rcnet:RCnet"),
    "cfwnet": Implementation("spnet.methods.cfwnet:CFWnet"),
    "sccnet": Implementation("spnet.methods.sccnet:SCCnet"),
    "icnet": Implementation("spnet.methods.icnet:ICNet"),
    "symnet": Implementation("spnet.methods.symnet:SYMNet"),
    "spnet": Implementation("spnet.methods.spnet:SPnet"),
}


def build_method(implementation: str, options: Mapping[str, Any] | None = None) -> Method:
    """Build a method from its name in `METHODS` and its options (the `options` of its entry in methods.yaml).

    Raises
    ------
    ConfigError: no such method, or options it does not have or cannot use.
    """
    return _load_class(implementation)(make_options(implementation, options))


def make_options(implementation: str, options: Mapping[str, Any] | None = None) -> Any:
    """The method's `Options` filled from a mapping; raises as :func:`build_method`."""
    options_class = _load_class(implementation).Options
    known = {field.name: field for field in fields(options_class)}
    for name in options or {}:
        if name not in known:
            raise ConfigError(
                f"method '{implementation}' has no option '{name}'{did_you_mean(name, known)}",
                remedy=f"Its options are: {', '.join(known) or 'none'}",
            )
    try:
        # As JSON, in which a list may be a tuple, though nothing else passes for another type.
        return TypeAdapter(options_class).validate_json(json.dumps(options or {}), strict=True)
    except ValidationError as error:
        told = _told(error.errors(include_url=False)[0])
        raise ConfigError(f"options of method '{implementation}' cannot be used: {told}") from None


def _told(error: Mapping[str, Any]) -> str:
    """What is wrong with an option, by pydantic's words or, where options do not fit together, by the method's own."""
    name = next(iter(error["loc"]), "")
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "literal_error":
            known = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
            return f"{name} {error['input']!r} is none of {known}"
    return f"{name} cannot be {error['input']!r}"


def _load_class(implementation: str) -> type[Method]:
    return load(look_up(METHODS, implementation, "method implementation").code)
