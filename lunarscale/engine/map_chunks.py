"""Every map of one chunk after the other: decoded, computed, and told why there is no value."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA, OUTSIDE_MARE, REASON_MASK
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.laps import lap
from lunarscale.models.model import Counting, Model, Prediction
from lunarscale.models.quantise import quantise
from lunarscale.models.reasons import Reasons
from lunarscale.store.cube import Cube

#: Pixels that a model of float32 values is given at a time: what it makes of them stays in the L2
#: cache and in memory that the process has already (below glibc's 128 kB, from which on it asks
#: the system).
BLOCK_PIXELS = 24_576

#: Number of the group that is mare.
MARIA = 1


class Mare(NamedTuple):
    """What is mare: the first group of a grouping, on the maps' grid."""

    grouping: Grouping
    grid: RasterGrid


class MapChunks:
    """The mosaic's counts of one chunk after the other, and what models make of them.

    Arrays as large as a chunk are made once and used again: memory fresh from the system costs a
    fault a page, and a Dask worker hands back at once what is freed (``MALLOC_TRIM_THRESHOLD_``).

    Parameters
    ----------
    mosaic : Cube
    models : tuple of Model
    size : int
        Edge of a chunk in pixels.
    mare : Mare
        For the equations that hold only there.
    """

    def __init__(self, mosaic: Cube, models: tuple[Model, ...], *, size: int, mare: Mare) -> None:
        self.pixels_read = 0
        self._models, self._mare = models, mare
        # asked once: a protocol's check takes as long as a small block
        self._counting = [model if isinstance(model, Counting) else None for model in models]
        camera = mosaic.layout.camera_facts
        self._scale = camera.scale
        asked = {wavelength for model in models for wavelength in model.bands_nm}
        needed = sorted(asked, key=camera.wavelengths_nm.index)
        self._bands = camera.band_indices(tuple(needed), "the run")
        row_of = {wavelength: row for row, wavelength in enumerate(needed)}
        self._readers = [mosaic.reads("reflectance", band) for band in self._bands]
        self._flag_reader = mosaic.reads("flag")
        self._counts = np.empty((len(needed), size, size), dtype=np.int16)
        packing = mosaic.array("flag").packing
        self._never_imaged = packing.fill_value
        self._packed = np.empty((size, size), packing.dtype)
        layers = [len(model.quantities) for model in models]
        self._made = np.empty((sum(layers), size * size), np.int16)
        self._flags = np.empty((sum(layers), size * size), np.uint8)
        self._lacks = False
        rows = [[row_of[wavelength] for wavelength in model.bands_nm] for model in models]
        self._rows = [_evenly(of) for of in rows]
        bands = [tuple(self._bands[row] for row in of) for of in rows]
        told = np.array(camera.map_reasons, dtype=np.uint8)
        self._reasons = Reasons(bands, layers, told)
        self._found = Prediction.empty(max(layers), BLOCK_PIXELS)

    def read(self, place: Window) -> None:
        """Decode the counts and flags of a chunk.

        Parameters
        ----------
        place : Window
            The chunk in the mosaic's rows and columns; it may be cut by the maps' edge.
        """
        if self._packed.shape != place[2:]:  # the rest is never imaged
            self._counts.fill(NO_DATA)
            self._packed.fill(self._never_imaged)
        self._lacks = False
        for reader, counts in zip(self._readers, self._counts, strict=True):
            reader.read_into(place, counts)
            # while they are in the cache; what one band lacks needs no second one
            self._lacks = self._lacks or bool(counts.min() == NO_DATA)
        if self._lacks:
            self._flag_reader.read_into(place, self._packed)
        self.pixels_read += self._counts.size

    def forget(self, first: int) -> None:
        """Take rows from this one on for no-data, until the next chunk is read."""
        self._counts[:, first:] = NO_DATA

    def predict(self, chunk: Window) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
        """Every map's counts and flags of the chunk that was read, until the next is.

        Parameters
        ----------
        chunk : Window
            The chunk in the maps' rows and columns.

        Returns
        -------
        counts, flags : ndarray of int16 and of uint8, (layer, row, col)
        """
        outside: NDArray[np.bool_] | None = None
        with lap("compute"):
            first, read = 0, self._counts.reshape(len(self._counts), -1)
            for model, counting, rows in zip(self._models, self._counting, self._rows, strict=True):
                of = slice(first, first + len(model.quantities))
                counts, flags = self._made[of], self._flags[of]
                needed = read[rows]
                if counting is not None:
                    counting.predict_counts(needed, self._scale, out=(counts, flags))
                else:
                    self._predict(model, needed, counts, flags)
                if model.mare_only:
                    outside = self._outside_mare(chunk) if outside is None else outside
                    has_value = (flags & np.uint8(REASON_MASK)) == 0
                    flags[has_value & outside] |= OUTSIDE_MARE
                first = of.stop
            if self._lacks:
                self._reasons.explain(self._flags, self._packed.reshape(-1))
        shape = (-1, *self._packed.shape)
        return self._made.reshape(shape), self._flags.reshape(shape)

    def _predict(
        self,
        model: Model,
        needed: NDArray[np.int16],
        made: NDArray[np.int16],
        made_flags: NDArray[np.uint8],
    ) -> None:
        """Fill in the counts and flags of a model of values, each ``(quantity, pixel)``."""
        layers, pixels = made.shape
        for start in range(0, pixels, BLOCK_PIXELS):
            block = slice(start, min(start + BLOCK_PIXELS, pixels))
            room = slice(0, block.stop - start)
            found = Prediction(self._found.values[:layers, room], self._found.flags[:layers, room])
            model.predict(needed[:, block], self._scale, out=found)
            for index, quantity in enumerate(model.quantities):
                out = made[index, block], made_flags[index, block]
                quantise(found.values[index], found.flags[index], quantity.quantum, out=out)

    def _outside_mare(self, chunk: Window) -> NDArray[np.bool_]:
        """Which pixels of the chunk are not known to be mare, flat."""
        outside = np.ones(self._packed.shape, dtype=bool)
        numbers = self._mare.grouping.numbers(self._mare.grid, chunk)
        outside[: chunk.height, : chunk.width] = numbers != MARIA
        return outside.ravel()


def _evenly(rows: list[int]) -> slice | list[int]:
    """An index of some rows in any order; a slice, for a view, where they are evenly spaced."""
    steps = set(np.diff(rows).tolist())
    if len(steps) > 1 or 0 in steps:
        return rows
    step = steps.pop() if steps else 1
    stop = rows[-1] + step
    return slice(rows[0], None if stop < 0 else stop, step)
