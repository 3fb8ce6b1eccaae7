"""The first statistics of a process, taken before anybody asks: its loops are compiled then."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np

from lunarscale.grid.raster import RasterGrid
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.mode_rows import each, mode_rows
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Chunk
from lunarscale.reduce.table import finish
from lunarscale.reduce.tally import Histograms
from lunarscale.service.queries.drawn import drawn_polygon
from lunarscale.service.queries.statistics import bars_of

#: A whole Moon of a few pixels, and a square on it.
_SMALL = RasterGrid(16, 0, 0, 8, 16)
_SQUARE = b'{"type":"Polygon","coordinates":[[[-50,-50],[50,-50],[50,50],[-50,50],[-50,-50]]]}'


def rehearse() -> Iterator[None]:
    """All that the statistics of a polygon take, step by step."""
    drawn = drawn_polygon(_SQUARE, most=10)
    yield
    drawn.numbers(_SMALL, _SMALL.window)
    yield
    window, quantities = _SMALL.window, (QUANTITIES["FeO"],)
    counts = np.arange(128, dtype=np.int16).reshape(1, 8, 16)
    tally = Histograms((drawn,)).tally(("FeO",), grid=_SMALL, window=window)
    tally.add(Chunk(window, counts, np.zeros(counts.shape, np.uint8)))
    yield
    sums = Statistics.sum([tally.partial()])
    yield
    finish(sums, quantities)
    yield
    (layered,) = each(sums, quantities, [drawn.name])
    mode_rows(layered)
    bars_of(layered, unit_km2=sums.unit_km2)


class Rehearsal:
    """Rehearses once a process, in a thread of its own; nobody waits for it."""

    _is_done = False

    def __init__(self) -> None:
        self._ends, self._lock = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None

    def open(self, after: "Future[None]") -> None:
        """Begin when something else is done."""
        after.add_done_callback(lambda _: self._begin())

    def _begin(self) -> None:
        with self._lock:
            if Rehearsal._is_done or self._ends.is_set():
                return
            self._thread = threading.Thread(target=self._run, name="rehearsal", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        for _ in rehearse():
            if self._ends.is_set():
                return
        Rehearsal._is_done = True

    def close(self) -> None:
        """End it at its next step."""
        with self._lock:
            self._ends.set()
        if self._thread is not None:
            self._thread.join()
