"""Summarise by cells: what every equal-area cell holds of every map, in bounded memory."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

import lunarscale
from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.outcome import Outcome
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.grid.cells import BandedCells
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.quantities import Quantity
from lunarscale.reduce.cell_moments import CellMoments
from lunarscale.reduce.cell_sums import CellSums
from lunarscale.steps.opening import open_maps, quantities_of
from lunarscale.steps.sampling.file import SampleFile
from lunarscale.steps.summarising.files import CELL_SCHEMA, cell_table
from lunarscale.store.cube import Cube

#: Name of the sums, and of the folder that they are written into.
CELLS = "cells"


class CellFiles:
    """The files of all layers, written strip by strip from the south: ``cells/<layer>.parquet``.

    A strip is a row of shards. Cells on its north edge wait for the next one. Files are there
    whole, under their names, or not at all; the folder reads as one table.

    Parameters
    ----------
    cube : Cube
    cells : BandedCells
    folder : str or Path
    """

    def __init__(self, cube: Cube, cells: BandedCells, folder: str | Path) -> None:
        self.source, self.cells = MapsSource(cube), cells
        self._quantities: Sequence[Quantity] = quantities_of(cube)
        self.strips = strips_of(cube.layout.windows())
        self._strip_of = {w: strip for strip, row in enumerate(self.strips) for w in row}
        self._missing = Counter(self._strip_of.values())
        self._parts: dict[int, list[CellSums]] = {strip: [] for strip in range(len(self.strips))}
        self._next, self._waiting = 0, list[CellSums]()
        self.paths = [Path(folder, CELLS, f"{layer}.parquet") for layer in self.source.layers]

    def __enter__(self) -> "CellFiles":
        order = range(len(self.strips))
        with ExitStack() as stack:
            schema = CELL_SCHEMA.with_metadata({"lunarscale": json.dumps(self._facts())})
            files = [SampleFile(path, schema, order) for path in self.paths]
            self._files = [stack.enter_context(file) for file in files]
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the files their names, if every strip is in them."""
        self._stack.__exit__(kind, error, trace)

    def _facts(self) -> dict[str, Any]:
        """What the files say of themselves."""
        cube, cells = self.source.cube, self.cells
        return {
            "title": "what cells of equal area hold of the Moon's maps",
            "source": f"lunarscale {lunarscale.__version__}",
            "maps": cube.location.url,
            "simulated": cube.layout.simulated,
            "cells": {"name": cells.name, "count": cells.count, "sha256": cells.digest},
            "rule": "a pixel is in the cell that holds its centre, with all of its area",
            "note": coarseness(self.source.grid, cells),
        }

    def take(self, outcome: Outcome) -> Outcome:
        """Take a shard's sums, and write the strips that are whole; the sums go no further."""
        found = outcome.sums.get(CELLS)
        if outcome.window is None or not isinstance(found, CellSums):
            return outcome  # it has failed: its strip stays open, and there will be no file
        strip = self._strip_of[outcome.window]
        self._parts[strip].append(found)
        self._missing[strip] -= 1
        while self._next < len(self.strips) and not self._missing[self._next]:
            self._write(self._next)
            self._next += 1
        return replace(outcome, sums={})

    def _write(self, strip: int) -> None:
        sums = CellSums.sum([*self._waiting, *self._parts.pop(strip)])
        whole, rest = sums.split(self._first_after(strip))
        self._waiting = [rest]
        for place, (file, quantity) in enumerate(zip(self._files, self._quantities, strict=True)):
            file.add(strip, cell_table(whole, place, quantity))

    def _first_after(self, strip: int) -> int:
        """Number of the first cell that may have pixels in a later strip."""
        if strip + 1 == len(self.strips):
            return self.cells.count
        grid, above = self.source.grid, self.strips[strip + 1][0]
        southmost = grid.lats(above)[-1]
        band = int(self.cells.band_of(southmost))
        # north of all bands nothing follows; south of them everything does
        outside = self.cells.count if southmost > self.cells.edges_deg[0] else 0
        return int(self.cells.firsts[band]) if band >= 0 else outside


def coarseness(grid: RasterGrid, cells: BandedCells) -> str:
    """What is to be said where pixels are larger than cells; nothing where no cell goes without."""
    heights = np.diff(cells.edges_deg)
    widths = 360.0 / np.asarray(cells.per_band)
    if grid.pixel_deg <= min(heights.min(), widths.min()) * (1 + 1e-9):
        return ""
    return (
        f"pixels of {grid.pixel_deg:.3g} degrees are coarser than some of the {cells.name}: only "
        "cells that hold a pixel's centre have a row"
    )


def strips_of(windows: Sequence[Window]) -> list[list[Window]]:
    """Shards in rows, the southernmost row first."""
    ordered = sorted(windows, key=lambda window: (-window.row, window.col))
    return [list(row) for _, row in groupby(ordered, key=lambda window: window.row)]


def prepare_cells(files: CellFiles) -> Prepared:
    """One pass over all maps into open files, not begun.

    Workers hold the cells of a shard, and this process those of a row of shards or a few.
    """
    measure = CellMoments(files.cells, files.source.grid.around)
    windows = [window for strip in files.strips for window in strip]
    prepared = prepare_sums(files.source, {CELLS: measure}, verb="summarise cells", windows=windows)
    return replace(
        prepared,
        plan=replace(prepared.plan, process_bytes=0),  # nothing is merged on the workers
        reduces=False,
        take=files.take,
    )


def summarise_cells(
    maps: str, cells: BandedCells, *, out: str, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> list[Path]:  # fmt: skip
    """Mean, deviation, extremes and valid share of every map in every cell, as Parquet.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    cells : BandedCells
    out : str
        Folder; there will be ``cells/<layer>.parquet``, a row a cell that holds a pixel's centre:
        every cell, unless pixels are coarser (``coarseness``).
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    IncompleteError
        If some shards cannot be read; then there is no file.
    """
    with CellFiles(open_maps(maps, storage_options), cells, out) as files:
        tale = prepare_cells(files).run(executor or Serial())
    complain(tale, maps)
    return files.paths
