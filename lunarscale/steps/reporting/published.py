"""What Qiu et al. 2025 print, to stand beside ours: facts and figures, no more.

Source of every number: Qiu, Yan & Liu 2025, *Global chemical composition maps of oxide
distributions on the Lunar surface*, Commun. Earth Environ., doi 10.1038/s43247-025-02914-w.
"""

from typing import NamedTuple

SOURCE = (
    "Qiu, Yan & Liu 2025, Global chemical composition maps of oxide distributions on the Lunar "
    "surface, Commun. Earth Environ., doi 10.1038/s43247-025-02914-w"
)

#: How the paper is called in tables and captions.
PAPER = "Qiu et al. 2025"

#: Table 1: means over cells of 2.25 km2, in the order of its columns (``report_columns``); wt %,
#: the last two pure numbers. The Mg# of Mare Tranquillitatis is printed 45.01, in percent.
TABLE_1: dict[str, tuple[float, ...]] = {
    "Moon": (8.22, 1.07, 8.23, 1.20, 8.48, 0.99, 23.88, 6.90, 14.93, 0.609, 0.222),
    "maria": (16.86, 3.75, 16.85, 3.70, 17.71, 2.66, 13.76, 9.42, 11.28, 0.494, 0.194),
    "non-maria": (6.54, 0.55, 6.54, 0.71, 6.66, 0.67, 25.84, 6.41, 15.64, 0.632, 0.227),
    "Mare Tranquillitatis": (
        17.55, 9.13, 17.51, 8.46, 18.70, 6.02, 12.98, 8.49, 11.62, 0.4501, 0.16,
    ),
}  # fmt: skip

#: Modes of the global histograms, by column.
MODES: dict[str, tuple[float, ...]] = {
    "FeO_equation": (4.47, 18.82),
    "FeO_network": (5.28,),
    "TiO2_network": (0.42,),
    "Al2O3": (11.63, 27.76),
    "MgO": (5.11, 10.31),
    "CaO": (10.63, 16.38),
    "Mg_number": (0.634,),
}

#: Mode of Lunar Prospector's FeO, wt %.
LUNAR_PROSPECTOR_FEO_MODE = 4.7


class Range(NamedTuple):
    """The middle 95 % of the differences of two maps, wt %."""

    low: float
    high: float


#: By quantity and comparison (``report_columns.Comparison``).
RANGES: dict[str, Range] = {
    "FeO_change": Range(-0.04, 0.03),
    "TiO2_change": Range(-0.4, 0.3),
    "FeO_network_less_equation": Range(-4.03, 3.54),
    "TiO2_equation_less_network": Range(-0.48, 2.72),
}
