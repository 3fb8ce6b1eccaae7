"""Report like Qiu et al. 2025: what it asks of which maps, in one pass, and what comes of it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.difference_source import Difference, DifferenceSource
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import ParametersError, StoreError
from lunarscale.grid.cells import qiu_2025_cells
from lunarscale.grid.groupings import Grouping, Seas, WholeMoon
from lunarscale.grid.sides import Crossed
from lunarscale.quantities import QUANTITIES
from lunarscale.readers.grs import GrsTable, read_grs
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.cell_moments import CellMoments
from lunarscale.reduce.cell_sums import CellSums
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.joint import Axis, Joint, Joints
from lunarscale.reduce.pictures import Pictures, Reduced
from lunarscale.reduce.products import Products
from lunarscale.reduce.relations import Relation, relation
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.table import Row, finish
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.opening import open_maps
from lunarscale.steps.paper_columns import (
    AFTER,
    COMPARISONS,
    Comparison,
    Found,
    find_columns,
    missing,
)
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: The reports that there are.
LIKE = ("qiu-2025",)

#: Longest edge of a map's picture in pixels: what a panel six inches wide shows.
LONGEST = 1440

#: Of a density plot: width of a bin, and the largest edge by quantity; wt %.
DENSITY_STEP, DENSITY_TOP = 0.1, {"FeO": 25.0, "TiO2": 15.0}

#: What becomes of the ground that two seas' circles share (``grid.groupings.Seas``).
_OVERLAPS = "Where circles overlap, a place belongs to the one that it lies deepest in."

#: Names of the sums.
_AREA, _CELLS, _PICTURES, _PRODUCTS, _GRS = "area", "cells", "pictures", "products", "grs"


@dataclass(frozen=True)
class Compared:
    """A comparison with its layers.

    Parameters
    ----------
    comparison : Comparison
    minuend, subtrahend : MapLayer
    """

    comparison: Comparison
    minuend: MapLayer
    subtrahend: MapLayer

    @property
    def key(self) -> str:
        """What figures, files and the difference's layer are called."""
        return self.comparison.key

    @property
    def quantity(self) -> str:
        """What both maps show."""
        return self.minuend.quantity

    @property
    def difference(self) -> Difference:
        """The layer of the difference."""
        return Difference(self.key, self.minuend.name, self.subtrahend.name)

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Bins of the density: the subtrahend along x, the minuend along y."""
        count = round(DENSITY_TOP[self.quantity] / DENSITY_STEP)
        edges = [DENSITY_STEP * k for k in range(count + 1)]
        rounded = [round(edge, 6) for edge in edges]
        quantity = QUANTITIES[self.quantity]
        return (
            Axis.of(self.subtrahend.name, quantity, rounded),
            Axis.of(self.minuend.name, quantity, rounded),
        )


@dataclass(frozen=True)
class Question:
    """What is asked of which maps.

    Parameters
    ----------
    cube : Cube
        Finished maps.
    columns : tuple of Found
        Those of Table 1, and behind them those that only comparisons use.
    compared : tuple of Compared
        The comparisons of which the maps have both sides.
    groupings : tuple of Grouping
        Whole Moon, maria, seas, sides, South Pole-Aitken, and Procellarum where a table of
        thorium is given.
    mare : str or None
        The mask of the maria; None where they are the seas' circles.
    grs : GrsTable or None
        Lunar Prospector's gamma-ray abundances.
    """

    cube: Cube
    columns: tuple[Found, ...]
    compared: tuple[Compared, ...]
    groupings: tuple[Grouping, ...]
    mare: str | None = None
    grs: GrsTable | None = None

    def layer(self, key: str) -> MapLayer | None:
        """The layer of a column; None where the maps have none."""
        return next(found.layer for found in self.columns if found.column.key == key)

    @property
    def layers(self) -> tuple[MapLayer, ...]:
        """The layers that are read, each once."""
        return tuple(dict.fromkeys(f.layer for f in self.columns if f.layer is not None))

    @property
    def source(self) -> DifferenceSource:
        """Those layers and the differences."""
        names = tuple(layer.name for layer in self.layers)
        differences = tuple(each.difference for each in self.compared)
        return DifferenceSource(MapsSource(self.cube, names), differences)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the maps lack of the paper's columns, one sentence each."""
        printed = self.columns[: len(self.columns) - len(AFTER)]
        return missing(printed, self.cube.layout.camera)

    @property
    def outlines(self) -> str:
        """Where the maria's outlines come from, for people."""
        if self.mare is None:
            return (
                "Maria and seas are the circles of the IAU gazetteer: 65 % larger than the real "
                "maria, so their means mix in highlands; give --mare MASK for outlines. "
                f"{_OVERLAPS}"
            )
        return (
            f"Maria: {Path(self.mare).name}. A named sea is what its circle of the IAU gazetteer "
            f"holds of them. {_OVERLAPS}"
        )


def ask(
    maps: str, *, like: str = LIKE[0], mare: str | None = None, grs: str | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Question:  # fmt: skip
    """Find what the report needs.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    like : str
        One of ``LIKE``.
    mare : str, optional
        A mask or polygons of the maria; the seas as circles if none.
    grs : str, optional
        A table of Lunar Prospector's gamma-ray abundances.
    storage_options : dict, optional

    Raises
    ------
    ParametersError
        If there is no such report.
    StoreError
        If the maps are not finished, or have no column of the paper at all.
    """
    if like not in LIKE:
        raise ParametersError(f"--like {like}: there is {' and '.join(LIKE)}; use that")
    cube = open_maps(maps, storage_options)
    columns = (*find_columns(cube.layout), *find_columns(cube.layout, AFTER))
    if not any(found.layer for found in columns):
        has = ", ".join(f"{layer.name} ({layer.model})" for layer in cube.layout.layers)
        raise StoreError(
            f"{maps}: none of the columns of {like} is among its layers, {has}; run predict with "
            "the models that `lunarscale models` lists"
        )
    maria = read_grouping(
        "maria" if mare is None else f"maria={mare}", storage_options=storage_options
    )
    seas: Grouping = Seas() if mare is None else _seas_within(maria)
    words = ("hemispheres", "spa", *([] if grs is None else [f"pkt={grs}"]))
    further = [read_grouping(word, storage_options=storage_options) for word in words]
    groupings = (WholeMoon(), maria, seas, *further)
    table = None if grs is None else read_grs(grs, storage_options=storage_options)
    return Question(cube, columns, _compared(columns), groupings, mare, table)


def _seas_within(maria: Grouping) -> Crossed:
    """Each sea's circle, cut to the maria; what else the circle holds bears another name."""
    seas = Seas()
    titles = [
        sea if group == maria.groups[0] else f"{sea}: {group} in its circle"
        for sea in seas.groups
        for group in maria.groups
    ]
    return Crossed("seas", seas, maria, tuple(titles))


def _compared(columns: tuple[Found, ...]) -> tuple[Compared, ...]:
    layers = {found.column.key: found.layer for found in columns}
    made = []
    for comparison in COMPARISONS:
        first, second = (
            next((layers[key] for key in keys if layers[key] is not None), None)
            for keys in (comparison.minuend, comparison.subtrahend)
        )
        if first is not None and second is not None and first != second:
            made.append(Compared(comparison, first, second))
    return tuple(made)


def prepare(asked: Question) -> Prepared:
    """One pass that takes all sums of the report, not begun."""
    cube = asked.cube
    longest = Reduced.to_fit(cube.grid, shard=cube.layout.shard, longest=LONGEST)
    measures: dict[str, Measure] = {
        _AREA: Histograms(asked.groupings),
        _CELLS: SampledHistograms(qiu_2025_cells(), asked.groupings),
        _PICTURES: longest,
        _PRODUCTS: Products(WholeMoon()),
        **{each.key: Joints(*each.axes, WholeMoon()) for each in asked.compared},
    }
    if asked.grs is not None:
        measures[_GRS] = CellMoments(asked.grs.cells, around=cube.grid.around)
    return prepare_sums(asked.source, measures, verb="report")


@dataclass(frozen=True)
class Finding:
    """What one pass has found.

    Parameters
    ----------
    question : Question
    area, cells : Statistics
        Weighted by exact area, and at the centres of the paper's cells.
    pictures : Pictures
    products : Covariances
    densities : dict of str to Joint
        By the comparisons' keys.
    grs : CellSums or None
        In the gamma-ray table's pixels, where one was given.
    """

    question: Question
    area: Statistics
    cells: Statistics
    pictures: Pictures
    products: Covariances
    densities: dict[str, Joint]
    grs: CellSums | None = None

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The table of statistics, weighed both ways, of the differences too."""
        quantities = self.question.source.quantities
        return tuple(finish(self.area, quantities, sampled=self.cells))

    def row(self, layer: str, grouping: str, group: str) -> Row:
        """One of them."""
        wanted = (layer, grouping, group)
        return next(r for r in self.rows if (r.layer, r.grouping, r.group) == wanted)

    def relation(self, compared: Compared) -> Relation:
        """How the maps of a comparison go together over the whole Moon: y is the minuend."""
        layers = self.question.source.layers
        pair = (layers.index(compared.subtrahend.name), layers.index(compared.minuend.name))
        return relation(self.products, pair, 1, quantities=self.question.source.quantities)


def finding_of(asked: Question, tale: Tale) -> Finding:
    """What a pass that has run has found.

    Raises
    ------
    StoreError
        If nothing was counted.
    """
    sums: dict[str, Any] = dict(tale.sums)
    if _AREA not in sums:
        raise StoreError(f"{asked.cube.location.url}: the maps have no shard to count")
    densities = {each.key: sums[each.key] for each in asked.compared}
    return Finding(
        asked,
        area=sums[_AREA],
        cells=sums[_CELLS],
        pictures=sums[_PICTURES],
        products=sums[_PRODUCTS],
        densities=densities,
        grs=sums.get(_GRS),
    )
