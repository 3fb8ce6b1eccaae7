"""Groupings that a word stands for, alone or with a number or a table: ``latitude:5``."""

from collections.abc import Callable
from typing import Any

from lunarscale.errors import RegionError
from lunarscale.grid.cell_groups import PKT_THORIUM_PPM, CellThreshold, cell_groups, procellarum
from lunarscale.grid.ellipses import SouthPoleAitken
from lunarscale.grid.groupings import Grouping, Seas, WholeMoon
from lunarscale.grid.latitudes import LatitudeBands
from lunarscale.grid.masks import Maria
from lunarscale.grid.sides import Sides
from lunarscale.readers.grs import read_grs

_ALONE: dict[str, Callable[[], Grouping]] = {
    "moon": WholeMoon,
    "maria": Maria.from_seas,
    "seas": Seas,
    "hemispheres": Sides,
    "spa": SouthPoleAitken,
}
_WITH_NUMBER: dict[str, tuple[str, Callable[[float], Grouping]]] = {
    "latitude": ("its step in degrees, as latitude:5", LatitudeBands),
    "cells": ("their area in km2, as cells:40000", cell_groups),
}

#: The words, for messages.
WORDS = (*_ALONE, "latitude:STEP", "cells:AREA", "pkt=TABLE")


def grouping_of_word(
    text: str, *, storage_options: dict[str, Any] | None = None
) -> Grouping | None:
    """The grouping that a word stands for; None if it is no such word.

    ``moon`` is the whole Moon; ``seas`` the named seas as circles; ``maria`` what those circles
    hold, and the rest; ``hemispheres`` nearside and farside; ``spa`` the ellipse of South
    Pole-Aitken, and the rest; ``latitude:5`` bands of 5 degrees; ``cells:40000`` cells of about
    40,000 km2; ``pkt=TABLE`` where a gamma-ray table has more than 3.5 ppm of thorium, and
    ``pkt=TABLE:3`` more than 3.

    Parameters
    ----------
    text : str
    storage_options : dict, optional
        Options for fsspec.

    Raises
    ------
    RegionError
        If a number is missing, is none, or makes no grouping.
    SourceError
        If the table cannot be read.
    """
    if text in _ALONE:
        return _ALONE[text]()
    word, _, number = text.partition(":")
    if word in _WITH_NUMBER:
        what, make = _WITH_NUMBER[word]
        return make(_number(number, f"'{text}': {word} needs {what}"))
    word, _, place = text.partition("=")
    if word == "pkt":
        return _thorium(place, storage_options)
    return None


def _thorium(place: str, options: dict[str, Any] | None) -> CellThreshold:
    """Where the thorium of the table at a place is above the threshold after its last colon."""
    table, _, after = place.rpartition(":")
    try:
        threshold = float(after)
    except ValueError:  # no number: the colon, if any, is the place's own
        table, threshold = place, PKT_THORIUM_PPM
    if not table:
        raise RegionError(
            "pkt needs a table of gamma-ray abundances for its thorium, as pkt=TABLE.tab, or "
            "pkt=TABLE.tab:3 for more than 3 ppm"
        )
    found = read_grs(table, storage_options=options)
    name = "pkt (simulated)" if found.simulated else "pkt"
    return procellarum(found.cells, found.thorium_ppm, threshold_ppm=threshold, name=name)


def _number(text: str, complaint: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise RegionError(complaint) from error
