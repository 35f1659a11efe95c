"""The Markdown that this project writes, as HTML.

That is headings, pipe tables, lists, paragraphs, and in them bold and code. Everything else is text, escaped, so that
nothing in a result can become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby

_HEADING, _ITEM = re.compile(r"(#{1,6})\s+(.*)"), re.compile(r"[-*]\s+(.*)")
_RULE = re.compile(r"\|?[\s:|-]*-[\s:|-]*")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
# What begins as a number and is no sentence, and what stands for an absent one.
_NUMBER = re.compile(r"\W*\d[^A-Za-z]{0,30}|-|–|—||not yet")
_LAST_HEADING = 6


def markdown_to_html(text: str, top: int = 1) -> str:
    """HTML of a text whose first level of headings becomes ``<h{top}>``."""
    return "\n".join(block for kind, lines in _blocks(text) for block in _render(kind, lines, top))


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    kind = "blank"
    lines = []
    for line in text.splitlines():
        # An indented line goes on with the item above it.
        kind = "list" if kind == "list" and line.startswith("  ") and line.strip() else _kind(line)
        lines.append((kind, line.strip()))
    for kind, group in groupby(lines, key=lambda entry: entry[0]):
        yield kind, [line for _, line in group]


def _kind(line: str) -> str:
    line = line.strip()
    if not line:
        return "blank"
    if line.startswith("|"):
        return "table"
    if _HEADING.fullmatch(line):
        return "heading"
    return "list" if _ITEM.fullmatch(line) else "paragraph"


def _render(kind: str, lines: list[str], top: int) -> list[str]:
    if kind == "heading":
        return [_heading(line, top) for line in lines]
    if kind == "list":
        return ["<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in _items(lines)) + "</ul>"]
    if kind == "table":
        return [_table(lines)]
    return [f"<p>{_inline(' '.join(lines))}</p>"] if kind == "paragraph" else []


def _heading(line: str, top: int) -> str:
    marks, title = _HEADING.fullmatch(line).groups()
    level = min(len(marks) + top - 1, _LAST_HEADING)
    return f"<h{level}>{_inline(title)}</h{level}>"


def _items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        item = _ITEM.fullmatch(line)
        if item:
            items.append(item.group(1))
        else:
            items[-1] += f" {line}"
    return items


def _table(lines: list[str]) -> str:
    """A table in a frame of its own that scrolls, since a telephone is narrower than most."""
    header, *body = [_cells(line) for line in lines if not _RULE.fullmatch(line)]
    numeric = [
        position > 0 and all(_NUMBER.fullmatch(row[position].strip("*")) for row in body if position < len(row))
        for position in range(len(header))
    ]
    looks = [_look(number, title) for number, title in zip(numeric, header, strict=True)]
    looks += [""] * max((len(row) - len(header) for row in body), default=0)
    head = "".join(f'<th scope="col"{look}>{_inline(cell)}</th>' for cell, look in zip(header, looks, strict=False))
    rows = []
    for first, *rest in body:
        cells = (f"<td{look}>{_inline(cell)}</td>" for cell, look in zip(rest, looks[1:], strict=False))
        rows.append(f'<tr><th scope="row">{_inline(first)}</th>{"".join(cells)}</tr>')
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{chr(10).join(rows)}\n</tbody></table></div>"
    )


def _look(number: bool, title: str) -> str:
    """A column of numbers is set as one, and the paper's, being not ours, more quietly."""
    classes = ["number"] * number + ["paper"] * (title == "paper")
    return f' class="{" ".join(classes)}"' if classes else ""


def _cells(line: str) -> list[str]:
    inner = line.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _CELL_BORDER.split(inner)]


def _inline(text: str) -> str:
    """Bold and code; what is in code is nothing but text."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(
        f"<code>{escape(part)}</code>"
        if position % 2
        else re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(part))
        for position, part in enumerate(parts)
    )
