"""Claims of a paper, as checkable statements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from spnet.config.models.fields import Names, Sparse
from spnet.config.models.results import Compared
from spnet.errors import did_you_mean

_SCORED = ("experiments", "metric")

# Statistic -> parameters that it needs, and those that it may have besides.
STATISTICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "better": (("methods", "than", *_SCORED), ("structures", "alpha")),
    "better_on_most": (("method", "than", *_SCORED), ()),
    "better_than_several": (("method", "than", "at_least", *_SCORED), ("structures", "as_experiment")),
    "difference_at_least": (("method", "over", *_SCORED), ("structures", "tolerance")),
    "difference_at_most": (("methods", "over", *_SCORED), ("structures",)),
    "lower_by_factor": (("method", "than", "factor", *_SCORED), ("structures",)),
    "equals_within": (("method", "tolerance", *_SCORED), ("value", "as", "structures", "as_experiment")),
    "at_most": (("methods", "bound", *_SCORED), ("structures",)),
    "parameters": (("method", "tolerance"), ("value", "as")),
    "fewer_parameters": (("methods", "than"), ("ratio",)),
    "cost_ratio": (("method", "than", "experiments", "quantity"), ("device", "at_least", "at_most")),
    "order_independent": (("method", "tolerance", "expected"), ()),
    "shown_in_figure": (("figure",), ()),
}
_SAID = ("text", "where", "statistic")


class Claim(Sparse):
    """What a paper says in words, and the statistic that grades it, with that statistic's parameters."""

    text: str = Field(description="The paper's words.")
    where: str = Field(description="Where they stand.")
    statistic: Literal[tuple(STATISTICS)] = Field(description="What grades them.")
    method: str | None = Field(None, description="The method that the claim is about.")
    methods: Names | None = Field(None, description="The methods that the claim is about.")
    than: Names | None = Field(None, description="The methods that it is compared with.")
    over: Annotated[dict[str, Annotated[float, Field(ge=0)]], Field(min_length=1)] | None = Field(
        None, description="The methods that it is compared with, each with the difference."
    )
    as_: str | Names | None = Field(None, alias="as", description="The method or methods that it equals.")
    value: int | float | None = Field(None, description="The value that it equals, in place of `as`.")
    experiments: Names | None = Field(None, description="The experiments that the claim is about.")
    as_experiment: str | None = Field(None, description="The experiment of the other methods, if it is another.")
    metric: Compared | None = Field(None, description="What was measured.")
    structures: Names | None = Field(None, description="Its structures; unless given, every region of the label set.")
    tolerance: Annotated[int | float, Field(ge=0)] | None = Field(None, description="What a value may be off.")
    alpha: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Level of Wilcoxon's test with Holm's correction, where significance is claimed."
    )
    at_least: Annotated[int | float, Field(ge=0)] | None = Field(None, description="Lower bound.")
    at_most: Annotated[int | float, Field(ge=0)] | None = Field(None, description="Upper bound.")
    bound: Annotated[float, Field(ge=0)] | None = Field(None, description="Upper bound of the mean.")
    factor: Annotated[int | float, Field(gt=0)] | None = Field(
        None, description="How many times as large the others' value is at least."
    )
    ratio: Annotated[int | float, Field(ge=1)] | None = Field(
        None, description="How many times as many parameters the others have at least."
    )
    quantity: Literal["seconds_per_pair", "registration_peak_mb", "seconds_per_step", "training_peak_mb"] | None = (
        Field(None, description="What it costs.")
    )
    device: Literal["cpu", "cuda"] | None = Field(None, description="The only device whose measurements count.")
    expected: bool | None = Field(None, description="Whether the paper says that it is so.")
    figure: str | None = Field(None, description="The figure that shows it.")

    @model_validator(mode="after")
    def _has_the_parameters_of_its_statistic(self) -> Claim:
        needed, optional = STATISTICS[self.statistic]
        given = {type(self).model_fields[name].alias or name for name in self.model_fields_set} - {*_SAID}
        for name in sorted(given - {*needed, *optional}):
            known = [*needed, *optional]
            raise ValueError(f"statistic '{self.statistic}' has no parameter '{name}'{did_you_mean(name, known)}")
        missing = [name for name in needed if name not in given]
        if missing:
            raise ValueError(f"statistic '{self.statistic}' needs '{missing[0]}'")
        if "as" in optional and ("as" in given) == ("value" in given):
            raise ValueError(f"statistic '{self.statistic}' needs either 'value' or 'as'")
        return self
