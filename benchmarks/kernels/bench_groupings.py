"""Groupings and cells on one core, beside their definitions in NumPy and the rate of a fill.

``python -m benchmarks.kernels.bench_groupings`` prints the table; under ``pytest`` the same
functions run on one chunk and must agree with each other (``--benchmark-enable`` times them).

Ours gives the numbers of a chunk of 512 x 512 pixels of a grid of 100 m. Two chunks are taken: one
that an edge of the groups cuts, and one all in one group, as most are. NumPy's is the definition
over every pixel, from longitudes and latitudes in float64. A fill writes as many uint16. The last
row is the cells of Qiu 2025 whose centres lie in the chunk, in the same pixels a second; NumPy's
locates each of the window's cells one by one. All are measured in one run, interleaved; a figure
is the median processor time of its passes.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.kernels.bench_networks import PASSES, alone, seconds
from lunarscale.grid.cell_groups import cell_groups, procellarum
from lunarscale.grid.cells import BandedCells, equal_area_cells, qiu_2025_cells
from lunarscale.grid.ellipses import SouthPoleAitken
from lunarscale.grid.groupings import wrapped_lons
from lunarscale.grid.latitudes import LatitudeBands
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.grid.sides import Sides
from lunarscale.moon import RADIUS_M, SOUTH_POLE_AITKEN

Numbers = Callable[[RasterGrid, Window], NDArray]
GRID = RasterGrid.whole(303.2334900)
SIZE = 512
#: Cells with thorium of 4 ppm in every other one.
GRS = equal_area_cells(25_000.0)
THORIUM = np.where(np.arange(GRS.count) % 2 == 0, 4.0, 1.0)
QIU = qiu_2025_cells()
#: What ours must reach, in Mpx/s, on a chunk that an edge cuts.
REQUIRED_MPX_S = 100.0


class Row(NamedTuple):
    """A grouping, its definition, and places on an edge of its groups and away from all."""

    ours: Numbers
    plain: Numbers
    edge: tuple[float, float]
    inside: tuple[float, float]


def places(grid: RasterGrid, window: Window) -> tuple[NDArray, NDArray]:
    """Longitude and latitude of every pixel."""
    lon, lat = np.meshgrid(wrapped_lons(grid, window), grid.lats(window))
    return lon, lat


def plain_latitude(grid: RasterGrid, window: Window) -> NDArray:
    """Bands of 5 degrees."""
    _, lat = places(grid, window)
    return np.ceil((lat + 90.0) / 5.0).astype(np.uint16)


def plain_sides(grid: RasterGrid, window: Window) -> NDArray:
    """Near and far."""
    lon, _ = places(grid, window)
    return np.where(np.abs(lon) < 90.0, 1, 2).astype(np.uint16)


def plain_ellipse(grid: RasterGrid, window: Window) -> NDArray:
    """South Pole-Aitken, by distance and azimuth."""
    basin = SOUTH_POLE_AITKEN
    lon, lat = (np.radians(v) for v in places(grid, window))
    east, centre = lon - np.radians(basin.lon), np.radians(basin.lat)
    x = np.cos(lat) * np.sin(east)
    y = np.cos(centre) * np.sin(lat) - np.sin(centre) * np.cos(lat) * np.cos(east)
    z = np.sin(centre) * np.sin(lat) + np.cos(centre) * np.cos(lat) * np.cos(east)
    km = np.arctan2(np.hypot(x, y), z) * RADIUS_M / 1000.0
    angle = np.arctan2(x, y) - np.radians(basin.azimuth_deg)
    along, across = km * np.cos(angle) / basin.long_km, km * np.sin(angle) / basin.short_km
    return np.where(along**2 + across**2 <= 0.25, 1, 2).astype(np.uint16)


def plain_cells(cells: BandedCells) -> Numbers:
    """The cell of every pixel."""
    edges, per_band, firsts = (
        np.asarray(v) for v in (cells.edges_deg, cells.per_band, cells.firsts)
    )

    def numbers(grid: RasterGrid, window: Window) -> NDArray:
        lon, lat = places(grid, window)
        band = np.searchsorted(edges, lat) - 1
        return firsts[band] + ((lon + 180.0) / 360.0 * per_band[band]).astype(np.int64)

    return numbers


def centres(grid: RasterGrid, window: Window) -> NDArray:
    """Ours: the pixels that hold the centres of cells, as a count a pixel."""
    found = QIU.within(grid, window)
    out = np.zeros((window.height, window.width), dtype=np.uint16)
    out[found.rows, found.cols] = 1
    return out


def plain_centres(grid: RasterGrid, window: Window) -> NDArray:
    """Each cell near the window, located by itself."""
    cells = np.unique(QIU.numbers(grid, window))
    out = np.zeros((window.height, window.width), dtype=np.uint16)
    for lon, lat in zip(*QIU.centres(cells), strict=True):
        row, col = grid.locate(lon, lat) or (-1, -1)
        row, col = row - window.row, col - window.col
        if 0 <= row < window.height and 0 <= col < window.width:
            out[row, col] = 1
    return out


ROWS = {
    "hemispheres": Row(Sides().numbers, plain_sides, (89.2, 10.0), (20.0, 10.0)),
    "latitude:5": Row(LatitudeBands(5.0).numbers, plain_latitude, (20.0, 10.7), (20.0, 14.5)),
    "spa": Row(SouthPoleAitken().numbers, plain_ellipse, (178.0, -13.5), (-169.0, -53.0)),
    "pkt=TABLE": Row(
        procellarum(GRS, THORIUM).numbers,
        lambda g, w: np.where(THORIUM[plain_cells(GRS)(g, w)] > 3.5, 1, 2).astype(np.uint16),
        (4.0, 24.0),
        (32.0, 23.0),
    ),
    "cells:25000": Row(
        cell_groups(25_000.0).numbers,
        lambda g, w: (plain_cells(GRS)(g, w) + 1).astype(np.uint16),
        (4.0, 24.0),
        (32.0, 23.0),
    ),
    "cells of Qiu 2025": Row(QIU.numbers, plain_cells(QIU), (20.0, 10.7), (20.0, 10.7)),
    "their centres": Row(centres, plain_centres, (20.0, 10.7), (20.0, 10.7)),
}


def chunk(place: tuple[float, float]) -> Window:
    """The chunk whose corner is at a place."""
    found = GRID.locate(*place)
    assert found is not None
    return Window(*found, SIZE, SIZE)


@pytest.mark.parametrize("name", ROWS)
def test_groupings_agree(benchmark, name: str) -> None:
    """Ours and the definition give the same numbers, on an edge and away from it."""
    row = ROWS[name]
    ours = benchmark(row.ours, GRID, chunk(row.edge))
    np.testing.assert_array_equal(ours, row.plain(GRID, chunk(row.edge)))
    inside = row.ours(GRID, chunk(row.inside))
    np.testing.assert_array_equal(inside, row.plain(GRID, chunk(row.inside)))


def test_the_chunks_are_what_they_are_said_to_be() -> None:
    """An edge cuts the one and not the other."""
    for name, row in ROWS.items():
        assert np.unique(row.ours(GRID, chunk(row.edge))).size > 1, name
        one = np.unique(row.ours(GRID, chunk(row.inside))).size == 1
        assert one or "Qiu" in name or name == "their centres"


def measure(row: Row) -> dict[str, float]:
    """Median seconds a pass over a chunk, by column; interleaved."""
    edge, inside = chunk(row.edge), chunk(row.inside)
    target = np.empty((SIZE, SIZE), dtype=np.uint16)
    passes: dict[str, Callable[[], object]] = {
        "edge": lambda: row.ours(GRID, edge),
        "inside": lambda: row.ours(GRID, inside),
        "plain": lambda: row.plain(GRID, edge),
        "fill": lambda: target.fill(1),
    }
    taken: dict[str, list[float]] = {key: [] for key in passes}
    for _ in range(PASSES + 1):  # the first touches every page
        for key, run in passes.items():
            taken[key].append(seconds(run))
    return {key: float(np.median(times[1:])) for key, times in taken.items()}


def main() -> int:
    """Measure on one core and print; 1 if a chunk on an edge is slower than required."""
    table = Table(title="Mpx/s on one core", box=box.SIMPLE_HEAD)
    for heading in ("", "on an edge", "in one group", "NumPy", "over NumPy", "a fill"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    met = True
    for name, row in ROWS.items():
        taken = measure(row)
        rates = {key: SIZE * SIZE / time / 1e6 for key, time in taken.items()}
        met &= rates["edge"] >= REQUIRED_MPX_S
        ours, plain, fill = (f"{rates[key]:,.0f}" for key in ("edge", "plain", "fill"))
        over = f"{rates['edge'] / rates['plain']:.0f} times"
        table.add_row(name, ours, f"{rates['inside']:,.0f}", plain, over, fill)
    Console(width=110).print(table)
    return 0 if met else 1


if __name__ == "__main__":
    alone()
    sys.exit(main())
