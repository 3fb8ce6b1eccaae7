"""What a map can show: oxides, optical maturity, ratios; their units and quanta."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A mapped quantity.

    Parameters
    ----------
    name : str
        Variable name in stores, ``FeO``.
    long_name : str
        Name for people.
    units : str
        ``wt %``, ``1`` for pure numbers, ``rad`` for angles.
    quantum : float
        Step of the stored integers (CF ``scale_factor``), in ``units``.
    """

    name: str
    long_name: str
    units: str
    quantum: float

    @property
    def is_end(self) -> bool:
        """Whether it is an end of a prediction interval."""
        return self.name.endswith(tuple(f"_{end}" for end in _BOUNDS))


_OXIDES = {
    "FeO": "iron oxide",
    "TiO2": "titanium dioxide",
    "Al2O3": "aluminium oxide",
    "MgO": "magnesium oxide",
    "CaO": "calcium oxide",
    "SiO2": "silicon dioxide",
}

#: The ends of an oxide's prediction interval, by the suffix of its name.
_BOUNDS = {"lower": "lower end of the interval of", "upper": "upper end of the interval of"}

#: int16 at 0.005 wt % spans +-163 wt %, at 1e-4 it spans +-3.27: room for every flagged stretch.
QUANTITIES: dict[str, Quantity] = {
    **{n: Quantity(n, f"{long} abundance", "wt %", 0.005) for n, long in _OXIDES.items()},
    **{
        f"{n}_{end}": Quantity(f"{n}_{end}", f"{words} {long} abundance", "wt %", 0.005)
        for n, long in _OXIDES.items()
        for end, words in _BOUNDS.items()
    },
    "OMAT": Quantity("OMAT", "optical maturity parameter", "1", 1e-4),
    "Mg_number": Quantity("Mg_number", "molar Mg / (Mg + Fe)", "1", 1e-4),
    "theta_Fe": Quantity("theta_Fe", "iron angle", "rad", 1e-4),
    "theta_Ti": Quantity("theta_Ti", "titanium angle", "rad", 1e-4),
}
