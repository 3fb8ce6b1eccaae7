"""The table of named features, and finding one by its name."""

import csv
import difflib
import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from lunarscale.errors import RegionError


class Feature(NamedTuple):
    """A named feature as a circle.

    Centre in degrees (east positive, -180..180); diameter in km, or the length of what is long
    and narrow, 0 where the gazetteer gives none.
    """

    name: str
    kind: str
    lon: float
    lat: float
    diameter_km: float


def features(kind: str | None = None) -> tuple[Feature, ...]:
    """The named features, by name.

    Parameters
    ----------
    kind : str, optional
        Only these: ``crater``, ``mare``, ``mons``, ``rima``, ...

    Raises
    ------
    RegionError
        If there is no such kind.
    """
    if kind is None:
        return _table()
    found = tuple(feature for feature in _table() if feature.kind == kind)
    if not found:
        kinds = ", ".join(sorted({feature.kind for feature in _table()}))
        raise RegionError(f"'{kind}' is no kind of named feature; there are {kinds}")
    return found


def find(name: str) -> Feature:
    """The feature of a name, however it is spelled: ``schrodinger`` is Schrödinger.

    Letters' case and marks, hyphens and apostrophes do not count; of a name with another one in
    brackets, ``Nöther (Noether)``, either will do.

    Raises
    ------
    RegionError
        If there is none; the message gives names like it.
    """
    found = _by_spelling().get(spelling(name))
    if found is None:
        near = difflib.get_close_matches(spelling(name), _by_spelling(), n=3)
        # a feature of two names is found by either
        like = ", ".join(dict.fromkeys(_by_spelling()[each].name for each in near))
        advice = f"; is it {like}?" if like else "; see the IAU gazetteer for names"
        raise RegionError(f"'{name}' is no named feature of the Moon in the list of 2015{advice}")
    return found


@cache
def _table() -> tuple[Feature, ...]:
    text = files("lunarscale").joinpath("tables", "named_features.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        Feature(
            row["name"], row["kind"], float(row["lon"]), float(row["lat"]),
            float(row["diameter_km"]),
        )
        for row in rows
    )  # fmt: skip


@cache
def _by_spelling() -> dict[str, Feature]:
    """Features by all spellings; a full name comes before another's name in brackets."""
    found: dict[str, Feature] = {}
    for feature in _table():
        found.setdefault(spelling(feature.name), feature)
    for feature in _table():
        if "(" in feature.name:
            for part in re.split(r"[()]", feature.name):
                found.setdefault(spelling(part), feature)
    return found


def spelling(name: str) -> str:
    """A name without case, marks, and what is neither letter nor number."""
    bare = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return " ".join(re.sub(r"['’.]", "", bare).replace("-", " ").split())
