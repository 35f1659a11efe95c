"""Checking values by a model, and saying what is wrong by key, with the nearest known one."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from spnet.config.models.fields import PATTERNS
from spnet.errors import ConfigError, did_you_mean

MANUAL = "See config/README.md for every key"
MOST = 5  # complaints at a time

Path = tuple[Any, ...]


def checked(
    model: type[BaseModel], values: Mapping[str, Any], written_in: Callable[[Path], str] = lambda path: ""
) -> dict[str, Any]:
    """`values` as plain values with defaults filled in.

    Parameters
    ----------
    written_in: from a key's path to the end of a sentence that says where it is written.

    Raises
    ------
    ConfigError: an unknown key, or a value that the model does not allow.
    """
    try:
        return model.model_validate(values).model_dump(by_alias=True)
    except ValidationError as error:
        complaints = [
            _complaint(path, each, model) + written_in(path) for path, each in _by_path(error, values).items()
        ]
        raise ConfigError("; ".join(complaints[:MOST]), remedy=MANUAL) from None


def _by_path(error: ValidationError, values: Mapping[str, Any]) -> dict[Path, Any]:
    """Every error by the path of its key; of a value that may be one thing or another, the one that came furthest."""
    found = {_path(each["loc"], values): each for each in error.errors(include_url=False)}
    return {path: each for path, each in found.items() if not any(_is_inside(other, path) for other in found)}


def _path(loc: Path, values: Any) -> Path:
    """The keys of `loc` without the names of types that pydantic puts between them."""
    path: list[Any] = []
    for place, part in enumerate(loc):
        inside = isinstance(values, Mapping) and part in values
        inside |= isinstance(values, list) and isinstance(part, int)
        if inside:
            values = values[part]
        elif place < len(loc) - 1 or not isinstance(values, Mapping):
            continue
        path.append(part)
    return tuple(path)


def _is_inside(inner: Path, outer: Path) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _complaint(path: Path, error: Mapping[str, Any], model: type[BaseModel]) -> str:
    where, key, value = _dotted(path), path[-1] if path else "", reprlib.repr(error["input"])
    above = _dotted(path[:-1])
    match error["type"]:
        case "extra_forbidden":
            known = list(_keys_at(model, path[:-1]))
            return f"unknown configuration key '{key}' at {above}{did_you_mean(key, known)} (known: {', '.join(known)})"
        case "missing":
            return f"configuration key '{key}' is missing at {above}"
        case "value_error":
            return f"configuration key {where}: {error['ctx']['error']}"
        case "string_pattern_mismatch":
            return f"configuration key {where} is {value}, but should be {PATTERNS[error['ctx']['pattern']]}"
        case "literal_error":
            known = [part.strip(" '") for part in error["ctx"]["expected"].replace(" or ", ",").split(",")]
            near = did_you_mean(str(error["input"]), known)
            return f"configuration key {where} is {value}, but should be one of {', '.join(known)}{near}"
    if error["input"] is None and path:
        return f"configuration key {where} is empty; to leave it out, write without: [{key}]"
    wish = error["msg"].replace("Input should", "should").replace(" or an object to extract fields from", "")
    return f"configuration key {where} is {value}, but {wish[0].lower()}{wish[1:]}"


def _dotted(path: Path) -> str:
    return ".".join(map(str, path)) or "the top level"


def _keys_at(model: type[BaseModel], path: Path) -> Iterator[str]:
    """Keys of the entry at `path`."""
    types: list[Any] = [model]
    for part in path:
        types = [inner for each in types for inner in _inside(each, part)]
    for each in _models(types):
        yield from (field.alias or name for name, field in each.model_fields.items())


def _inside(kind: Any, part: Any) -> list[Any]:
    """Types of the values at key or index `part` of a value of this type."""
    found = []
    for each in _unions([kind]):
        if get_origin(each) in (dict, list):
            found.append(get_args(each)[-1])
        elif part in getattr(each, "model_fields", ()):
            found.append(each.model_fields[part].annotation)
    return found


def _models(types: list[Any]) -> list[type[BaseModel]]:
    return [each for each in _unions(types) if isinstance(each, type) and issubclass(each, BaseModel)]


def _unions(types: list[Any]) -> list[Any]:
    """These types, and those that they are made of where they are one or another."""
    found = []
    for each in types:
        parts = get_args(each)
        if isinstance(each, type) or get_origin(each) in (dict, list) or not parts:
            found.append(each)
        else:  # a union, or a type with annotations, whose first part is the type
            found += _unions([part for part in parts if get_args(part) or isinstance(part, type)])
    return found
