"""What an examination finds, one thing at a time."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from spnet.errors import SpnetError, first_line

Level = Literal["PASS", "WARN", "FAIL"]
_TOPIC_WIDTH, _WIDTH = 13, 120


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    level: ``PASS`` as it should be; ``WARN`` something is not there or slow, and may not be needed; ``FAIL`` broken.
    topic: one word.
    told: what was found.
    remedy: what to do; empty where nothing is to be done.
    """

    level: Level
    topic: str
    told: str
    remedy: str = ""

    def __str__(self) -> str:
        """A line or more, and below what to do."""
        indent = " " * (_TOPIC_WIDTH + 8)
        wrap = partial(
            textwrap.fill, width=_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines = [wrap(f"{self.level}  {self.topic:{_TOPIC_WIDTH}}  {self.told}")]
        lines += [wrap(f"To do: {self.remedy}", initial_indent=indent)] if self.remedy else []
        return "\n".join(lines)


def guarded(topic: str, examine: Callable[[], Finding | Iterable[Finding]], remedy: str) -> Iterator[Finding]:
    """What `examine` finds; whatever goes wrong in it is a finding as well, since a doctor does not faint.

    Parameters
    ----------
    remedy: of an error that brings none itself.
    """
    try:
        found = examine()
        yield from [found] if isinstance(found, Finding) else found
    except SpnetError as error:
        where = f"{error.path}: " if error.path else ""
        yield Finding("FAIL", topic, f"{where}{error.problem}", error.remedy or remedy)
    except Exception as error:
        yield Finding("FAIL", topic, f"{type(error).__name__}: {first_line(error)}", remedy)
