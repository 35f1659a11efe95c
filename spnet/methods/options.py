"""Checks that the options of several methods share.

All raise a ValueError that names the option; `spnet.methods.make_options` turns it into a message for the user.
"""

from __future__ import annotations

from typing import Any, get_args

from spnet.fields import Sampler


def as_tuples(options: Any, *names: str) -> None:
    """Turn lists, as YAML gives them, into the tuples that a frozen dataclass declares."""
    for name in names:
        object.__setattr__(options, name, tuple(getattr(options, name)))


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """`value` is one of `choices`."""
    if value not in choices:
        raise ValueError(f"{name} '{value}' is none of {', '.join(choices)}")


def check_sampler(value: str) -> None:
    """`value` is a sampler."""
    check_choice("sampler", value, get_args(Sampler))


def check_positive(options: Any, *names: str) -> None:
    """These options, or all entries of those that are tuples, are above zero."""
    for name in names:
        value = getattr(options, name)
        if not all(entry > 0 for entry in (value if isinstance(value, tuple) else (value,))):
            raise ValueError(f"{name} must be above zero, not {value}")


def check_not_negative(options: Any, *names: str) -> None:
    """These options, weights for instance, are not below zero."""
    for name in names:
        if getattr(options, name) < 0:
            raise ValueError(f"{name} must not be below zero, not {getattr(options, name)}")


def check_window(*windows: int) -> None:
    """Windows of the local cross-correlation are odd and have neighbours in them."""
    for window in windows:
        if window < 3 or window % 2 == 0:
            raise ValueError(f"a window is an odd number of voxels, 3 or more, not {window}")


def check_levels(options: Any, *names: str) -> None:
    """These options have one entry per pyramid level each."""
    if len({len(getattr(options, name)) for name in names}) != 1 or not getattr(options, names[0]):
        raise ValueError(f"{', '.join(names[:-1])} and {names[-1]} need one entry per pyramid level each")
