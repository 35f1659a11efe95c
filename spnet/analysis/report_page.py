"""One page with everything that came out of a run, for whoever was not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spnet.analysis.report_html import Section, notes_box, to_html
from spnet.analysis.report_sections import (
    claims_section,
    configuration_section,
    experiments_section,
    figures_section,
    markdown_section,
    preparation_section,
    software_section,
    tables_section,
)
from spnet.analysis.report_training import collapse_sentences, training_section
from spnet.analysis.trainings import Training, read_training
from spnet.config.lookups import shown_experiments
from spnet.files import write_text

_LEAD = (
    "<p>What this run of the reproduction of <cite>Symmetric pyramid network for medical image inverse consistent "
    "diffeomorphic registration</cite> (Zhang, Ning, Zhou and Liao, 2023) measured. Every number is from the run's own "
    "files; values of the paper stand beside ours in columns named so.</p>"
)


@dataclass(frozen=True)
class ReportFiles:
    """The results that a report shows; what a run does not have is left out.

    Attributes
    ----------
    tables: Markdown, named by the table.
    unfinished: the Markdown of tables that have no file yet, by name.
    figures: PNG, named by the figure.
    preparation: QC pages, named by the dataset.
    trainings: every history.csv, a run.yaml beside it.
    significance, cost: Markdown.
    claims: Markdown, the same as CSV beside it.
    """

    tables: Sequence[str | Path] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    figures: Sequence[str | Path] = ()
    preparation: Sequence[str | Path] = ()
    trainings: Sequence[str | Path] = ()
    significance: str | Path | None = None
    claims: str | Path | None = None
    cost: str | Path | None = None


def write_report(
    config: Mapping[str, Any], files: ReportFiles, output: str | Path, first: Sequence[Section] = ()
) -> None:
    """Write the report of a run, one HTML file with its pictures inside.

    Parameters
    ----------
    config: the whole configuration of the run, defaults filled in.
    first: sections before all others.

    Raises
    ------
    DataError: a result is missing or damaged.
    """
    trainings = [read_training(path) for path in files.trainings]
    lead = f"{_LEAD}\n{notes_box([*config['notes'], *collapse_sentences(trainings, config)])}"
    write_text(output, to_html(f"Run {config['run']}", lead, [*first, *_sections(config, files, trainings)]))


def _sections(config: Mapping[str, Any], files: ReportFiles, trainings: Sequence[Training]) -> list[Section]:
    """What there is, in the order of a reader's questions."""
    sections = [experiments_section(config, shown_experiments(config))]
    if files.tables or files.unfinished:
        tables = in_order([*files.tables, *(f"{name}.md" for name in files.unfinished)])
        sections.append(tables_section(tables, config, files.unfinished))
    if files.significance:
        sections.append(markdown_section("significance", "Significance", Path(files.significance), config))
    if files.claims:
        claims = Path(files.claims)
        sections.append(claims_section(claims, claims.with_suffix(".csv"), config))
    if files.figures:
        sections.append(figures_section(in_order(files.figures), config))
    if files.cost:
        sections.append(markdown_section("cost", "Cost", Path(files.cost), config))
    if trainings:
        sections.append(training_section(trainings, config))
    if files.preparation:
        sections.append(preparation_section([Path(path) for path in files.preparation], config))
    return [*sections, software_section(), configuration_section(config)]


def in_order(paths: Sequence[str | Path]) -> list[Path]:
    """By name, fig9 before fig10, the paper's, which have numbers, before others: laying one configuration over another
    shuffles its entries.
    """

    def key(path: Path) -> tuple[bool, list[tuple[int, str]]]:
        parts = re.split(r"(\d+)", path.stem)
        return len(parts) == 1, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

    return sorted(map(Path, paths), key=key)
