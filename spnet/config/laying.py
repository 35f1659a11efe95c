"""Laying one layer of a configuration over another, and what follows from it for tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spnet.config.files import Layer
from spnet.config.lookups import CONTROL
from spnet.errors import ConfigError, did_you_mean

Values = dict[str, Any]

# Mappings that are one thing: a split's file has the counts that stand beside it, so others replace all of it.
_WHOLE = ("split",)
_SHOWING = ("tables", "figures")
# Sections of which all may be left out.
_SECTIONS = (*_SHOWING, "significance", "claims")


def lay_over(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> Values:
    """`overlay` over `base`: mappings merge, lists and values replace, and so does a split."""

    def laid(key: str, value: Any) -> Any:
        merges = key not in _WHOLE and isinstance(value, dict) and isinstance(base.get(key), dict)
        return lay_over(base[key], value) if merges else value

    return {**base, **{key: laid(key, value) for key, value in overlay.items()}}


def add_layer(config: Mapping[str, Any], layer: Layer) -> Values:
    """The configuration with a layer over it, less what the layer leaves out.

    Tables, figures and the comparison of methods that the layer takes over as they are keep what is still tested.

    Raises
    ------
    ConfigError: `without` or `base` names something that is not there.
    """
    values = {key: value for key, value in layer.values.items() if key != "without"}
    laid = _with_bases(lay_over(config, values))
    names = layer.values.get("without", [])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{layer.source}: without is {names!r}, but should be a list of names")
    try:
        return _narrowed(_leave_out(laid, names, layer.source), values)
    except (AttributeError, KeyError, TypeError):
        return laid  # a value is of another kind than the models allow, which say so when all layers are laid


def _with_bases(config: Values) -> Values:
    """Methods that name a `base` as that method with the differences."""
    methods = config.get("methods")
    if not isinstance(methods, dict):
        return config

    def resolved(name: str, above: tuple[str, ...] = ()) -> Any:
        entry = methods[name]
        base = entry.get("base") if isinstance(entry, dict) else None
        if base is None:
            return entry
        if not isinstance(base, str):
            raise ConfigError(f"method '{name}': base is {base!r}, but should be a method's name")
        if base not in methods or base in (*above, name):
            reason = "which does not exist" if base not in methods else "which is based on it"
            raise ConfigError(
                f"method '{name}' names the base '{base}', {reason}{did_you_mean(str(base), {*methods} - {name})}",
                remedy="Name another method, or none",
            )
        own = {key: value for key, value in entry.items() if key != "base"}
        return lay_over({"implementation": base, **resolved(base, (*above, name))}, own)

    return {**config, "methods": {name: resolved(name) for name in methods}}


def _leave_out(config: Values, names: Sequence[str], source: str) -> Values:
    """The configuration without these datasets, experiments, tables, figures or claims, and what hangs on them."""
    kinds = ("datasets", "experiments", *_SHOWING, "claims")
    known = list(dict.fromkeys([*_SECTIONS, *(name for kind in kinds for name in _entries(config, kind))]))
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{source}: without names '{name}', which does not exist{did_you_mean(str(name), known)}",
                remedy="Name datasets, experiments, tables, figures or claims, or one of " + ", ".join(_SECTIONS),
            )
    left = dict(config)
    for kind in kinds[1:]:
        if kind in config:
            left[kind] = {name: entry for name, entry in _entries(config, kind).items() if name not in names}
    if "experiments" in left:
        left["experiments"] = {
            name: entry
            for name, entry in left["experiments"].items()
            if not isinstance(entry, dict) or {entry.get("dataset"), entry.get("trained_on")}.isdisjoint(names)
        }
    empty = {"significance": None}
    return {**left, **{name: empty.get(name, {}) for name in names if name in _SECTIONS}}


def _entries(config: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    entries = config.get(kind)
    return entries if isinstance(entries, dict) else {}


def _narrowed(config: Values, written: Mapping[str, Any]) -> Values:
    """Tables and figures with what their experiments still test, but for keys that are `written` just now."""
    narrowed = dict(config)
    for kind in _SHOWING:
        if kind in config:
            narrowed[kind] = {
                name: left
                for name, entry in _entries(config, kind).items()
                if (left := _remaining(entry, _entries(written, kind).get(name) or {}, config)) or not entry
            }
    significance = config.get("significance")
    if isinstance(significance, dict) and "experiments" not in _entries(written, "significance"):
        experiments, reference = _entries(config, "experiments"), significance.get("reference")
        kept = [
            name
            for name in significance.get("experiments", ())
            if name in experiments and reference in experiments[name].get("methods", ())
        ]
        narrowed["significance"] = {**significance, "experiments": kept} if kept else None
    return narrowed


def _remaining(entry: Any, written: Mapping[str, Any], config: Mapping[str, Any]) -> Values | None:
    """What is left of a table, a figure or a column; None if nothing is."""
    if not isinstance(entry, dict):
        return entry
    experiments = _entries(config, "experiments")
    kept = dict(entry)
    if "experiments" in entry and "experiments" not in written:
        kept["experiments"] = [name for name in entry["experiments"] if name in experiments]
    if "columns" in entry and "columns" not in written:
        kept["columns"] = [left for left in (_remaining(each, {}, config) for each in entry["columns"]) if left]
    shown = [experiments[name] for name in kept.get("experiments", ()) if isinstance(experiments.get(name), dict)]
    if "rows" in entry and "rows" not in written:
        kept["rows"] = _registering([row for row in entry["rows"] if _is_tested(row, shown)], entry["rows"], config)
    if "methods" in entry and "methods" not in written:
        kept["methods"] = [name for name in entry["methods"] if _is_tested({"method": name}, shown)]
    return None if any(kept.get(key) == [] for key in ("experiments", "columns", "rows", "methods")) else kept


def _is_tested(row: Mapping[str, Any], experiments: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        row.get("method") in entry.get("methods", ())
        and row.get("trained_on") in (None, entry.get("trained_on", entry.get("dataset")))
        for entry in experiments
    )


def _registering(rows: list[Any], before: list[Any], config: Mapping[str, Any]) -> list[Any]:
    """The rows; none if all that registers has gone and the control is left."""
    methods = _entries(config, "methods")
    controls = all(methods.get(row["method"], {}).get("implementation", row["method"]) == CONTROL for row in rows)
    return [] if controls and len(rows) < len(before) else rows
