"""Experiments, and the tables, figures and comparisons that show them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spnet.config.models.fields import Entry, Names, Sparse
from spnet.figures import FIGURES
from spnet.metrics import FURTHER_METRICS, METRICS

Kind = Literal[tuple(FIGURES)]
Metric = Literal[tuple(METRICS)]
Further = Literal[tuple(FURTHER_METRICS)]

_Some = Annotated[list[str], Field(min_length=1)]


class ExperimentEntry(Entry):
    """Methods, trained on one dataset and tested on one."""

    dataset: str = Field(description="The dataset that methods are tested on.")
    trained_on: str = Field(description="The dataset that methods are trained on; unless given, the same.")
    methods: Names = Field(description="Methods, in the order in which tables show them.")


class ColumnEntry(Sparse):
    """Columns of a table: one metric of some structures."""

    metric: Metric = Field(description="What was measured.")
    structures: _Some = Field(description="Regions and `Average` of metrics of labels (Dice, HD95), else `volume`.")
    experiments: _Some | None = Field(None, description="Of these experiments; unless given, of all of the table's.")


class RowEntry(Sparse):
    """A row of a table."""

    method: str = Field(description="The method.")
    title: str | None = Field(None, description="What the reader sees; unless given, the method's title.")
    trained_on: str | None = Field(None, description="The dataset, where the experiments train the method on several.")


class TableEntry(Sparse):
    """A table of mean and standard deviation over pairs."""

    title: str = Field(description="What stands above it.")
    experiments: _Some = Field(description="The experiments that it shows.")
    columns: Annotated[list[ColumnEntry], Field(min_length=1)] = Field(description="Its columns.")
    rows: Annotated[list[RowEntry], Field(min_length=1)] | None = Field(
        None, description="Its rows; unless given, every method of the experiments."
    )
    notes: list[str] = Field([], description="Sentences below it.")


class FigureEntry(Sparse):
    """A figure."""

    title: str = Field(description="What stands above it.")
    kind: Kind = Field(description="What it draws.")
    experiments: _Some = Field(description="The experiments that it shows.")
    methods: Names | None = Field(
        None, description="The methods that it shows, in order; unless given, all of the experiments."
    )


class QuantityEntry(Entry):
    """What methods are compared by."""

    metric: Metric = Field(description="What was measured.")
    structure: str = Field(description="A region, `Average`, or `volume`.")


class SignificanceEntry(Entry):
    """The comparison, pair by pair, of one method with all others."""

    reference: str = Field(description="The method that is compared with the others.")
    experiments: _Some = Field(description="The experiments in which it is compared.")
    quantities: Annotated[list[QuantityEntry], Field(min_length=1)] = Field(description="What is compared.")
