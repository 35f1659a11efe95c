"""Templates, filled in: everything that comes from results and configuration is escaped for the form it goes into."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from spnet.analysis.collapsed import MARK

_TEMPLATES = Path(__file__).parent / "templates"
# LaTeX is full of the braces that mark places in the other templates.
_LATEX_MARKS = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


def render(template: str, **values: Any) -> str:
    """The template of this name, such as ``document.md``, with these values."""
    return _environment(Path(template).suffix).get_template(template).render(values)


@cache
def _environment(suffix: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=suffix == ".html",
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **(_LATEX_MARKS if suffix == ".tex" else {}),
    )
    environment.filters |= {"markdown_cell": _markdown_cell, "latex": _latex, "inline": _inline}
    return environment


def _markdown_cell(text: str) -> str:
    return text.replace("|", "\\|")


def _inline(text: str) -> Markup:
    """HTML of a sentence whose names of files and keys stand in backticks."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _latex(text: str) -> str:
    for character in "&%_#$":
        text = text.replace(character, f"\\{character}")
    return text.replace(MARK, "\\dag{}")
