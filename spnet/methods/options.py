"""Checks that the options of several methods share."""

from __future__ import annotations

from typing import Any, get_args

from spnet.fields import Sampler


def as_tuples(options: Any, *names: str) -> None:
    """Turn lists, as YAML gives them, into the tuples that a frozen dataclass declares."""
    for name in names:
        object.__setattr__(options, name, tuple(getattr(options, name)))


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise a ValueError that lists the choices unless `value` is one of them."""
    if value not in choices:
        raise ValueError(f"{name} '{value}' is none of {', '.join(choices)}")


def check_sampler(value: str) -> None:
    """Raise a ValueError unless `value` is a sampler."""
    check_choice("sampler", value, get_args(Sampler))
