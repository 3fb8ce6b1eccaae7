"""The report: one HTML page, silent on the network; its only script filters its tables."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from lunarscale.render import page_parts
from lunarscale.render.figure import Illustration
from lunarscale.render.labels import pretty_name
from lunarscale.render.page_parts import Entry, MethodNote
from lunarscale.render.tables import Table
from lunarscale.store.location import Location

__all__ = ["MethodNote", "Section", "write_page"]

_SIMULATED = (
    "<p class='simulated' role='note'><strong>SIMULATED DATA</strong> Nothing on this page was "
    "measured: the input is a made Moon, for trying and testing the software.</p>"
)


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading, in the contents.

    Parameters
    ----------
    heading : str
    parts : tuple of str, Illustration, Table or MethodNote
        In their order; a text is a paragraph.
    """

    heading: str
    parts: tuple[str | Illustration | Table | MethodNote, ...]


def write_page(
    folder: Path,
    *,
    title: str,
    provenance: Mapping[str, Entry],
    notes: Sequence[MethodNote],
    sections: Sequence[Section] = (),
    pictures: Sequence[Illustration] = (),
    tables: Sequence[Table] = (),
    summary: str = "",
    downloads: Mapping[str, str] | None = None,
    simulated: bool = False,
    embed: bool = False,
) -> Path:
    """Write ``index.html`` beside its figures.

    Parameters
    ----------
    folder : Path
        Where the page goes; the figures already lie in it or below it.
    title : str
    provenance : mapping
        Version, command, inputs, hashes, parameters, dates: a text, several, or named ones.
    notes : sequence of MethodNote
    sections : sequence of Section
        First on the page.
    pictures : sequence of Illustration
        Behind them, one section a layer, in the order of the layers' first figure.
    tables : sequence of Table
        A layer's tables stand below its figures, the others in a section of their own.
    summary : str
        One or two sentences below the title.
    downloads : mapping of str to str, optional
        File names beside the page, and what they hold.
    simulated : bool
        Whether to say, first and loudest, that the data are simulated.
    embed : bool
        Whether the page holds its pictures, so that the one file can be sent on its own; its
        size is then said below the title.

    Returns
    -------
    Path
        The page.
    """
    shown = [(s.heading, s.parts) for s in (*sections, *_layer_sections(pictures, tables))]
    made = [
        (heading, "".join(_part(part, folder, embed=embed) for part in parts))
        for heading, parts in shown
    ]
    made.append(("Models and methods", "".join(map(page_parts.note, notes))))
    made.append(("Provenance", page_parts.provenance_list(provenance)))
    if downloads:
        made.append(("Files", page_parts.file_list(downloads)))
    page = folder / "index.html"
    lead = f"<h1>{escape(title)}</h1>\n" + (f"<p>{escape(summary)}</p>" if summary else "")
    if embed:
        lead += _size(sum(len(content) for _, content in made))
    document = _document(title, made, lead=lead, simulated=simulated)
    Location(str(folder)).put(page.name, document.encode())
    return page


def _layer_sections(pictures: Sequence[Illustration], tables: Sequence[Table]) -> list[Section]:
    layers = dict.fromkeys([p.layer for p in pictures] + [t.layer for t in tables if t.layer])
    sections = []
    for layer in layers:
        figures = (picture for picture in pictures if picture.layer == layer)
        below = (table for table in tables if table.layer == layer)
        sections.append(Section(pretty_name(layer), (*figures, *below)))
    if general := tuple(table for table in tables if not table.layer):
        sections.append(Section("Tables", general))
    return sections


def _part(part: str | Illustration | Table | MethodNote, folder: Path, *, embed: bool) -> str:
    if isinstance(part, str):
        return page_parts.paragraph(part)
    if isinstance(part, Illustration):
        return page_parts.figure(part, folder, embed=embed)
    if isinstance(part, MethodNote):
        return page_parts.note(part)
    return page_parts.table(part)


def _size(characters: int) -> str:
    return (
        f"<p class='source'>This page holds its figures and can be sent on its own "
        f"({max(characters / 1e6, 0.1):.1f} MB); figures at full size and the numbers behind them "
        "are files beside it.</p>"
    )


def _document(
    title: str, sections: Sequence[tuple[str, str]], *, lead: str, simulated: bool
) -> str:
    style, script = (
        files("lunarscale.render").joinpath(name).read_text("utf-8")
        for name in ("page.css", "page.js")
    )
    # the policy lets this very text run and no other
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    links = "".join(
        f"<li><a href='#s{i}'>{escape(name)}</a></li>" for i, (name, _) in enumerate(sections)
    )
    body = "\n".join(
        f"<section id='s{i}'>\n<h2>{escape(name)}</h2>\n{content}\n</section>"
        for i, (name, content) in enumerate(sections)
    )
    mark = "Simulated: " if simulated and "simulated" not in title.lower() else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline';
 script-src 'sha256-{allowed}'">
<title>{mark}{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
{_SIMULATED if simulated else ""}
<div class="sheet">
<nav aria-label="Contents"><ul>{links}</ul></nav>
<main>
{lead}
{body}
</main>
</div>
<script>{script}</script>
</body>
</html>
"""
