"""The methods at a glance: what `spnet methods` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spnet.config.load import load_catalogue
from spnet.errors import ConfigError
from spnet.methods import METHODS, build_method

TSV_HEADER = ("method", "title", "parameters", "published_weights", "deviations")
_WIDTH = 120


@dataclass(frozen=True)
class Entry:
    """One method, as its entry in methods.yaml describes it.

    Attributes
    ----------
    parameters: number of trainable ones, with the options of the entry.
    published_weights: whether some other entry runs the weights that its authors published.
    """

    method: str
    title: str
    parameters: int
    published_weights: bool
    deviations: tuple[str, ...]


def list_methods(config: str | Path | None = None) -> list[Entry]:
    """The methods of methods.yaml, in its order; of published weights the method that they are of says that they exist.

    Parameters
    ----------
    config: the folder of methods.yaml and datasets.yaml; unless given, ./config or that of this checkout.

    Raises
    ------
    ConfigError: the file is not there or cannot be used, or a method has no entry.
    """
    entries = load_catalogue(config)["methods"]
    missing = [name for name in METHODS if name not in entries]
    if missing:
        raise ConfigError(f"methods.yaml has no entry for {', '.join(missing)}", remedy="Add one")
    return [_describe(name, entries) for name, entry in entries.items() if entry["kind"] != "published"]


def _describe(name: str, entries: Mapping[str, Mapping[str, Any]]) -> Entry:
    entry = entries[name]
    published = any(other["implementation"] == name and other["kind"] == "published" for other in entries.values())
    parameters = build_method(entry["implementation"], entry["options"]).count_parameters()
    return Entry(name, entry["title"], parameters, published, tuple(entry["deviations"]))


def to_tsv(catalogue: Sequence[Entry]) -> str:
    """One line per method; deviations in one cell."""
    rows = [
        (entry.method, entry.title, str(entry.parameters), _yes_no(entry.published_weights), " ".join(entry.deviations))
        for entry in catalogue
    ]
    return "\n".join("\t".join(row) for row in [TSV_HEADER, *rows])


def to_text(catalogue: Sequence[Entry]) -> str:
    """For reading: a line of facts per method, its deviations below."""
    method, title = (max(len(getattr(entry, column)) for entry in catalogue) for column in ("method", "title"))
    lines = [f"{'method':{method}}  {'title':{title}}  {'parameters':>10}  published weights"]
    for entry in catalogue:
        facts = f"{entry.method:{method}}  {entry.title:{title}}  {entry.parameters:>10,}"
        lines += ["", f"{facts}  {_yes_no(entry.published_weights)}"]
        for deviation in entry.deviations:
            lines.append(textwrap.fill(deviation, _WIDTH, initial_indent="  - ", subsequent_indent="    "))
    return "\n".join(lines)


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"
