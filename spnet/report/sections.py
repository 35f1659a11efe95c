"""The parts of a run's report: what each template of a section shows."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from spnet.config.lookups import shown_experiments
from spnet.figures import FIGURES
from spnet.provenance import dependency_versions, git_commit, plain
from spnet.report.document import TEXT, Document, plain_table
from spnet.report.pictures import figure_picture
from spnet.report.preparation import read_pictures, read_preparation

# Subjects of a dataset whose pictures are in the report; flagged ones come first.
_CARDS = 12


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    key: its anchor.
    template: its name among the section templates.
    data: what the template shows.
    parts: anchor -> title of what in it the contents list.
    """

    key: str
    title: str
    template: str
    data: Mapping[str, Any]
    parts: Mapping[str, str] = field(default_factory=dict)


def experiments_section(config: Mapping[str, Any]) -> Section:
    """What ran: which methods on which data."""
    datasets, methods = config["datasets"], config["methods"]
    rows = [
        [
            datasets[experiment["dataset"]]["title"],
            datasets[experiment["trained_on"]]["title"],
            "; ".join(methods[name]["title"] for name in experiment["methods"]),
        ]
        for experiment in shown_experiments(config)
    ]
    table = plain_table("", dict.fromkeys(("Tested on", "Trained on", "Methods"), TEXT), rows)
    facts = f"Scored on the {config['evaluate_on']} subjects; seeds of the trainings: {_seeds(config)}."
    return Section("experiments", "What ran", "facts", {"lines": [facts], "tables": {"Experiments": table}})


def _seeds(config: Mapping[str, Any]) -> str:
    """The study's seeds, and those of methods that have others."""
    shown = {method for experiment in shown_experiments(config) for method in experiment["methods"]}
    others = {method: config["methods"][method].get("seeds") for method in sorted(shown)}
    parts = [", ".join(map(str, config["seeds"]))]
    parts += [
        f"of {config['methods'][method]['title']} {', '.join(map(str, seeds))}"
        for method, seeds in others.items()
        if seeds
    ]
    return "; ".join(parts)


def tables_section(
    tables: Mapping[str, Document], unfinished: Mapping[str, Document], config: Mapping[str, Any]
) -> Section | None:
    """Every table, the paper's values in it."""
    if not tables:
        return None
    suffixes = ("csv", "md", "tex", "json")
    files = {name: [] if name in unfinished else [f"tables/{name}.{each}" for each in suffixes] for name in tables}
    parts = {name: document.title for name, document in tables.items()}
    shown = {name: _without_run_notes(document, config) for name, document in tables.items()}
    return Section("tables", "Tables", "tables", {"tables": shown, "files": files}, parts)


def document_section(
    key: str, title: str, documents: Mapping[str, Document], config: Mapping[str, Any]
) -> Section | None:
    """A result with its tables; its own title gives way to `title`."""
    if key not in documents:
        return None
    data = {"document": _without_run_notes(documents[key], config)}
    return Section(key, title, "document", data | {"files": [f"{key}.{suffix}" for suffix in ("csv", "md", "json")]})


def _without_run_notes(document: Document, config: Mapping[str, Any]) -> Document:
    """Notes of the run stand once above everything, so need not be repeated under every table."""
    notes, points = (
        [note for note in notes if note not in config["notes"]] for notes in (document.notes, document.points)
    )
    return Document(document.title, document.tables, notes, document.paragraphs, points)


def figures_section(figures: Mapping[str, Path], config: Mapping[str, Any]) -> Section | None:
    """Every figure, small enough for a page."""
    if not figures:
        return None
    shown = {name: _figure(path, config) for name, path in figures.items()}
    titles = {name: figure["title"] for name, figure in shown.items()}
    return Section("figures", "Figures", "figures", {"figures": shown}, titles)


def _figure(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    entry = config["figures"][path.stem]
    datasets = dict.fromkeys(config["experiments"][name]["dataset"] for name in entry["experiments"])
    shown = ", ".join(config["datasets"][name]["title"] for name in datasets)
    return {
        "title": entry.get("title", path.stem),
        "kind": entry["kind"],
        "caption": f"{FIGURES[entry['kind']].caption} Data: {shown}.",
        "picture": figure_picture(path),
        "files": [f"figures/{path.stem}.{suffix}" for suffix in ("pdf", "png")],
    }


def preparation_section(paths: Sequence[str | Path], config: Mapping[str, Any]) -> Section | None:
    """How each dataset was prepared, the pictures folded."""
    if not paths:
        return None
    shown, parts = {}, {}
    for path in map(Path, paths):
        preparation = read_preparation(path)
        key = f"preparation-{path.stem}"
        parts[key] = config["datasets"][path.stem]["title"]
        shown[key] = {
            "preparation": preparation,
            "pictures": read_pictures(preparation, path, _CARDS),
            "files": [f"preparation/{path.stem}.{suffix}" for suffix in ("html", "tsv")],
        }
    return Section("preparation", "Preparation of the scans", "preparation", {"datasets": shown}, parts)


def software_section() -> Section:
    """What it was made with."""
    rows = [["Python", platform.python_version()], ["system", platform.platform()], ["git commit", git_commit()]]
    rows += [list(item) for item in dependency_versions().items()]
    table = plain_table("", {"Software": TEXT, "Version": TEXT}, rows)
    return Section("software", "Software", "facts", {"lines": [], "tables": {"Software": table}})


def configuration_section(config: Mapping[str, Any]) -> Section:
    """The whole merged configuration, to be opened."""
    text = yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True, width=110)
    return Section("configuration", "Configuration", "configuration", {"text": text})
