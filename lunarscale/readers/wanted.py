"""What is asked for of a polygon file: its layer, and what names the regions."""

from typing import NamedTuple

#: Columns that may name a region, in any case, the first found wins; ``MARE_NAME`` is that of
#: LROC_GLOBAL_MARE (Nelson et al. 2014, LPSC 45, 2861).
NAME_COLUMNS = ("name", "mare_name", "id")


class Wanted(NamedTuple):
    """Which part of a file is asked for: a layer and a column, or empty for what is usual."""

    layer: str = ""
    column: str = ""


def as_name(value: object) -> str:
    """A column's value as a name; empty where there is none."""
    if value is None or value != value:  # NaN is how a table says that there is no number
        return ""
    whole = isinstance(value, float) and value.is_integer()
    return f"{value:.0f}" if whole else str(value).strip()
