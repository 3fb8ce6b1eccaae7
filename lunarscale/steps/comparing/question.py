"""What `compare` asks: two maps, regions, a density's bins and threshold; and the presets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from lunarscale.engine.map_on_grid import Method, StoredMap
from lunarscale.engine.pair_source import FIRST, SECOND, PairSource
from lunarscale.errors import ParametersError, RegionError, StoreError
from lunarscale.grid.groupings import Grouping, WholeMoon
from lunarscale.quantities import Quantity
from lunarscale.reduce.joint import Axis
from lunarscale.steps.comparing.names import open_map, split_name
from lunarscale.steps.opening import open_maps, read_groupings
from lunarscale.steps.paper_columns import AFTER, COLUMNS, COMPARISONS, find_columns
from lunarscale.steps.summarise import kept_statistics

#: Presets: comparisons of the paper that one store of maps can have, by their keys.
PRESETS = {
    "before-after": ("FeO_change", "TiO2_change"),
    "equation-network": ("FeO_network_less_equation", "TiO2_equation_less_network"),
}

#: A density's bin in quanta, and bins along an axis at most: beyond that they get wider.
BIN_QUANTA, MOST_BINS = 10, 400

#: Values that a density spans where the maps' own statistics do not tell.
_SPANS = {
    "FeO": (-5.0, 30.0), "TiO2": (-2.0, 18.0), "Al2O3": (0.0, 40.0), "MgO": (0.0, 25.0),
    "CaO": (0.0, 25.0), "SiO2": (30.0, 60.0), "OMAT": (0.0, 1.0), "Mg_number": (0.0, 1.0),
    "theta_Fe": (-1.6, 1.6), "theta_Ti": (-1.6, 1.6),
}  # fmt: skip

#: Share of a map's area below and above which a density does not reach out for it.
_TAIL = Fraction(1, 10_000)


@dataclass(frozen=True)
class Question:
    """Two maps and how they are to be compared.

    Parameters
    ----------
    source : PairSource
    groupings : tuple of Grouping
        The whole Moon first.
    key : str
        What files are called, ``FeO``.
    density_above : float or None
        Both values must be at least this, in the maps' units, to be in the density.
    moved_by : float or None
        Difference from which a pixel has moved; ``reduce.changes.usual_size`` if None.
    """

    source: PairSource
    groupings: tuple[Grouping, ...]
    key: str
    density_above: float | None = None
    moved_by: float | None = None
    axes: tuple[Axis, Axis] = field(init=False)

    def __post_init__(self) -> None:
        if self.density_above is not None and not math.isfinite(self.density_above):
            raise ParametersError(
                f"--density-above {self.density_above:g}: a threshold is a number in the maps' "
                "units; give one, as 5"
            )
        if self.moved_by is not None and not 0.0 < self.moved_by < math.inf:
            raise ParametersError(
                f"--moved-by {self.moved_by:g}: a change is told by a size above 0, in the maps' "
                "units; give one, as 0.5"
            )
        object.__setattr__(self, "axes", _axes(self.source, self.density_above))

    @property
    def quantity(self) -> Quantity:
        """What both maps show."""
        return self.source.quantities[0]

    @property
    def titles(self) -> tuple[str, str]:
        """What tells the maps apart, for people: their models, or their stores, or layers."""
        sides = (self.source.first, self.source.second)
        for told in (_model, _store, _layer):
            names = (told(sides[0]), told(sides[1]))
            if names[0] != names[1]:
                return names
        return ("A", "B")


def ask(
    first: str, second: str, *, by: Sequence[str] = (), density_above: float | None = None,
    moved_by: float | None = None, method: Method = "mean",
    storage_options: dict[str, Any] | None = None,
) -> Question:  # fmt: skip
    """Find two maps and check that they can be compared.

    Parameters
    ----------
    first, second : str
        ``STORE:LAYER``.
    by : sequence of str
        Regions beside the whole Moon (``readers.regions``); maria and seas if none.
    density_above, moved_by : float, optional
        In the maps' units.
    method : {"mean", "nearest"}
        How a finer map is brought to a coarser grid.
    storage_options : dict, optional

    Raises
    ------
    StoreError
        If a store is not finished or lacks the layer.
    ParametersError
        If the maps are of different quantities.
    RegionError
        If they have no ground in common.
    """
    sides = [open_map(text, storage_options) for text in (first, second)]
    groupings = _groupings(by, storage_options)
    source = PairSource(sides[0], sides[1], method)
    return Question(source, groupings, source.quantities[0].name, density_above, moved_by)


def ask_preset(
    maps: str, preset: str, *, by: Sequence[str] = (), density_above: float | None = None,
    moved_by: float | None = None, storage_options: dict[str, Any] | None = None,
) -> list[Question]:  # fmt: skip
    """The comparisons of a preset that one store of maps has both sides of.

    Parameters
    ----------
    maps : str
        A store of maps, without a layer.
    preset : str
        One of ``PRESETS``.
    by, density_above, moved_by, storage_options
        As of ``ask``; the density's threshold is the paper's where none is given.

    Raises
    ------
    ParametersError
        If there is no such preset, or a layer is named.
    StoreError
        If the maps have no pair of it.
    """
    if preset not in PRESETS:
        raise ParametersError(f"--preset {preset}: there is {' and '.join(PRESETS)}; use one")
    store, layer = split_name(maps)
    if layer is not None:
        raise ParametersError(
            f"{maps}: a preset finds the layers itself, by their models; give {store} alone"
        )
    cube = open_maps(store, storage_options)
    found = {
        each.column.key: each.layer
        for columns in (COLUMNS, AFTER)
        for each in find_columns(cube.layout, columns)
    }
    groupings, asked = _groupings(by, storage_options), []
    for comparison in COMPARISONS:
        if comparison.key not in PRESETS[preset]:
            continue
        pair = [
            next((found[key] for key in keys if found[key] is not None), None)
            for keys in (comparison.minuend, comparison.subtrahend)
        ]
        if pair[0] is None or pair[1] is None or pair[0] == pair[1]:
            continue
        above = comparison.least if density_above is None else density_above
        source = PairSource(StoredMap(cube, pair[0].name), StoredMap(cube, pair[1].name))
        asked.append(Question(source, groupings, comparison.key, above or None, moved_by))
    if not asked:
        has = ", ".join(f"{item.name} ({item.model})" for item in cube.layout.layers)
        raise StoreError(
            f"{store}: there is no pair of layers to compare {preset}: it needs FeO or TiO2 by "
            f"both kinds of model, but the store has {has}; run predict with more models, as "
            "`lunarscale models` lists them"
        )
    return asked


def _groupings(by: Sequence[str], options: dict[str, Any] | None) -> tuple[Grouping, ...]:
    words = [word for word in (by or ("maria", "seas")) if word != "moon"]
    found = read_groupings(words, options)
    if any(grouping.name == "moon" for grouping in found):
        raise RegionError("a grouping is named moon, as the whole Moon is; rename the file")
    return (WholeMoon(), *found)


def _axes(source: PairSource, above: float | None) -> tuple[Axis, Axis]:
    """Bins of a density, B along x and A along y; the threshold is one of their edges."""
    quantity = source.quantities[0]
    low, high = _span(source)
    start = low if above is None else _count_of(above, quantity)
    if above is not None and start >= high:
        raise ParametersError(
            f"--density-above {above:g}: both maps end below it, at {high * quantity.quantum:g}; "
            "give a smaller threshold"
        )
    width = BIN_QUANTA * max(1, -(-(high - start) // (BIN_QUANTA * MOST_BINS)))
    edges = tuple(range(start, high + width, width))
    return Axis(SECOND, edges), Axis(FIRST, edges)


def _count_of(value: float, quantity: Quantity) -> int:
    """The first count at or above a value in units."""
    step = Fraction(str(quantity.quantum))
    return int(-(-Fraction(str(value)) // step))


def _span(source: PairSource) -> tuple[int, int]:
    """Counts between which nearly all of both maps lies: from what predict kept, or by quantity."""
    quantity = source.quantities[0]
    ends = []
    for side in (source.first, source.second):
        kept = kept_statistics(side.cube)
        if kept is None or side.layer not in kept.layers:
            continue
        sums = [cell.layers[kept.layers.index(side.layer)] for cell in kept.cells.values()]
        counts = type(sums[0].counts).sum(part.counts for part in sums) if sums else None
        if counts is not None and counts.weight:
            ends += [counts.quantile(_TAIL), counts.quantile(1 - _TAIL)]
    if not ends:
        usual = _SPANS.get(quantity.name.split("_lower")[0].split("_upper")[0], (-100.0, 100.0))
        ends = [round(value / quantity.quantum) for value in usual]
    low, high = min(ends), max(ends)
    return low // BIN_QUANTA * BIN_QUANTA, (high // BIN_QUANTA + 1) * BIN_QUANTA


def _model(side: StoredMap) -> str:
    return side.described.model


def _store(side: StoredMap) -> str:
    return PurePosixPath(urlsplit(side.cube.location.url).path).stem


def _layer(side: StoredMap) -> str:
    return side.layer
