"""Errors written for the person who reads them: which file, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class SpnetError(Exception):
    """Base of every error that a user can mend.

    Parameters
    ----------
    problem: what is wrong, in one sentence without a full stop.
    path: the file or folder it concerns, if there is one.
    remedy: what to do about it, in one sentence without a full stop.
    """

    def __init__(self, problem: str, *, path: str | Path | None = None, remedy: str | None = None) -> None:
        self.problem = problem
        self.path = None if path is None else Path(path)
        self.remedy = remedy
        where = f"{path}: " if path is not None else ""
        end = "" if problem.endswith("?") else "."
        what_to_do = f" {remedy}." if remedy else ""
        super().__init__(f"{where}{problem}{end}{what_to_do}")


class DataError(SpnetError):
    """A scan, label volume or subject table that cannot be used."""


class ConfigError(SpnetError):
    """A configuration key or value that is not known or not allowed."""


class WeightsError(SpnetError):
    """A weights file that is missing, damaged or of another architecture."""


class TrainingError(SpnetError):
    """A training that cannot go on."""


class RegistrationError(SpnetError):
    """A pair that a method could not register."""


class OutputError(SpnetError):
    """A result that could not be written."""


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, or its name if it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """For the end of a sentence about an unknown name: the nearest known one, or nothing."""
    close = get_close_matches(name, list(known), n=1)
    return f", did you mean '{close[0]}'?" if close else ""
