"""What the models share: the base of all entries, and types that several of them use."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_serializer

NAME = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$"

Name = Annotated[str, Field(pattern=NAME)]
UserPath = Annotated[str, AfterValidator(os.path.expanduser)]
Part = Literal["train", "validation", "test"]
AtLeastOne = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]

# What a pattern asks for, in words: for messages and for the manual.
PATTERNS: dict[str, str] = {NAME: "letters, digits, '_', '-' and, but at the start, '.'"}


class Entry(BaseModel):
    """Keys and values that a person may write; any other key is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Sparse(Entry):
    """An entry whose optional keys are not there at all where they are not given."""

    @model_serializer(mode="wrap")
    def _given(self, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


def is_distinct(values: list[Any]) -> list[Any]:
    """The same list, which must not name anything twice."""
    twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        raise ValueError(f"names {twice[0]} twice")
    return values


Distinct = AfterValidator(is_distinct)
Names = Annotated[list[str], Field(min_length=1), Distinct]
