"""The parts of a page as HTML: figures, tables, notes, lists. Everything is escaped here."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from lunarscale.render.figure import Illustration
from lunarscale.render.tables import Table

#: What a provenance entry may hold: a text, several, or named ones.
Entry = str | Sequence[str] | Mapping[str, str]

#: Widest picture in a page that holds its own, in pixels, and WebP's quality: text stays sharp at
#: twice the width that the page gives a figure, at a tenth of the PNG's bytes.
EMBEDDED_PX, EMBEDDED_QUALITY = 2000, 82


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
        Where they apply; a formula may have several lines.
    """

    heading: str
    text: str
    formula: str = ""
    source: str = ""


def figure(picture: Illustration, folder: Path, *, embed: bool) -> str:
    """A figure with its caption and its files.

    Parameters
    ----------
    picture : Illustration
    folder : Path
        The page's.
    embed : bool
        Whether the page holds the picture, reduced, or shows the file beside it.
    """
    name = link(picture.path.relative_to(folder).as_posix())
    size = f"{picture.width_px} × {picture.height_px} px"
    formats = f"<a href='{name}'>PNG, {size}</a>"
    plot = ""
    if picture.vector is not None:
        plot = " class='plot'" if picture.width_px < 2000 else ""
        formats += f" · <a href='{link(picture.vector.relative_to(folder).as_posix())}'>SVG</a>"
    shown = _embedded(picture.path) if embed else name
    image = (
        f"<img src='{shown}' alt='{escape(picture.alt)}' "
        f"width='{picture.width_px}' height='{picture.height_px}'>"
    )
    # a page that was mailed by itself has no files to lead to
    framed = image if embed else f"<a href='{name}'>{image}</a>"
    return (
        f"<figure{plot}>{framed}"
        f"<figcaption>{escape(picture.caption)} <span class='formats'>{formats}</span>"
        "</figcaption></figure>\n"
    )


def _embedded(path: Path) -> str:
    with Image.open(path) as opened:
        small = opened.convert("RGB")
    if small.width > EMBEDDED_PX:
        height = round(small.height * EMBEDDED_PX / small.width)
        small = small.resize((EMBEDDED_PX, height), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    small.save(packed, "WEBP", quality=EMBEDDED_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"


def link(name: str) -> str:
    """A file beside the page as the target of a link."""
    # a leading ./ keeps a colon in a file's name from reading as a scheme
    return escape("./" + quote(name))


def table(made: Table) -> str:
    """A table that scrolls by itself where the page is narrow."""
    last = len(made.headings) - 1
    kinds = [
        "word" if i == 0 or made.words or (made.remarks and i == last) else "number"
        for i in range(last + 1)
    ]
    head = "".join(
        f"<th scope='col' class='{kind}'>{_units_kept(text)}</th>"
        for text, kind in zip(made.headings, kinds, strict=True)
    )
    groups = []
    for name, rows in made.sections:
        span = (
            f"<tr class='group'><th scope='rowgroup' colspan='{last + 1}'>"
            f"<span>{escape(name)}</span></th></tr>"
        )
        lines = "".join(_row(row, kinds) for row in rows)
        groups.append(f"<tbody>{span if name else ''}\n{lines}</tbody>")
    caption = escape(made.caption)
    return (
        f"<div class='table' role='region' tabindex='0' aria-label='{caption}'><table>"
        f"<caption><span>{caption}</span></caption><thead><tr>{head}</tr></thead>\n{''.join(groups)}"
        "</table></div>\n"
    )


def _row(cells: tuple[str, ...], kinds: Sequence[str]) -> str:
    first, *others = zip(cells, kinds, strict=True)
    rest = "".join(f"<td class='{kind}'>{escape(text)}</td>" for text, kind in others)
    return f"<tr><th scope='row'>{escape(first[0])}</th>{rest}</tr>\n"


def paragraph(text: str) -> str:
    """A paragraph of running text."""
    return f"<p class='text'>{_units_kept(text)}</p>\n"


def _units_kept(text: str) -> str:
    """Escaped, with percent and its number or ``wt`` on one line."""
    return escape(text.replace(" %", "\N{NO-BREAK SPACE}%"))


def note(made: MethodNote) -> str:
    """A method: heading, formula, words, source."""
    formula = f"<p class='formula'>{escape(made.formula)}</p>" if made.formula else ""
    source = f"<p class='source'>Source: {escape(made.source)}</p>" if made.source else ""
    return (
        f"<div class='note'><h3>{escape(made.heading)}</h3>{formula}"
        f"<p>{escape(made.text)}</p>{source}</div>\n"
    )


def provenance_list(provenance: Mapping[str, Entry]) -> str:
    """What was made from what, by what."""
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


def file_list(downloads: Mapping[str, str]) -> str:
    """Files beside the page, and what they hold."""
    items = "".join(
        f"<li><a href='{link(name)}'>{escape(name)}</a>: {escape(what)}</li>"
        for name, what in downloads.items()
    )
    return f"<ul>{items}</ul>"
