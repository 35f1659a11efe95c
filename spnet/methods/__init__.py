"""Registration methods, by name.

Importing this package is cheap: a method's own module, and torch with it, is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from spnet.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from spnet.methods.base import Method

METHODS: dict[str, str] = {
    "identity": "spnet.methods.identity:Identity",
    "syn": "spnet.methods.syn:SyN",
    "vm": "spnet.methods.voxelmorph:VoxelMorph",
    "difvm": "spnet.methods.difvm:DifVM",
    "pmrnet": "spnet.methods.pmrnet:PMRnet",
    "lapirn": "spnet.methods.lapirn:LapIRN",
    "rcnet": "spnet.methods.rcnet:RCnet",
    "cfwnet": "spnet.methods.cfwnet:CFWnet",
    "sccnet": "spnet.methods.sccnet:SCCnet",
    "icnet": "spnet.methods.icnet:ICNet",
    "symnet": "spnet.methods.symnet:SYMNet",
    "spnet": "spnet.methods.spnet:SPnet",
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
    from spnet.methods.options import check_types

    try:
        check_types(options_class, options or {})
        return options_class(**(options or {}))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"options of method '{implementation}' cannot be used: {error}") from error


def _load_class(implementation: str) -> type[Method]:
    if implementation not in METHODS:
        raise ConfigError(
            f"there is no method implementation '{implementation}'{did_you_mean(implementation, METHODS)}",
            remedy=f"Known ones are: {', '.join(METHODS)}",
        )
    module, name = METHODS[implementation].split(":")
    return getattr(import_module(module), name)
