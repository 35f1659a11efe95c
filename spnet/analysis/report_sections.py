"""The parts of a run's report, each from the files that hold its results."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from PIL import Image

from spnet.analysis.html import data_url, jpeg_url, table
from spnet.analysis.markdown import markdown_to_html
from spnet.analysis.preparation_html import take_apart
from spnet.analysis.report_html import Section, figure, files_line, folded, scrolling
from spnet.errors import DataError, first_line
from spnet.figures import FIGURES
from spnet.provenance import dependency_versions, git_commit, plain

# A picture this wide is sharp on a usual screen; one larger than this as PNG is a photograph, better as JPEG.
_WIDTH, _LARGEST_PNG, _JPEG_QUALITY = 1500, 900_000, 85
# Subjects of a dataset whose pictures are in the report; flagged ones come first.
_CARDS = 12
_AGAIN = "Delete this file and run again: it is then made anew"


def experiments_section(config: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> Section:
    """What ran: which methods on which data."""
    datasets, methods = config["datasets"], config["methods"]
    rows = [
        [
            datasets[experiment["dataset"]]["title"],
            datasets[experiment["trained_on"]]["title"],
            ", ".join(methods[name]["title"] for name in experiment["methods"]),
        ]
        for experiment in shown
    ]
    seeds = ", ".join(str(seed) for seed in config["seeds"])
    facts = f"<p>Scored on the {escape(config['evaluate_on'])} subjects; seeds of the trainings: {escape(seeds)}.</p>"
    what = table(["Tested on", "Trained on", "Methods"], rows)
    return Section("experiments", "What ran", f"{facts}\n{scrolling(what, 'Experiments')}")


def tables_section(paths: Sequence[Path], config: Mapping[str, Any], unfinished: Mapping[str, str]) -> Section:
    """Every table as it was written, the paper's values in it; of those that have no file yet, the Markdown so far."""
    run_notes = set(config["notes"])
    parts, bodies = {}, []
    for path in paths:
        name = path.stem
        lines = (unfinished[name] if name in unfinished else _read(path)).splitlines()
        # They stand once above everything, so need not be repeated under every table.
        text = "\n".join(line for line in lines if line.removeprefix("- ") not in run_notes)
        parts[name] = config["tables"][name]["title"]
        files = "" if name in unfinished else files_line([f"tables/{name}.{suffix}" for suffix in ("csv", "md", "tex")])
        bodies.append(f'<div id="{escape(name)}">{markdown_to_html(text, top=3)}\n{files}</div>')
    return Section("tables", "Tables", "\n".join(bodies), parts)


def markdown_section(key: str, title: str, path: Path, config: Mapping[str, Any], before: str = "") -> Section:
    """A result that was written as Markdown; its own heading gives way to `title`."""
    run_notes = set(config["notes"])
    lines = [line for line in _read(path).splitlines() if line.removeprefix("- ") not in run_notes]
    if lines and lines[0].startswith("# "):
        lines = lines[1:]
    body = markdown_to_html("\n".join(lines), top=2)
    return Section(key, title, f"{before}{body}\n{files_line([f'{path.stem}.csv', path.name])}")


def claims_section(markdown: Path, csv: Path, config: Mapping[str, Any]) -> Section:
    """The paper's claims with our verdicts, counted."""
    return markdown_section("claims", "Claims of the paper", markdown, config, _verdict_counts(csv))


def _verdict_counts(csv: Path) -> str:
    try:
        verdicts = pd.read_csv(csv, float_precision="round_trip")
    except (OSError, ValueError) as error:
        raise DataError(f"the claims cannot be read ({first_line(error)})", path=csv, remedy=_AGAIN) from error
    if "verdict" not in verdicts:
        return ""
    counts = verdicts["verdict"].fillna("not tested").value_counts()
    items = "".join(f"<li><b>{count}</b>{escape(str(verdict))}</li>" for verdict, count in counts.items())
    return f'<ul class="counts" aria-label="Verdicts">{items}</ul>\n'


def figures_section(paths: Sequence[Path], config: Mapping[str, Any]) -> Section:
    """Every figure, small enough for a page."""
    parts, bodies = {}, []
    for path in paths:
        entry = config["figures"][path.stem]
        title, caption = entry.get("title", path.stem), FIGURES[entry["kind"]].caption
        datasets = dict.fromkeys(config["experiments"][name]["dataset"] for name in entry["experiments"])
        shown = ", ".join(config["datasets"][name]["title"] for name in datasets)
        picture = figure(_encode_figure(path), f"{title}. {caption}", f"{caption} Data: {shown}.")
        files = files_line([f"figures/{path.stem}.{suffix}" for suffix in ("pdf", "png")])
        parts[path.stem] = title
        bodies.append(f'<div id="{escape(path.stem)}"><h3>{escape(title)}</h3>\n{picture}\n{files}</div>')
    return Section("figures", "Figures", "\n".join(bodies), parts)


def _encode_figure(path: Path) -> str:
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except OSError as error:
        raise DataError("the figure is missing or damaged", path=path, remedy=_AGAIN) from error
    if picture.width > _WIDTH:
        picture = picture.resize((_WIDTH, round(picture.height * _WIDTH / picture.width)), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    if buffer.tell() <= _LARGEST_PNG:
        return data_url("image/png", buffer.getvalue())
    return jpeg_url(picture, _JPEG_QUALITY)


def preparation_section(paths: Sequence[Path], config: Mapping[str, Any]) -> Section:
    """How each dataset was prepared: its QC page, the pictures folded."""
    parts, bodies = {}, []
    for path in paths:
        title = config["datasets"][path.stem]["title"]
        key = f"preparation-{path.stem}"
        files = files_line([f"preparation/{path.stem}.{suffix}" for suffix in ("html", "tsv")])
        parts[key] = title
        bodies.append(f'<div id="{escape(key)}"><h3>{escape(title)}</h3>\n{_preparation(path)}\n{files}</div>')
    return Section("preparation", "Preparation of the scans", "\n".join(bodies), parts)


def _preparation(path: Path) -> str:
    found = take_apart(_read(path))
    if found is None:
        raise DataError("this is no QC page of this program", path=path, remedy=_AGAIN)
    cards = found.cards[:_CARDS]
    left = len(found.cards) - len(cards)
    more = f"; {left} more are on the dataset's own page" if left else ""
    pictures = folded(
        f"Pictures of {len(cards)} subjects, flagged ones first{more}",
        '<div class="cards">\n' + "\n".join(_lower_headings(card) for card in cards) + "\n</div>",
    )
    return f"{_lower_headings(found.summary)}\n{pictures}"


def _lower_headings(html: str) -> str:
    """Headings of a page of its own, under a heading of the third level."""
    for level in (3, 2):
        html = html.replace(f"<h{level}>", f"<h{level + 2}>").replace(f"</h{level}>", f"</h{level + 2}>")
    return html


def software_section() -> Section:
    """What it was made with."""
    rows = [["Python", platform.python_version()], ["system", platform.platform()], ["git commit", git_commit()]]
    rows += [list(item) for item in dependency_versions().items()]
    return Section("software", "Software", scrolling(table(["Software", "Version"], rows), "Software"))


def configuration_section(config: Mapping[str, Any]) -> Section:
    """The whole merged configuration, to be opened."""
    text = yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True, width=110)
    body = folded("The whole configuration, defaults filled in", f'<pre tabindex="0">{escape(text)}</pre>')
    return Section("configuration", "Configuration", body)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"this result cannot be read ({first_line(error)})", path=path, remedy=_AGAIN) from error
