"""Summarise: exact area-weighted statistics of maps, by groups of places."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group
from rich.table import Table

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.ledger import Ledger
from lunarscale.engine.mapping import STATISTICS
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared, complain, require
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import RegionError, StoreError
from lunarscale.grid.groupings import Grouping
from lunarscale.quantities import QUANTITIES, Quantity
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.table import Row, finish, to_csv, to_json
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.saving import save
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location


@dataclass(frozen=True)
class Summary:
    """Statistics of a store of maps under the groupings that were asked for.

    Parameters
    ----------
    statistics : Statistics
    rows : list of Row
        The table.
    """

    statistics: Statistics
    rows: list[Row]

    def write(self, folder: str) -> list[Path]:
        """Write ``statistics.csv`` and ``statistics.json`` into a folder."""
        texts = {"statistics.csv": to_csv(self.rows), "statistics.json": to_json(self.rows)}
        return [save(Path(folder, name), text) for name, text in texts.items()]

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame, one row a layer and group."""
        return pd.DataFrame([asdict(row) for row in self.rows])


def summarise(
    maps: str, *, by: Sequence[str] = ("moon", "maria", "seas"), executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Summary:  # fmt: skip
    """Statistics of maps by groupings; from those kept in the ledger where they are the same.

    Parameters
    ----------
    maps : str
        Path or fsspec URL.
    by : sequence of str
        ``moon``, ``maria``, ``seas``, a GeoJSON file or a mask (``readers.regions``).
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    IncompleteError
        If some shards cannot be read.
    """
    cube, groupings = open_maps(maps, storage_options), read_groupings(by, storage_options)
    kept = kept_statistics(cube)
    if kept is None or not covers(kept, groupings):
        tale = prepare_summarise(cube, groupings).run(executor or Serial())
        complain(tale, maps)
        kept = statistics_of(cube, tale)
    return summary_of(cube, kept, groupings)


def first_summary(cube: Cube) -> Summary | None:
    """The statistics that predict kept, with its own maria; None where a shard has none."""
    kept = kept_statistics(cube)
    return None if kept is None else Summary(kept, finish(kept, quantities_of(cube)))


def open_maps(maps: str, storage_options: dict[str, Any] | None) -> Cube:
    """A store of maps, all of whose shards are done and whole.

    Raises
    ------
    StoreError
        If some are not.
    """
    cube = require(Cube.open(Location(maps, storage_options or {})), "maps")
    ledger = Ledger(cube.location, cube.layout.shard)
    windows = cube.layout.windows()
    entries = [ledger.read(window) for window in windows]
    # an object that is gone would read as no-data
    missing = sum(entry is None or not ledger.is_whole(entry) for entry in entries)
    if missing:
        raise StoreError(
            f"{maps}: {missing} of {len(windows)} shards are not done or torn; "
            "run the same predict again to finish them"
        )
    return cube


def read_groupings(
    by: Sequence[str], storage_options: dict[str, Any] | None
) -> tuple[Grouping, ...]:
    """The groupings that were asked for.

    Raises
    ------
    RegionError
        If two have one name: their rows could not be told apart.
    """
    found = tuple(read_grouping(text, storage_options=storage_options) for text in by)
    names = [grouping.name for grouping in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RegionError(
            f"two groupings are named {twice}, so their rows could not be told apart; "
            "ask for them one after the other, or rename a file"
        )
    return found


def prepare_summarise(cube: Cube, groupings: tuple[Grouping, ...]) -> Prepared:
    """A count of all the maps under some groupings, not begun."""
    measures = {STATISTICS: Histograms(groupings)}
    return prepare_sums(MapsSource(cube), measures, verb="summarise")


def statistics_of(cube: Cube, tale: Tale) -> Statistics:
    """The statistics that a run has counted.

    Raises
    ------
    StoreError
        If nothing was counted.
    """
    found = tale.sums.get(STATISTICS)
    if not isinstance(found, Statistics):
        raise StoreError(f"{cube.location.url}: the maps have no shard to count")
    return found


def kept_statistics(cube: Cube) -> Statistics | None:
    """The statistics that predict kept, merged; None where a shard has none."""
    ledger = Ledger(cube.location, cube.layout.shard)
    blobs = [ledger.statistics(window) for window in cube.layout.windows()]
    if not all(blobs):
        return None
    return Statistics.sum(Statistics.from_bytes(blob) for blob in blobs if blob is not None)


def covers(kept: Statistics, groupings: tuple[Grouping, ...]) -> bool:
    """Whether statistics are of all these groupings."""
    return {g.digest for g in groupings} <= {label.digest for label in kept.groupings}


def quantities_of(cube: Cube) -> list[Quantity]:
    """What each layer of maps shows."""
    return [QUANTITIES[layer.quantity] for layer in cube.layout.layers]


def summary_of(cube: Cube, kept: Statistics, groupings: tuple[Grouping, ...]) -> Summary:
    """The table of the groupings that were asked for."""
    names = {label.digest: label.name for label in kept.groupings}
    asked = {names[grouping.digest] for grouping in groupings}
    rows = [row for row in finish(kept, quantities_of(cube)) if row.grouping in asked]
    return Summary(kept, rows)


def tale_summary(cube: Cube, tale: Tale, groupings: tuple[Grouping, ...]) -> Summary:
    """The table of a count that has run."""
    return summary_of(cube, statistics_of(cube, tale), groupings)


def rows_table(rows: Sequence[Row]) -> Group:
    """The first columns of each row for a terminal, one table a layer."""
    return Group(*(_layer_table(name, list(of)) for name, of in groupby(rows, lambda r: r.layer)))


def _layer_table(name: str, rows: Sequence[Row]) -> Table:
    units = rows[0].units
    title = name if units == "1" else f"{name}, {units}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("group", overflow="fold", min_width=13)
    for heading in ("mean", "std", "min", "max", "mode", "valid km²", "%"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        figures = (row.mean, row.std, row.min, row.max, row.mode)
        share = "" if row.valid_share is None else f"{100 * row.valid_share:.1f}"
        shown = ("–" if figure is None else _figure(figure, units) for figure in figures)
        table.add_row(row.group, *shown, f"{row.valid_area_km2:,.0f}", share)
    return table


def means_table(rows: Sequence[Row]) -> Table:
    """Area-weighted means, a layer a row and a group a column."""
    groups = list(dict.fromkeys(row.group for row in rows))
    table = Table(title="Area-weighted means", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("layer", overflow="fold")
    for group in (*groups, "units"):
        table.add_column(group, justify="right" if group != "units" else "left", no_wrap=True)
    for name, of in groupby(rows, lambda row: row.layer):
        layer = {row.group: row for row in of}
        units = layer[groups[0]].units
        means = (layer[group].mean for group in groups)
        shown = ("–" if mean is None else _figure(mean, units) for mean in means)
        table.add_row(name, *shown, "" if units == "1" else units)
    return table


def _figure(value: float, units: str) -> str:
    """Hundredths of a wt %, thousandths of what has no units."""
    return f"{value:.3f}" if units == "1" else f"{value:.2f}"
