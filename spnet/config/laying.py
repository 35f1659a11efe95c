"""Laying one layer of a configuration over another, and what follows from it for tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spnet.config.files import Layer
from spnet.config.lookups import CONTROL
from spnet.errors import ConfigError, did_you_mean

Values = dict[str, Any]

# Mappings that are one thing: a split's file has the counts that stand beside it, so others replace all of it.
_WHOLE = ("split",)
_SHOWING = ("tables", "figures")
# Of a table or figure that has lost all of one of these, nothing is left.
_LISTS = {"experiments", "columns", "rows", "methods"}
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

    Tables, figures and the comparison of methods that the layer takes over as they are lose what it no longer tests.
    What was tested under no earlier layer either, a misspelt name for instance, stays and is told when all are laid.

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
        return _narrowed(_leave_out(laid, names, layer.source), config, values)
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
        if isinstance(config.get(kind), dict):
            left[kind] = {name: entry for name, entry in config[kind].items() if name not in names}
    if isinstance(left.get("experiments"), dict):
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


def _narrowed(config: Values, earlier: Mapping[str, Any], written: Mapping[str, Any]) -> Values:
    """Tables and figures less what a layer over the `earlier` ones took away, but for keys `written` in that layer."""
    narrowed = dict(config)
    for kind in _SHOWING:
        if isinstance(config.get(kind), dict):
            remaining = {
                name: _remaining(entry, config, earlier, _entry(earlier, kind, name), _entry(written, kind, name))
                for name, entry in config[kind].items()
            }
            narrowed[kind] = {name: left for name, left in remaining.items() if left or not config[kind][name]}
    if "experiments" in _entries(config, "significance") and "experiments" not in _entries(written, "significance"):
        narrowed["significance"] = _compared(config, earlier, _entries(written, "significance"))
    return narrowed


def _entry(config: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    return _entries(_entries(config, kind), name)


def _left(values: Any, was: Callable[[Any], bool], still: Callable[[Any], bool]) -> Any:
    """The list without what was so and is no longer; anything else as it is."""
    return [each for each in values if still(each) or not was(each)] if isinstance(values, list) else values


def _compared(config: Values, earlier: Mapping[str, Any], written: Mapping[str, Any]) -> Values | None:
    """What is left of the comparison of methods; None if nothing is."""
    significance, experiments = config["significance"], _entries(config, "experiments")

    def tests_reference(laid: Mapping[str, Any], name: str) -> bool:
        methods = _entry(laid, "experiments", name).get("methods", ())
        return _entries(laid, "significance").get("reference") in methods

    names = _left(significance["experiments"], _entries(earlier, "experiments").__contains__, experiments.__contains__)
    kept = _left(names, lambda name: tests_reference(earlier, name), lambda name: tests_reference(config, name))
    if not kept and "reference" in written:
        kept = names  # of which none tests this reference: the mistake is told
    return {**significance, "experiments": kept} if kept or not significance["experiments"] else None


def _remaining(
    entry: Any, config: Values, earlier: Mapping[str, Any], before: Mapping[str, Any], written: Mapping[str, Any]
) -> Values | None:
    """What is left of a table, a figure or a column, which was `before` what it was; None if nothing is."""
    if not isinstance(entry, dict):
        return entry
    experiments, were = _entries(config, "experiments"), _entries(earlier, "experiments")
    kept = dict(entry)
    if "experiments" in entry and "experiments" not in written:
        kept["experiments"] = _left(entry["experiments"], were.__contains__, experiments.__contains__)
    if isinstance(entry.get("columns"), list) and "columns" not in written:
        columns = [(each, _remaining(each, config, earlier, {}, {})) for each in entry["columns"]]
        kept["columns"] = [left for each, left in columns if left or not each]
    names = kept.get("experiments", ())
    if not isinstance(names, str) and all(name in experiments for name in names):  # else the mistake is told
        shown, was_shown = _of(names, experiments), _of(before.get("experiments", ()), were)
        if "rows" in entry and "rows" not in written:
            rows = _left(entry["rows"], lambda row: _is_tested(row, was_shown), lambda row: _is_tested(row, shown))
            kept["rows"] = _registering(rows, entry["rows"], config)
        if "methods" in entry and "methods" not in written:
            kept["methods"] = _left(
                entry["methods"],
                lambda name: _is_tested({"method": name}, was_shown),
                lambda name: _is_tested({"method": name}, shown),
            )
    return None if any(kept.get(key) == [] != entry[key] for key in _LISTS & {*entry}) else kept


def _of(names: Sequence[str], experiments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [experiments[name] for name in names if isinstance(experiments.get(name), dict)]


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
