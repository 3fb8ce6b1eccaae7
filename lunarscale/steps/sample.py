"""Sample: the value of every map at the centre of every cell, as a table of one row a cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.grid.cells import QIU_2025_AREA_KM2, BandedCells, equal_area_cells
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.reduce.samples import CellSamples, Samples
from lunarscale.reduce.sampling import CELL_BYTES
from lunarscale.reduce.statistics import Label
from lunarscale.steps.opening import open_maps, read_groupings
from lunarscale.steps.sampling.file import SampleFile, require_suffix
from lunarscale.steps.sampling.table import SampleTable
from lunarscale.store.cube import Cube

#: Groupings whose names stand beside each sample unless others are asked for.
GROUPINGS = ("maria", "seas", "hemispheres")

#: Most cells of a strip, which is what a task makes and a row group holds: those of the paper in
#: one row of 2048-pixel shards at 100 m are 1,014,000 at the equator.
STRIP_CELLS = 1 << 20

#: Name of the samples among a task's sums.
_SAMPLES = "samples"


@dataclass(frozen=True)
class Question:
    """What is to be sampled.

    Parameters
    ----------
    cube : Cube
        The maps.
    cells : BandedCells
    groupings : tuple of Grouping
        Whose names stand beside each sample.
    every : bool
        Whether cells without a value in any layer have a row too.
    out : Path
        The table: ``.parquet`` or ``.csv``.
    """

    cube: Cube
    cells: BandedCells
    groupings: tuple[Grouping, ...]
    every: bool
    out: Path

    @property
    def table(self) -> SampleTable:
        """The columns."""
        labels = tuple(Label(g.name, g.groups, g.digest) for g in self.groupings)
        layers = list(self.cube.layout.layers)
        return SampleTable(self.cube, layers, cells=self.cells, groupings=labels)

    def open_file(self) -> SampleFile:
        """The file, to be entered before the run and left after it."""
        return SampleFile(self.out, self.table.schema, strips(self.cube, self.cells))


def sample(
    maps: str, *, out: str, cells_km2: float = QIU_2025_AREA_KM2, by: Sequence[str] = GROUPINGS,
    every: bool = False, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> int:  # fmt: skip
    """Write a table of the maps' values at the centres of cells; the number of its rows.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    out : str
        The table: ``.parquet`` or ``.csv``.
    cells_km2 : float, optional
        Area of a cell; the paper's 2.25 km2 by default.
    by : sequence of str, optional
        Groupings whose names stand beside each sample.
    every : bool, optional
        Whether cells without a value in any layer have a row too.
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    SourceError
        If the table is of another kind.
    IncompleteError
        If some shards cannot be read; then there is no table.
    """
    asked = ask(
        maps, out=out, cells_km2=cells_km2, by=by, every=every, storage_options=storage_options
    )
    with asked.open_file() as file:
        tale = prepare_sample(asked, file).run(executor or Serial())
    complain(tale, maps)
    return file.rows


def ask(
    maps: str, *, out: str, cells_km2: float = QIU_2025_AREA_KM2, by: Sequence[str] = GROUPINGS,
    every: bool = False, storage_options: dict[str, Any] | None = None,
) -> Question:  # fmt: skip
    """What is to be sampled, checked; as of ``sample``."""
    require_suffix(Path(out))
    return Question(
        open_maps(maps, storage_options),
        equal_area_cells(cells_km2),
        read_groupings(by, storage_options),
        every,
        Path(out),
    )


def prepare_sample(asked: Question, file: SampleFile) -> Prepared:
    """The sampling of all maps into an open file, not begun.

    The table is the same, byte for byte, however many workers there are. A task takes one strip
    and this process writes one at a time: neither holds more than ``STRIP_CELLS`` samples.
    """
    source, table = MapsSource(asked.cube), asked.table
    measure = CellSamples(asked.cells, asked.groupings)
    jobs = list(strips(asked.cube, asked.cells))
    prepared = prepare_sums(source, {_SAMPLES: measure}, verb="sample", windows=jobs)
    layers, chunk = len(source.layers), asked.cube.layout.chunk
    task = 2 * STRIP_CELLS * measure.row_bytes(layers) + CELL_BYTES * chunk**2

    def take(outcome: Outcome) -> Outcome:
        samples = outcome.sums.get(_SAMPLES)
        if isinstance(samples, Samples):
            file.add(outcome.window, table.rows(samples, every=asked.every))
        return replace(outcome, sums={})

    plan = replace(
        prepared.plan,
        shards=len(jobs),
        task_bytes=source.task_bytes + task,
        process_bytes=2 * measure.kept_bytes,
    )
    return replace(prepared, plan=plan, reduces=False, take=take)


def strips(cube: Cube, cells: BandedCells) -> Iterator[Window]:
    """Strips of the maps from the south, each the full width and of a bounded number of cells.

    A strip is a row of shards; where that has too many cells, as many rows of its chunks as have
    few enough, or else as many rows of pixels. All cells of a band are in one strip, so strips
    follow each other as cells do.
    """
    in_row = _cells_in_rows(cube.grid, cells)
    for row in _from_south(cube.grid.window, cube.layout.shard):
        if in_row[row.slices[0]].sum() <= STRIP_CELLS:
            yield row
            continue
        chunks = list(_from_south(row, cube.layout.chunk))
        few = all(in_row[chunk.slices[0]].sum() <= STRIP_CELLS for chunk in chunks)
        yield from _joined(chunks if few else list(_from_south(row, 1)), in_row)


def _from_south(window: Window, rows: int) -> Iterator[Window]:
    return reversed(list(window.split_rows(rows)))


def _joined(parts: list[Window], in_row: NDArray[np.int64]) -> Iterator[Window]:
    """Neighbours from the south in one, as long as they have few enough cells."""
    strip = parts[0]
    for part in parts[1:]:
        both = part._replace(height=part.height + strip.height)
        if in_row[both.slices[0]].sum() > STRIP_CELLS:
            yield strip
            strip = part
        else:
            strip = both
    yield strip


def _cells_in_rows(grid: RasterGrid, cells: BandedCells) -> NDArray[np.int64]:
    """Most cells whose centre lies in each row of pixels, ``(row,)``."""
    rows = np.floor((90.0 - cells.band_lats()) / grid.pixel_deg).astype(np.int64) - grid.row
    inside = (rows >= 0) & (rows < grid.height)
    most = np.ceil(np.asarray(cells.per_band) * (grid.width / grid.around)).astype(np.int64) + 1
    found = np.zeros(grid.height, np.int64)
    np.add.at(found, rows[inside], most[inside])
    return found
