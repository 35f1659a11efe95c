"""The frame of a run's report: one page with contents at its side, which opens anywhere and needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from spnet.analysis.html import STYLE

_LAYOUT = """
body { max-width: 1500px; margin: 0 auto; } html { scroll-padding-top: 1em; }
h1 { font-size: 1.7em; margin: .8em 0 .2em; overflow-wrap: anywhere; }
h2 { font-size: 1.4em; border-bottom: 2px solid var(--plain); padding-bottom: .2em; margin-top: 2em; }
h3 { font-size: 1.15em; margin: 1.6em 0 .4em; } h4, h5 { font-size: 1em; margin: 1.2em 0 .3em; }
.skip { position: absolute; left: -999em; } .skip:focus { left: 1em; top: 1em; background: var(--card); padding: .5em; }
nav ul { list-style: none; margin: 0; padding: 0; } nav li ul { margin-left: .9em; font-size: .9em; }
nav a { display: block; padding: .15em 0; text-decoration: none; }
nav a:hover, nav a:focus { text-decoration: underline; }
.wide { overflow-x: auto; max-width: 100%; /* a shadow at the right while there is more to scroll to */
  background: linear-gradient(to left, var(--page) 40%, transparent) right / 36px 100% no-repeat local,
  linear-gradient(to left, var(--rule), transparent) right / 12px 100% no-repeat scroll; }
.wide:focus { outline: 2px solid var(--link); }
.wide table { font-size: .88em; } .wide th, .wide td { padding-right: .7em; }
.wide .number { white-space: nowrap; } main { min-width: 0; }
.wide th[scope="row"], .wide thead th:first-child { position: sticky; left: 0; background: var(--page); }
.paper { color: var(--quiet); }
.note { border-left: 4px solid var(--mark); background: var(--card); padding: .5em .9em; margin: .8em 0;
  max-width: 60em; } .note p { margin: .2em 0; }
main ul { max-width: 60em; } main li, .files { font-size: .92em; color: var(--quiet); } .files { margin: .3em 0 1.2em; }
figure { margin: 1em 0 2em; break-inside: avoid; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--line); }
figcaption { color: var(--quiet); font-size: .92em; margin-top: .4em; max-width: 60em; }
details { margin: .8em 0; } summary { cursor: pointer; color: var(--link); padding: .2em 0; }
pre { background: var(--card); border: 1px solid var(--line); padding: .8em; overflow-x: auto; font-size: .85em; }
.counts { display: flex; flex-wrap: wrap; gap: .6em; list-style: none; padding: 0; }
.counts li { background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--plain);
  color: var(--text); padding: .3em .9em; } .counts b { font-size: 1.3em; margin-right: .3em; }
@media (min-width: 1000px) { .columns { display: grid; grid-template-columns: 220px minmax(0, 1fr); gap: 2.5em; }
  nav { position: sticky; top: 1em; align-self: start; max-height: calc(100vh - 2em); overflow-y: auto;
    margin-top: 2em; } }
@media (max-width: 999px) { nav > ul { display: flex; flex-wrap: wrap; gap: 0 1.2em; } nav li ul { display: none; }
  nav { border-bottom: 1px solid var(--line); padding-bottom: .5em; } nav a { padding: .4em 0; } }
@media print { nav, .skip, .files { display: none; } .columns { display: block; }
  .wide { overflow: visible; background: none; }
  @page { size: A4 landscape; margin: 12mm; } .wide table { font-size: 8.5px; }
  .wide th, .wide td { padding-right: .5em; }
  a { color: inherit; text-decoration: none; } h2, h3, h4 { break-after: avoid; }
  tr { break-inside: avoid; } figure img { max-height: 155mm; } }
"""


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes
    ----------
    key: its anchor.
    body: HTML.
    parts: anchor -> title of what in it the contents list.
    """

    key: str
    title: str
    body: str
    parts: Mapping[str, str] = field(default_factory=dict)


def to_html(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The page; `lead` is the HTML below its heading."""
    body = "\n".join(
        f'<section id="{escape(section.key)}"><h2>{escape(section.title)}</h2>\n{section.body}\n</section>'
        for section in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{STYLE}{_LAYOUT}</style></head><body>
<a class="skip" href="#content">To the content</a>
<div class="columns">
<nav aria-label="Contents"><ul>{"".join(map(_entry, sections))}</ul></nav>
<main id="content">
<h1>{escape(title)}</h1>
{lead}
{body}
</main></div></body></html>
"""


def _entry(section: Section) -> str:
    parts = "".join(_link(key, title) for key, title in section.parts.items())
    return _link(section.key, section.title, f"<ul>{parts}</ul>" if parts else "")


def _link(key: str, title: str, inner: str = "") -> str:
    return f'<li><a href="#{escape(key)}">{escape(title)}</a>{inner}</li>'


def files_line(paths: Sequence[str]) -> str:
    """Where the same stands as files, relative to the report."""
    links = ", ".join(f'<a href="{escape(path)}">{escape(path)}</a>' for path in paths)
    return f'<p class="files">In the folder of the run: {links}</p>'


def figure(url: str, alternative: str, caption: str) -> str:
    """A picture with its caption; `alternative` is read to those who do not see it."""
    picture = f'<img src="{escape(url)}" alt="{escape(alternative)}">'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def folded(summary: str, body: str) -> str:
    """Something to be opened; `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>\n{body}\n</details>"


def scrolling(table: str, name: str) -> str:
    """A table that scrolls by itself where the page is narrower."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{escape(name)}">{table}</div>'


def notes_box(notes: Sequence[str]) -> str:
    """What a reader must know before any number."""
    return f'<div class="note" role="note">{"".join(f"<p>{escape(note)}</p>" for note in notes)}</div>' if notes else ""
