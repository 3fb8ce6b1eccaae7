"""Finished maps, what their layers show, and the groupings that are asked of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.promises import Promises
from lunarscale.engine.run import require
from lunarscale.errors import RegionError, StoreError, TornError
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import QUANTITIES, Quantity
from lunarscale.readers.regions import FileGrouping, read_grouping
from lunarscale.reduce.statistics import Label, Statistics
from lunarscale.store.cube import Cube
from lunarscale.store.levels import levels
from lunarscale.store.location import Location


def open_maps(maps: str, storage_options: dict[str, Any] | None) -> Cube:
    """A store of maps, all of whose shards are done and whole; one that goes later is told.

    Raises
    ------
    StoreError
        If some are not.
    """
    cube = require(Cube.open(Location(maps, storage_options or {})), "maps")
    ledger = Ledger.of(cube)
    windows = cube.layout.windows()
    # an object that is gone would read as no-data
    missing = ledger.scan(windows, whole=True).count(None)
    if missing:
        raise StoreError(
            f"{maps}: {missing} of {len(windows)} shards are not done or torn; "
            "run the same predict again to finish them"
        )
    return replace(cube, promised=Promises(ledger))  # nor may one go while the run reads it


def open_levels(maps: Cube) -> tuple[Cube, ...]:
    """Maps and their overviews, the finest first; of each, objects that go later are told.

    Only overviews that are finished and were made of what the maps hold now.
    """
    _, *coarser = levels(maps)
    return (maps, *(replace(each, promised=Promises(Ledger.of(each))) for each in coarser))


@contextmanager
def unchanged(cube: Cube, windows: Sequence[Window] | None = None) -> Iterator[None]:
    """Make sure that maps which are read shard by shard are one run's from first to last.

    Parameters
    ----------
    cube : Cube
    windows : sequence of Window, optional
        Of the shards that are read; all of them if not given.

    Raises
    ------
    TornError
        If a shard was written anew meanwhile, or taken back.
    """
    ledger = Ledger.of(cube)
    read = cube.layout.windows() if windows is None else windows
    before = ledger.scan(read)
    yield
    if ledger.scan(read) != before:
        raise TornError(
            f"{cube.location.url}: a run has written to this store while it was read; let no run "
            "write there meanwhile, then run this command again"
        )


def read_groupings(
    by: Sequence[str], storage_options: dict[str, Any] | None = None, *,
    grid: RasterGrid | None = None, coverage: bool = False,
) -> tuple[Grouping, ...]:  # fmt: skip
    """The groupings that were asked for.

    Parameters
    ----------
    by : sequence of str
        Words and files (``readers.regions``).
    storage_options : dict, optional
    grid : RasterGrid, optional
        That of the maps: polygons none of which lies within it are refused.
    coverage : bool
        Whether polygons' borders divide pixels by exact area.

    Raises
    ------
    RegionError
        If two have one name (their rows could not be told apart), or all polygons of a file lie
        off the maps.
    """
    found = tuple(
        read_grouping(text, coverage=coverage, storage_options=storage_options) for text in by
    )
    for grouping in found:
        if grid is not None and isinstance(grouping, FileGrouping):
            grouping.require_within(grid)
    names = [grouping.name for grouping in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RegionError(
            f"two groupings are named {twice}, so their rows could not be told apart; "
            "ask for them one after the other, or rename a file"
        )
    return found


def kept_labels(cube: Cube) -> tuple[Label, ...]:
    """The groupings whose statistics predict has kept, as its first finished shard tells them.

    All shards of a store are made with the same ones, or it is refused.
    """
    ledger = Ledger.of(cube)
    for window in cube.layout.windows():
        if ledger.read(window) is not None and (blob := ledger.statistics(window)) is not None:
            return Statistics.from_bytes(blob).groupings
    return ()


def quantities_of(cube: Cube) -> list[Quantity]:
    """What each layer of maps shows."""
    return [QUANTITIES[layer.quantity] for layer in cube.layout.layers]


def outlines_of(mare: str | None) -> str:
    """Where the maria's outlines come from, for people: a file, or the seas' circles."""
    if mare is None:
        return "maria: the seas as circles of the IAU gazetteer, an approximation"
    return f"maria: {Path(mare).name}"
