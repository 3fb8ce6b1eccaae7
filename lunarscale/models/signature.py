"""How a graph takes reflectances and how it gives quantities: the two halves of a card."""

from dataclasses import dataclass

from lunarscale.errors import ModelError
from lunarscale.models.fields import Fields, is_number
from lunarscale.quantities import QUANTITIES

#: Name of the graph output that tells how far a pixel's spectrum lies from the stations'.
DISTANCE = "distance"

#: How a graph's input may hold pixels and bands; "" is read off the shape that the graph states.
LAYOUTS = ("pixel, band", "pixel, 1, band", "pixel, band, 1", "band, pixel")

_INPUT_KEYS = ("layout", "subtract", "divide_by", "range")
_OUTPUT_KEYS = ("quantity", "units", "name", "multiply_by", "add", "experimental", "reason")


@dataclass(frozen=True)
class Input:
    """How the graph takes reflectances: ``(reflectance - subtract) / divide_by``, band by band.

    Parameters
    ----------
    layout : str
        One of ``LAYOUTS``; "" where the graph's own shape tells.
    subtract, divide_by : tuple of float, (band,)
        Reflectance as a fraction; empty for 0 and 1.
    range : tuple of (float, float), (band,)
        Lowest and highest reflectance (fraction) of each band that the model was made for; a
        value beyond is flagged as extrapolated. Empty for no such flag.
    """

    layout: str = ""
    subtract: tuple[float, ...] = ()
    divide_by: tuple[float, ...] = ()
    range: tuple[tuple[float, float], ...] = ()

    def check(self, bands: int, who: str) -> None:
        """Refuse what cannot be.

        Raises
        ------
        ModelError
            If the layout is none, or there are not as many numbers as bands, or they make no sense.
        """
        if self.layout and self.layout not in LAYOUTS:
            raise ModelError(
                f"{who} says layout {self.layout!r}, which is none of "
                f"{'; '.join(LAYOUTS)}; use one of them or leave it out"
            )
        for key in ("subtract", "divide_by", "range"):
            if len(getattr(self, key)) not in (0, bands):
                raise ModelError(
                    f"{who} has {len(getattr(self, key))} values of {key} for "
                    f"{bands} bands; give one for all or one a band"
                )
        if not all(map(is_number, (*self.subtract, *self.divide_by))) or 0 in self.divide_by:
            raise ModelError(
                f"{who} subtracts {list(self.subtract)} and divides by {list(self.divide_by)}; "
                "give finite numbers, and none to divide by that is 0"
            )
        if any(not low < high for low, high in self.range):
            raise ModelError(f"{who} has a range that ends before it begins; write [low, high]")

    @classmethod
    def read(cls, given: object, bands: int, *, where: str) -> "Input":
        """The input of a parsed card; one number stands for as many as there are bands."""
        fields = Fields(given, _INPUT_KEYS, where=where)
        return cls(
            layout=fields.text("layout"),
            subtract=_a_band(fields, "subtract", bands),
            divide_by=_a_band(fields, "divide_by", bands),
            range=_ranges(fields, bands),
        )


@dataclass(frozen=True)
class Output:
    """One quantity that a network gives.

    Parameters
    ----------
    name : str
        Name of the graph output that holds it; "" where the graph has one output only. Outputs
        of one name are its columns, in order.
    quantity : str
        Name in ``lunarscale.quantities.QUANTITIES``.
    units : str
        The quantity's own, said for certainty: percent and fractions are easily confused.
    experimental : bool
        Whether it has shown no skill at landing sites it was not trained on.
    reason : str
        Why it is experimental, one sentence.
    multiply_by, add : float
        What turns the graph's output into ``units``.
    """

    name: str
    quantity: str
    units: str
    experimental: bool = False
    reason: str = ""
    multiply_by: float = 1.0
    add: float = 0.0

    def check(self, who: str) -> None:
        """Refuse what cannot be.

        Raises
        ------
        ModelError
            If the quantity is not known or its units are others, or the scaling is impossible.
        """
        known = QUANTITIES.get(self.quantity)
        if known is None:
            raise ModelError(
                f"{who} gives {self.quantity!r}, which is no quantity "
                f"lunarscale maps; use {', '.join(QUANTITIES)}"
            )
        if self.units != known.units:
            raise ModelError(
                f"{who} gives {known.name} in {self.units!r} but maps hold "
                f"{known.units!r}; say `units: {known.units}`, and multiply_by and add if the "
                "graph gives other numbers (100 for fractions of 1)"
            )
        if self.multiply_by == 0 or not is_number(self.multiply_by) or not is_number(self.add):
            raise ModelError(
                f"{who} multiplies {self.quantity} by {self.multiply_by} and adds {self.add}; "
                "give finite numbers, the first not 0"
            )

    @classmethod
    def read(cls, given: object, *, where: str) -> "Output":
        """One output of a parsed card."""
        fields = Fields(given, _OUTPUT_KEYS, where=where)
        fields.require("quantity", "units")
        return cls(
            name=fields.text("name"),
            quantity=fields.text("quantity"),
            units=fields.text("units"),
            experimental=fields.flag("experimental"),
            reason=fields.text("reason"),
            multiply_by=fields.number("multiply_by", 1.0),
            add=fields.number("add", 0.0),
        )


def _a_band(fields: Fields, key: str, bands: int) -> tuple[float, ...]:
    """One number a band, from such a list or from one number for all."""
    given = fields.raw(key, [])
    numbers = [given] * bands if is_number(given) else given
    if not isinstance(numbers, list) or not all(map(is_number, numbers)):
        raise fields.wrong(key, "a number, or one a band")
    return tuple(map(float, numbers))


def _ranges(fields: Fields, bands: int) -> tuple[tuple[float, float], ...]:
    given = fields.raw("range", [])
    for_all = isinstance(given, list) and list(map(is_number, given)) == [True, True]
    pairs = [given] * bands if for_all else given
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair)) for pair in pairs
    ):
        raise fields.wrong("range", "[low, high], or such a pair a band")
    return tuple((float(low), float(high)) for low, high in pairs)
