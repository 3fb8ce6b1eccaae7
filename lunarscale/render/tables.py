"""The tables of the report: statistics of groups, and why pixels have no value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lunarscale.render.labels import NO_NUMBER, digits_of, number, pretty_name, with_units

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of finished text.

    Parameters
    ----------
    caption : str
    headings : tuple of str
        One a column; the first column names the row, the others hold numbers.
    sections : tuple of (str, tuple of rows)
        Rows under a common heading (empty: none); a row is a tuple of cells.
    layer : str
        Layer beside whose figures it stands; empty: with the tables of the whole report.
    remarks : bool
        Whether the last column holds words.
    """

    caption: str
    headings: tuple[str, ...]
    sections: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    layer: str = ""
    remarks: bool = False


#: What the flags of a map say, in words (``lunarscale.flags.map_flag_attributes``).
FLAG_WORDS: dict[str, str] = {
    "has_value": "has a value",
    "no_input": "no value: a band that it needs was never imaged there",
    "saturated_input": "no value: a band that it needs is saturated",
    "off_scale_input": "no value: a reflectance that it needs lies outside 0 to 1",
    "outside_domain": "no value: reflectance at 750 nm at or below the model's origin",
    "angle_not_positive": "no value: the titanium angle is not positive",
    "beyond_range": "no value: it does not fit the layer's integers",
    "negative": "a value below zero, kept",
    "extrapolated": "a value outside the reflectances that the model was made for",
    "outside_mare": "a value of a mare equation outside the maria",
}


def statistics_tables(rows: Iterable[Row]) -> tuple[Table, ...]:
    """One table a layer, one section a grouping, one row a group, in the order given.

    Parameters
    ----------
    rows : iterable of mapping
        With the keys layer, grouping, group, units, mean, std, min, max, median,
        valid_area_km2, area_km2, valid_share (0-1), pixels and note; a number may be None.
    """
    return tuple(
        _statistics_table(layer, list(group))
        for layer, group in groupby(_gathered(rows), key=lambda row: str(row["layer"]))
    )


def _gathered(rows: Iterable[Row]) -> list[Row]:
    """Rows of one layer brought together, layers in the order of their first row."""
    rows = list(rows)
    order = list(dict.fromkeys(str(row["layer"]) for row in rows))
    return sorted(rows, key=lambda row: order.index(str(row["layer"])))


def _statistics_table(layer: str, rows: Sequence[Row]) -> Table:
    remarks = any(row.get("note") for row in rows)
    headings = (
        "region",
        "mean",
        "std. dev.",
        "median",
        "minimum",
        "maximum",
        "area with values, km²",
        "whole area, km²",
        "share with values, %",
        "pixels with values",
    )
    sections = tuple(
        (grouping, tuple(_statistics_cells(layer, row, remarks=remarks) for row in group))
        for grouping, group in groupby(rows, key=lambda row: str(row["grouping"]))
    )
    units = with_units("", str(rows[0]["units"])).strip()
    caption = f"Statistics of {pretty_name(layer)} by area" + (f", in {units}" if units else "")
    return Table(caption, headings + (("note",) if remarks else ()), sections, layer, remarks)


def _statistics_cells(layer: str, row: Row, *, remarks: bool) -> tuple[str, ...]:
    digits = digits_of(layer)
    share = row["valid_share"]
    cells = (
        str(row["group"]),
        *(number(row[key], digits) for key in ("mean", "std", "median", "min", "max")),
        number(row["valid_area_km2"], 0),
        number(row["area_km2"], 0),
        NO_NUMBER if share is None else number(100.0 * share, 2),
        number(row["pixels"], 0),
    )
    return (*cells, str(row.get("note") or "")) if remarks else cells


def flag_tables(rows: Iterable[Row]) -> tuple[Table, ...]:
    """One table a layer: flags of its pixels, with the area and the share under each.

    Parameters
    ----------
    rows : iterable of mapping
        With the keys layer, flag (a meaning of ``lunarscale.flags.map_flag_attributes``, or
        ``has_value``), area_km2, share (0-1 of the map's area) and pixels.
    """
    headings = ("flag", "area, km²", "share of the map, %", "pixels")
    tables = []
    for layer, group in groupby(_gathered(rows), key=lambda row: str(row["layer"])):
        cells = tuple(
            (
                FLAG_WORDS.get(str(row["flag"]), str(row["flag"])),
                number(row["area_km2"], 0),
                number(100.0 * row["share"], 3),
                number(row["pixels"], 0),
            )
            for row in group
        )
        caption = f"Where {pretty_name(layer)} has no value, or a stretched one"
        tables.append(Table(caption, headings, (("", cells),), layer))
    return tuple(tables)
