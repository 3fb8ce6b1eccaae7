"""The tables of the report: statistics of groups, and why pixels have no value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from lunarscale.reduce.table import Row
from lunarscale.render.labels import digits_of, number, pretty_name, with_units


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
    words : bool
        Whether all columns do.
    """

    caption: str
    headings: tuple[str, ...]
    sections: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    layer: str = ""
    remarks: bool = False
    words: bool = False


#: What the flags of a map say, in words (``lunarscale.flags.map_flag_attributes``).
FLAG_WORDS: dict[str, str] = {
    "has_value": "has a value",
    "no_input": "no value: a band that it needs was not measured there",
    "saturated_input": "no value: a band that it needs is saturated",
    "off_scale_input": "no value: a reflectance that it needs lies outside 0 to 1",
    "outside_domain": "no value: reflectance at 750 nm at or below the model's origin",
    "angle_not_positive": "no value: the titanium angle is not positive",
    "beyond_range": "no value: it does not fit the layer's integers",
    "negative": "a value below zero, kept",
    "extrapolated": "a value outside the reflectances that the model was made for",
    "outside_mare": "a value of a mare equation outside the maria",
}


_HEADINGS = (
    "region",
    "mean",
    "std. dev.",
    "median",
    "mode",
    "minimum",
    "maximum",
    "area with values, km²",
    "whole area, km²",
    "share with values, %",
    "pixels with values",
)


def statistics_tables(rows: Iterable[Row]) -> tuple[Table, ...]:
    """One table a layer, one section a grouping, one row a group, in the order given.

    Parameters
    ----------
    rows : iterable of Row
        Of one or several layers.
    """
    rows = list(rows)
    layers = dict.fromkeys(row.layer for row in rows)
    return tuple(_statistics_table([r for r in rows if r.layer == layer]) for layer in layers)


def _statistics_table(rows: Sequence[Row]) -> Table:
    layer, units = rows[0].layer, rows[0].units
    remarks = any(row.note for row in rows)
    sections = tuple(
        (grouping, tuple(_statistics_cells(row, remarks=remarks) for row in group))
        for grouping, group in groupby(rows, key=lambda row: row.grouping)
    )
    caption = with_units(f"Statistics of {pretty_name(layer)} by area", units, brackets=True)
    headings = (*_HEADINGS, "note") if remarks else _HEADINGS
    return Table(caption, headings, sections, layer, remarks)


def _statistics_cells(row: Row, *, remarks: bool) -> tuple[str, ...]:
    digits = digits_of(row.layer)
    cells = (
        row.group,
        *(number(value, digits) for value in (row.mean, row.std, row.median)),
        *(number(value, digits) for value in (row.mode, row.min, row.max)),
        number(row.valid_area_km2, 0),
        number(row.area_km2, 0),
        number(None if row.valid_share is None else 100.0 * row.valid_share, 2),
        number(row.valid_pixels, 0),
    )
    return (*cells, row.note) if remarks else cells


def flag_table(layer: str, areas_km2: Mapping[str, float], *, map_area_km2: float) -> Table:
    """Flags of a layer's pixels, with the area and the share of the map under each.

    Parameters
    ----------
    layer : str
    areas_km2 : mapping of str to float
        By meaning (``lunarscale.flags.map_flag_attributes``, and ``has_value``), in the order
        of the rows.
    map_area_km2 : float
        Area of the whole map.
    """
    cells = tuple(
        (FLAG_WORDS.get(flag, flag), number(area, 0), number(100.0 * area / map_area_km2, 3))
        for flag, area in areas_km2.items()
    )
    caption = f"Where {pretty_name(layer)} has a value, and why not"
    return Table(caption, ("flag", "area, km²", "share of the map, %"), (("", cells),), layer)
