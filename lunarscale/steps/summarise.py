"""Summarise: exact area-weighted statistics of maps, by groups of places."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.ledger import Ledger
from lunarscale.engine.outcome import STATISTICS, Tale
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import StoreError
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.groupings import Covering, Grouping, by_centres
from lunarscale.quantities import Quantity
from lunarscale.reduce.components import Matrix
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.products import Products
from lunarscale.reduce.sampling import SampledHistograms
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.stats import USUAL, needs_products, require_widths
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.table import Row, finish
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.opening import open_maps, quantities_of, read_groupings
from lunarscale.steps.summarising.files import Results, write_results
from lunarscale.store.cube import Cube
from lunarscale.urls.at_once import at_once

#: Names of the sums besides the statistics of all pixels: those at cells' centres, and products
#: of layers by each grouping.
SAMPLED, PRODUCTS = "sampled", "products by "


@dataclass(frozen=True)
class Summary:
    """Statistics of a store of maps under the groupings that were asked for.

    Parameters
    ----------
    statistics : Statistics
    rows : list of Row
        The table.
    quantities : sequence of Quantity
        What each layer shows.
    covariances : tuple of Covariances
        One a grouping, where covariances or components were asked for.
    bandwidths : mapping of layer to float
        Of the density whose modes are sought, in units, instead of the rules' (``reduce.modes``).
    matrix : {"correlation", "covariance"}
        Of which the principal components are.
    """

    statistics: Statistics
    rows: list[Row]
    quantities: Sequence[Quantity] = ()
    covariances: tuple[Covariances, ...] = ()
    bandwidths: Mapping[str, float] = field(default_factory=dict)
    matrix: Matrix = "correlation"

    @cached_property
    def results(self) -> Results:
        """What can be read off and written."""
        return Results(
            self.statistics, self.quantities, self.rows, self.covariances,
            matrix=self.matrix, bandwidths=self.bandwidths,
        )  # fmt: skip

    def write(self, folder: str, stats: Sequence[str] = USUAL) -> list[Path]:
        """Write ``statistics.csv`` and ``.json``, and the files of the statistics asked for."""
        return write_results(self.results, folder, stats)

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame, one row a layer and group."""
        return pd.DataFrame([asdict(row) for row in self.rows])


def summarise(
    maps: str, *, by: Sequence[str] = ("moon", "maria", "seas"), stats: Sequence[str] = USUAL,
    cells: BandedCells | None = None, coverage: bool = False,
    bandwidths: Mapping[str, float] | None = None, matrix: Matrix = "correlation",
    executor: Executor | None = None, storage_options: dict[str, Any] | None = None,
) -> Summary:  # fmt: skip
    """Statistics of maps by groupings; from those kept in the ledger where they are the same.

    Parameters
    ----------
    maps : str
        Path or fsspec URL.
    by : sequence of str
        ``moon``, ``maria``, ``seas``, a GeoJSON file or a mask (``readers.regions``).
    stats : sequence of str
        What is to be written of them (``reduce.stats``); covariances and components take a pass
        over the maps.
    cells : BandedCells, optional
        Cells at whose centres to sample too, for means beside those of all pixels.
    coverage : bool
        Whether polygons' borders divide pixels by exact area, instead of by pixels' centres.
    bandwidths : mapping of layer to float, optional
        Widths to smooth by for modes, in the layers' units; the rule's where not given.
    matrix : {"correlation", "covariance"}
        Of which the principal components are; in units ("covariance") for layers that share them.
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    ParametersError
        If a bandwidth is of no layer, or not above 0.
    IncompleteError
        If some shards cannot be read.
    """
    cube = open_maps(maps, storage_options)
    widths = dict(bandwidths or {})
    require_widths(widths, [layer.name for layer in cube.layout.layers])
    groupings = read_groupings(by, storage_options, grid=cube.grid, coverage=coverage)
    kept = kept_statistics(cube)
    measures = measures_of(groupings, stats=stats, cells=cells, kept=kept)
    tale = Tale()
    if measures:
        tale = prepare_summarise(cube, measures).run(executor or Serial())
        complain(tale, maps)
    summary = summary_of(cube, groupings, tale=tale, kept=kept)
    return replace(summary, bandwidths=widths, matrix=matrix)


def first_summary(cube: Cube) -> Summary | None:
    """The statistics that predict kept, with its own maria; None where a shard has none."""
    kept = kept_statistics(cube)
    if kept is None:
        return None
    quantities = quantities_of(cube)
    return Summary(kept, finish(kept, quantities), quantities)


def measures_of(
    groupings: tuple[Grouping, ...], *, stats: Sequence[str] = USUAL,
    cells: BandedCells | None = None, kept: Statistics | None = None,
) -> dict[str, Measure]:  # fmt: skip
    """What is to be summed for some statistics, by name; empty where all of it was kept.

    Parameters
    ----------
    groupings : tuple of Grouping
    stats : sequence of str
        Words (``reduce.stats``).
    cells : BandedCells, optional
        Cells at whose centres to sample too.
    kept : Statistics, optional
        Those that predict kept.
    """
    measures: dict[str, Measure] = {}
    if kept is None or not covers(kept, groupings):
        measures[STATISTICS] = Histograms(groupings)
    if cells is not None:
        # a sample lies in one group: where borders divide pixels, in that of its pixel's centre
        measures[SAMPLED] = SampledHistograms(cells, by_centres(groupings))
    if needs_products(stats):
        measures |= {f"{PRODUCTS}{grouping.name}": Products(grouping) for grouping in groupings}
    return measures


def prepare_summarise(cube: Cube, measures: Mapping[str, Measure]) -> Prepared:
    """One pass over all the maps that takes some sums (``measures_of``), not begun."""
    return prepare_sums(MapsSource(cube), measures, verb="summarise")


def kept_statistics(cube: Cube) -> Statistics | None:
    """The statistics that predict kept, merged; None where a shard has none."""
    ledger = Ledger.of(cube)
    blobs = at_once(ledger.statistics, cube.layout.windows())
    if not all(blobs):
        return None
    return Statistics.sum(Statistics.from_bytes(blob) for blob in blobs if blob is not None)


def covers(kept: Statistics, groupings: tuple[Grouping, ...]) -> bool:
    """Whether statistics are of all these groupings."""
    return {g.digest for g in groupings} <= {label.digest for label in kept.groupings}


def summary_of(
    cube: Cube, groupings: tuple[Grouping, ...], *, tale: Tale, kept: Statistics | None
) -> Summary:
    """What was asked for, of what a run has summed and what predict has kept.

    Parameters
    ----------
    cube : Cube
    groupings : tuple of Grouping
    tale : Tale
        Of a run of ``measures_of``; an empty one where there was nothing to sum.
    kept : Statistics or None

    Raises
    ------
    StoreError
        If nothing was counted.
    """
    statistics = tale.sums.get(STATISTICS, kept)
    if not isinstance(statistics, Statistics):
        raise StoreError(f"{cube.location.url}: the maps have no shard to count")
    names = {label.digest: label.name for label in statistics.groupings}
    asked = [names[grouping.digest] for grouping in groupings]
    sampled, quantities = tale.sums.get(SAMPLED), quantities_of(cube)
    rows = finish(
        statistics,
        quantities,
        sampled=sampled if isinstance(sampled, Statistics) else None,
        centred={g.digest: g.centred.digest for g in groupings if isinstance(g, Covering)},
    )
    found = (tale.sums.get(f"{PRODUCTS}{grouping.name}") for grouping in groupings)
    covariances = tuple(sums for sums in found if isinstance(sums, Covariances))
    own = [row for row in rows if row.grouping in asked]
    # what was kept lies in the order of its keeping
    own.sort(key=lambda row: (statistics.layers.index(row.layer), asked.index(row.grouping)))
    return Summary(statistics, own, quantities, covariances)
