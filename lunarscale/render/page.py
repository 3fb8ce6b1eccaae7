"""The report: one HTML page beside its figures; no script, nothing from the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from lunarscale.render.figure import Illustration
from lunarscale.render.labels import pretty_name
from lunarscale.render.tables import Table
from lunarscale.store.location import Location

#: What a provenance entry may hold: a text, several, or named ones.
Entry = str | Sequence[str] | Mapping[str, str]

_SIMULATED = (
    "<p class='simulated' role='note'><strong>SIMULATED DATA</strong> Nothing on this page was "
    "measured: the input is a made Moon, for trying and testing the software.</p>"
)


@dataclass(frozen=True)
class MethodNote:
    """How something on the page was computed.

    Parameters
    ----------
    heading : str
        A model's name, or a method.
    text : str
        In words: validity, bands, choices.
    formula, source : str
        Where they apply.
    """

    heading: str
    text: str
    formula: str = ""
    source: str = ""


def write_page(
    folder: Path,
    *,
    title: str,
    pictures: Sequence[Illustration],
    tables: Sequence[Table],
    provenance: Mapping[str, Entry],
    notes: Sequence[MethodNote],
    summary: str = "",
    downloads: Mapping[str, str] | None = None,
    simulated: bool = False,
) -> Path:
    """Write ``index.html`` beside its figures.

    Parameters
    ----------
    folder : Path
        Where the page goes; the figures already lie in it or below it.
    title : str
    pictures : sequence of Illustration
        One section a layer, in the order of the layers' first figure.
    tables : sequence of Table
        A layer's tables stand below its figures, the others in a section of their own.
    provenance : mapping
        Version, command, inputs, hashes, parameters, dates: a text, several, or named ones.
    notes : sequence of MethodNote
    summary : str
        One or two sentences below the title.
    downloads : mapping of str to str, optional
        File names beside the page, and what they hold.
    simulated : bool
        Whether to say, first and loudest, that the data are simulated.

    Returns
    -------
    Path
        The page.
    """
    layers = list(dict.fromkeys([p.layer for p in pictures] + [t.layer for t in tables if t.layer]))
    sections: list[tuple[str, str]] = []
    for layer in layers:
        figures = [_figure(p, folder) for p in pictures if p.layer == layer]
        below = [_table(table) for table in tables if table.layer == layer]
        sections.append((pretty_name(layer), "".join(figures + below)))
    general = [_table(table) for table in tables if not table.layer]
    if general:
        sections.append(("Tables", "".join(general)))
    sections.append(("Models and methods", "".join(map(_note, notes))))
    sections.append(("Provenance", _provenance(provenance)))
    if downloads:
        sections.append(("Files", _downloads(downloads)))
    page = folder / "index.html"
    lead = f"<h1>{escape(title)}</h1>\n" + (f"<p>{escape(summary)}</p>" if summary else "")
    document = _document(title, sections, lead=lead, simulated=simulated)
    Location(str(folder)).put(page.name, document.encode())
    return page


def _document(
    title: str, sections: Sequence[tuple[str, str]], *, lead: str, simulated: bool
) -> str:
    style = files("lunarscale.render").joinpath("page.css").read_text("utf-8")
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
 content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'">
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
</body>
</html>
"""


def _figure(picture: Illustration, folder: Path) -> str:
    name = _link(picture.path.relative_to(folder).as_posix())
    size = f"{picture.width_px} × {picture.height_px} px"
    formats = f"<a href='{name}'>PNG, {size}</a>"
    plot = ""
    if picture.vector is not None:
        plot = " class='plot'"
        formats += f" · <a href='{_link(picture.vector.relative_to(folder).as_posix())}'>SVG</a>"
    return (
        f"<figure{plot}><a href='{name}'><img src='{name}' alt='{escape(picture.alt)}' "
        f"width='{picture.width_px}' height='{picture.height_px}'></a>"
        f"<figcaption>{escape(picture.caption)} <span class='formats'>{formats}</span>"
        "</figcaption></figure>\n"
    )


def _link(name: str) -> str:
    # a leading ./ keeps a colon in a file's name from reading as a scheme
    return escape("./" + quote(name))


def _table(table: Table) -> str:
    last = len(table.headings) - 1
    kinds = [
        "word" if i == 0 or (table.remarks and i == last) else "number" for i in range(last + 1)
    ]
    head = "".join(
        f"<th scope='col' class='{kind}'>{escape(text)}</th>"
        for text, kind in zip(table.headings, kinds, strict=True)
    )
    groups = []
    for name, rows in table.sections:
        span = (
            f"<tr class='group'><th scope='rowgroup' colspan='{last + 1}'>{escape(name)}</th></tr>"
        )
        lines = "".join(_row(row, kinds) for row in rows)
        groups.append(f"<tbody>{span if name else ''}\n{lines}</tbody>")
    caption = escape(table.caption)
    return (
        f"<div class='table' role='region' tabindex='0' aria-label='{caption}'><table>"
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead>\n{''.join(groups)}"
        "</table></div>\n"
    )


def _row(cells: tuple[str, ...], kinds: Sequence[str]) -> str:
    first, *others = zip(cells, kinds, strict=True)
    rest = "".join(f"<td class='{kind}'>{escape(text)}</td>" for text, kind in others)
    return f"<tr><th scope='row'>{escape(first[0])}</th>{rest}</tr>\n"


def _note(note: MethodNote) -> str:
    formula = f"<p class='formula'>{escape(note.formula)}</p>" if note.formula else ""
    source = f"<p class='source'>Source: {escape(note.source)}</p>" if note.source else ""
    return (
        f"<div class='note'><h3>{escape(note.heading)}</h3>{formula}"
        f"<p>{escape(note.text)}</p>{source}</div>\n"
    )


def _provenance(provenance: Mapping[str, Entry]) -> str:
    items = "".join(
        f"<dt>{escape(name)}</dt><dd>{_entry(entry)}</dd>\n" for name, entry in provenance.items()
    )
    return f"<dl>{items}</dl>"


def _entry(entry: Entry) -> str:
    if isinstance(entry, str):
        return escape(entry)
    if isinstance(entry, Mapping):
        lines = (f"{escape(k)}: <code>{escape(v)}</code>" for k, v in entry.items())
    else:
        lines = (escape(text) for text in entry)
    return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _downloads(downloads: Mapping[str, str]) -> str:
    items = "".join(
        f"<li><a href='{_link(name)}'>{escape(name)}</a>: {escape(what)}</li>"
        for name, what in downloads.items()
    )
    return f"<ul>{items}</ul>"
