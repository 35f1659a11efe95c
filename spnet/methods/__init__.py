"""Registration methods, by name.

Importing this package is cheap: a method's own module, and torch with it, is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

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
    from spnet.methods.options import check_types

    try:
        check_types(options_class, options or {})
        return options_class(**(options or {}))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"options of method '{implementation}' cannot be used: {error}") from error


def _load_class(implementation: str) -> type[Method]:
    return load(look_up(METHODS, implementation, "method implementation").code)
