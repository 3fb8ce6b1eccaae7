"""Tiles are made here: in a few threads, each once, and kept as long as there is room."""

import asyncio
import io
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.access import key_of
from lunarscale.service.crowds import Crowd
from lunarscale.service.settings import Limits
from lunarscale.service.tiles.asking import Asked
from lunarscale.service.tiles.blocks import Blocks
from lunarscale.service.tiles.colours import Colours, index_table, lines_of
from lunarscale.service.tiles.gathering import Parts
from lunarscale.service.tiles.kept import BESIDE, Kept
from lunarscale.service.tiles.matrices import MATRIX_SETS, Tile
from lunarscale.service.tiles.places import Pixels, nearest, neighbours, places_of
from lunarscale.service.tiles.png import indexed_png
from lunarscale.service.tiles.sampling import Sampler, mixed

#: Share of the memory that finished tiles take; the rest is for decoded chunks.
_SHARE = 4

#: Threads, at most; each draws one tile.
_MOST_THREADS = 8

#: Tiles that are drawn or wait at a time, of all callers and of one: a page of maps asks for some
#: dozens.
INSIDE, EACH = 512, 128

Result = TypeVar("Result")

#: A whole Moon of a few pixels, which a rehearsal is about.
_SMALL = RasterGrid(4, 0, 0, 2, 4)


class Made(NamedTuple):
    """A finished tile.

    Parameters
    ----------
    content : bytes
    whole : bool
        Whether all of the map that lies there is finished; else it may change any moment.
    """

    content: bytes
    whole: bool


class _Passing(Exception):
    """A tile that is not to be kept."""

    def __init__(self, made: Made) -> None:
        super().__init__("not to be kept")
        self.made = made


class Tiles:
    """Makes tiles, and keeps what they are made of and what was made.

    Parameters
    ----------
    limits : Limits
        Of which ``tile_cache_bytes``.
    """

    def __init__(self, limits: Limits) -> None:
        pictures = limits.tile_cache_bytes // _SHARE
        self.blocks = Blocks(limits.tile_cache_bytes - pictures)
        self.finished: Kept[Made] = Kept(pictures, lambda made: len(made.content) + BESIDE)
        threads = min(os.cpu_count() or 1, _MOST_THREADS)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tiles")
        #: Done as soon as the first tile can be drawn without delay.
        self.rehearsed: Future[None] = Future()
        self._crowd = Crowd(INSIDE, EACH, what="tiles")

    def open(self) -> None:
        """Begin to load what the first tile needs; nobody waits for it."""
        self.rehearsed = self._pool.submit(rehearse)

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(cancel_futures=True)

    async def run(self, request: Request, work: Callable[[], Result]) -> Result:
        """Do some work in one of the threads; the loop goes on meanwhile.

        Raises
        ------
        RateError, UnavailableError
            If too much of this caller's, or of everybody's, waits already.
        """
        with self._crowd.inside(key_of(request)):
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def make(self, asked: Asked) -> Made:
        """The tile that is asked for; the same one is made once, however many ask at a time."""
        try:
            return self.finished.get(asked.key, lambda: self._kept(asked))
        except _Passing as passing:
            return passing.made

    def _kept(self, asked: Asked) -> Made:
        made = self._drawn(asked)
        if not made.whole:
            raise _Passing(made)
        return made

    def _drawn(self, asked: Asked) -> Made:
        sampler = Sampler(self.blocks, asked.dataset, asked.layer, asked.hidden)
        draw = sampler.bilinear if asked.resampling == "bilinear" else sampler.nearest
        counts, whole = draw(asked.tile)
        quantum = asked.layer.quantum
        if asked.colours is None:
            return Made(_values(counts, quantum), whole)
        return Made(_picture(counts, quantum, asked.colours), whole)


def rehearse() -> None:
    """Compile the loops that draw tiles, on a few pixels."""
    for tiles in MATRIX_SETS.values():
        places = places_of(Tile(tiles, 0, 0, 0, 4), _SMALL.around)
        counts = [
            _taken(pixels) for pixels in (nearest(places, _SMALL), *neighbours(places, _SMALL))
        ]
        mixed(places, counts[0], tuple(counts[1:]))
        lines_of(counts[0], index_table(1.0, 0.0, 1.0))


def _taken(pixels: Pixels) -> NDArray[np.int16]:
    """Pixels of a Moon of zeros, taken from its chunks as counts and as flags."""
    counts, flags = np.zeros(pixels.rows.shape, np.int16), np.zeros(pixels.rows.shape, np.uint8)
    parts = Parts.of(pixels, 2)
    assert parts is not None  # a few pixels are not far apart
    for into in (counts, flags):
        block = np.zeros((2, 2), into.dtype)
        block.flags.writeable = False
        for part in parts:
            parts.take(part, block, into)
    return counts


def _values(counts: NDArray[np.int16] | NDArray[np.float32], quantum: float) -> bytes:
    """NumPy's own file of float32 values, NaN where there is none."""
    values = (counts * np.float64(quantum)).astype(np.float32)
    values[counts == NO_DATA] = np.nan
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def _picture(
    counts: NDArray[np.int16] | NDArray[np.float32], quantum: float, colours: Colours
) -> bytes:
    if counts.dtype.kind == "f":  # means lie between counts
        counts = np.where(np.isnan(counts), NO_DATA, np.rint(counts))
    table = index_table(quantum, colours.low, colours.high)
    return indexed_png(lines_of(counts.astype(np.int16, copy=False), table), colours.palette)
