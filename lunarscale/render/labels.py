"""Names, numbers and degrees as people read them, in figures and on the page."""

import math
import re

from lunarscale.moon import normalise_longitude
from lunarscale.quantities import QUANTITIES
from lunarscale.render.palettes import quantity_of

#: What stands where a number has no value.
NO_NUMBER = "–"

_PRETTY = {
    "TiO2": "TiO₂",
    "Al2O3": "Al₂O₃",
    "SiO2": "SiO₂",
    "Mg_number": "Mg#",
    "theta_Fe": "θ(Fe)",
    "theta_Ti": "θ(Ti)",
}


def pretty_name(layer: str) -> str:
    """A layer's name for headings: ``TiO₂`` for ``TiO2``, ``FeO (Lucey 2000)`` for a variant.

    The ends of an interval are ``TiO₂ lower`` and ``TiO₂ upper``.
    """
    quantity = quantity_of(layer)
    variant = layer[len(quantity) + 1 :].replace("_", " ")
    if re.fullmatch(r"[a-z]+ \d{4}", variant):  # an author and a year
        variant = variant.capitalize()
    ends = re.fullmatch(r"(.+)_(lower|upper)", quantity)
    base, end = ends.groups() if ends else (quantity, "")
    name = f"{_PRETTY.get(base, base)} {end}".rstrip()
    return f"{name} ({variant})" if variant else name


def with_units(text: str, units: str, *, brackets: bool = False) -> str:
    """A text followed by its units; pure numbers (``1``) have none."""
    if units in ("", "1"):
        return text
    units = units.replace(" ", "\N{NO-BREAK SPACE}")
    return f"{text} ({units})" if brackets else f"{text}\N{NO-BREAK SPACE}{units}"


def number(value: float | None, digits: int) -> str:
    """A number with a fixed number of decimals, thousands parted, a true minus sign."""
    if value is None or not math.isfinite(value):
        return NO_NUMBER
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "−").replace(",", "\N{NARROW NO-BREAK SPACE}")


def signed(value: float, digits: int) -> str:
    """A number with its sign, for residuals."""
    return ("+" if value > 0 else "") + number(value, digits)


def round_number(value: float) -> str:
    """A number that was rounded for people, without idle zeros: 28, 0.25, 1 000."""
    digits = next((d for d in range(7) if math.isclose(value, round(value, d), abs_tol=1e-9)), 7)
    return number(value, digits)


def digits_of(layer: str) -> int:
    """Decimals that show a layer's quantum: 3 at 0.005 wt %, 4 at 1e-4."""
    quantity = QUANTITIES.get(quantity_of(layer))
    return 4 if quantity is None else -math.floor(math.log10(quantity.quantum) + 1e-9)


def degrees_east(lon: float) -> str:
    """A longitude as the field writes it: 30° W, 0°, 170° E; past the seam it starts again."""
    wrapped = normalise_longitude(lon)
    if math.isclose(abs(wrapped), 180.0, abs_tol=1e-9):
        return "180°"
    return _degrees(wrapped, "E", "W")


def degrees_north(lat: float) -> str:
    """A latitude as the field writes it: 60° S, 0°, 30° N."""
    return _degrees(lat, "N", "S")


def _degrees(value: float, positive: str, negative: str) -> str:
    rounded = round(value, 4)
    if rounded == 0:
        return "0°"
    return f"{abs(rounded):g}° {positive if rounded > 0 else negative}"
