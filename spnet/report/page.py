"""One page with everything that came out of a run, for whoever was not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spnet.analysis.trainings import read_training
from spnet.files import write_text
from spnet.report.document import Document, read_document
from spnet.report.flagged import flag_sentences
from spnet.report.overview import overview
from spnet.report.render import render
from spnet.report.sections import (
    Section,
    configuration_section,
    document_section,
    experiments_section,
    figures_section,
    preparation_section,
    software_section,
    tables_section,
)
from spnet.report.training import collapse_sentences, training_section


@dataclass(frozen=True)
class ReportFiles:
    """The results that a report shows; what a run does not have is left out.

    Attributes
    ----------
    tables, significance, claims, cost: json of :func:`spnet.report.document.write_document`, tables by name.
    unfinished: tables that have no file yet, by name.
    figures: PNG, named by the figure.
    preparation: json of :func:`spnet.report.preparation.write_preparation`, named by the dataset.
    trainings: every history.csv, a run.yaml beside it.
    published: the paper's numbers.
    """

    tables: Sequence[str | Path] = ()
    unfinished: Mapping[str, Document] = field(default_factory=dict)
    figures: Sequence[str | Path] = ()
    preparation: Sequence[str | Path] = ()
    trainings: Sequence[str | Path] = ()
    significance: str | Path | None = None
    claims: str | Path | None = None
    cost: str | Path | None = None
    published: str | Path | None = None


def write_report(
    config: Mapping[str, Any],
    files: ReportFiles,
    output: str | Path,
    missing: Sequence[str] = (),
    first: Sequence[Section] = (),
) -> None:
    """Write the report of a run, one HTML file with its pictures inside.

    Parameters
    ----------
    config: the whole configuration of the run, defaults filled in.
    missing: sentences about results that are not there yet.
    first: sections before all others.

    Raises
    ------
    DataError: a result is missing or damaged.
    """
    trainings = [read_training(path) for path in files.trainings]
    tables = {Path(path).stem: read_document(path) for path in files.tables}
    tables = in_order({**tables, **files.unfinished})
    beside = {name: getattr(files, name) for name in ("significance", "claims", "cost")}
    beside = {name: read_document(path) for name, path in beside.items() if path}
    figures = figures_section(in_order({Path(path).stem: Path(path) for path in files.figures}), config)
    sections = [
        *first,
        experiments_section(config),
        tables_section(tables, files.unfinished, config),
        document_section("significance", "Significance", beside, config),
        document_section("claims", "Claims of the paper", beside, config),
        figures,
        document_section("cost", "Cost", beside, config),
        training_section(trainings, config),
        preparation_section(files.preparation, config),
        software_section(),
        configuration_section(config),
    ]
    page = render(
        "report.html",
        title=f"Run {config['run']}",
        notes=[*config["notes"], *flag_sentences(files.preparation), *collapse_sentences(trainings, config)],
        overview=overview(config, tables, beside.get("claims"), figures, files.published, missing),
        sections=[section for section in sections if section is not None],
        datasets={name: entry["title"] for name, entry in config["datasets"].items()},
    )
    write_text(output, page)


def in_order(named: Mapping[str, Any]) -> dict[str, Any]:
    """By name, fig9 before fig10, the paper's, which have numbers, before others: laying one configuration over another
    shuffles its entries.
    """
    return {name: named[name] for name in sort_names(named)}


def sort_names(names: Iterable[str]) -> list[str]:
    """As :func:`in_order`."""

    def key(name: str) -> tuple[bool, list[tuple[int, str]]]:
        parts = re.split(r"(\d+)", name)
        return len(parts) == 1, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

    return sorted(names, key=key)
