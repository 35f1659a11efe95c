"""What the HTML pages of a run share: their look, their tables, and pictures inside the file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO

from PIL import Image

_JPEG_QUALITY = 70

# Colours have names, so that a dark screen changes them and nothing else; paper is always light.
STYLE = """
:root { color-scheme: light; --text: #222; --quiet: #555; --page: #fcfcfc; --card: #fff; --line: #e0e0e0; --rule: #999;
  --plain: #9ab; --mark: #d98200; --warning: #8a4b00; --link: #1a5a96; }
@media screen and (prefers-color-scheme: dark) { :root { color-scheme: dark; --text: #ddd; --quiet: #a8a8a8;
  --page: #16181b; --card: #1f2226; --line: #363a40; --rule: #777; --plain: #567; --mark: #d98200; --warning: #e5a860;
  --link: #84b9ea; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 1120px;
  margin: 2em auto; padding: 0 1em; }
a { color: var(--link); }
h1 { font-size: 1.6em; margin-bottom: .2em; } h2 { font-size: 1.2em; margin: 1.8em 0 .5em; }
table { border-collapse: collapse; } th, td { padding: .25em .9em .25em 0; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--rule); } tbody th { font-weight: normal; }
tbody th, td { border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; } p.small { color: var(--quiet); max-width: 48em; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(330px, 100%), 1fr)); gap: 1em; }
.card { background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--plain); padding: .6em .8em;
  break-inside: avoid; } .card.flagged { border-top-color: var(--mark); }
.card h3, .card h5 { font-size: 1em; margin: 0; overflow-wrap: anywhere; }
.card p { margin: .1em 0 .4em; color: var(--quiet); font-size: .9em; } .card ul { margin: .2em 0 .5em;
  padding-left: 1.2em; color: var(--warning); font-size: .9em; overflow-wrap: anywhere; }
.card img { width: 100%; display: block; }
@media print { body { background: #fff; margin: 0; max-width: none; font-size: 11px; }
  .cards { grid-template-columns: 1fr 1fr; } }
"""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int | None = None) -> str:
    """A table of plain texts, escaped; columns from `numbers_from` on are set as numbers."""

    def line(tag: str, cells: Sequence[str]) -> str:
        return "<tr>" + "".join(cell(tag, column, text) for column, text in enumerate(cells)) + "</tr>"

    def cell(tag: str, column: int, text: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        look = ' class="number"' if numbers_from is not None and column >= numbers_from else ""
        return f"<{tag}{scope}{look}>{escape(text)}</{tag}>"

    body = "\n".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', header)}</thead><tbody>\n{body}\n</tbody></table>"


def jpeg_url(image: Image.Image, quality: int = _JPEG_QUALITY) -> str:
    """The picture as a data URL, small; for what has no fine print."""
    buffer = BytesIO()
    # Full colour resolution, or thin coloured borders fade.
    image.convert("RGB").save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return data_url("image/jpeg", buffer.getvalue())


def data_url(media_type: str, content: bytes) -> str:
    """A file's content as an address that needs no network."""
    return f"data:{media_type};base64,{b64encode(content).decode()}"
