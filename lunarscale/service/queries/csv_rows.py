"""A window of a layer as CSV: a row a pixel, with what a reader must know above them."""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.layers import Layer
from lunarscale.service.queries.pixels import parts_of, read_counts
from lunarscale.service.queries.words import teller
from lunarscale.steps.opening import unchanged
from lunarscale.store.cube import Cube

#: Pixels that are read and written at a time.
_PIXELS_A_TIME = 262_144

#: Decimals of longitudes and latitudes: 0.3 mm on the Moon.
_DEGREES = 8


@dataclass(frozen=True)
class CsvRows:
    """The pixels of a window from the north-west, row by row.

    ``lon,lat,value,flags``: the centre in degrees; the value, empty where there is none, with the
    decimals of the layer's quantum; words of the flags, which tell why there is no value.

    Parameters
    ----------
    cube : Cube
    layer : Layer
    grid : RasterGrid
        Where the window's pixels are.
    window : Window
        In the cube; it may go over the seam.
    """

    cube: Cube
    layer: Layer
    _: KW_ONLY
    grid: RasterGrid
    window: Window

    def write(self, path: Path, *, history: str, look: Callable[[], None]) -> None:
        """Write them, below what a reader must know of them.

        Parameters
        ----------
        path : Path
        history : str
            What was done to them, a line each time.
        look : callable
            Called between steps; what it raises ends the work.

        Raises
        ------
        TornError
            If a run writes to the cube meanwhile.
        """
        shards = [part.window for part in parts_of(self.cube, self.window)]
        with (
            open(path, "w", encoding="utf-8", newline="\n") as file,
            unchanged(self.cube, shards),
        ):
            file.writelines(f"# {line}\n" for line in _head(self.cube, self.layer, history))
            file.write("lon,lat,value,flags\n")
            for lines in self._lines():
                look()
                file.writelines(lines)

    def _lines(self) -> Iterator[Iterator[str]]:
        """Lines of some rows of pixels at a time."""
        words = _Words(self.layer, self.cube)
        lons = [f"{lon:.{_DEGREES}f}" for lon in self.grid.lons()]
        lats = (f"{lat:.{_DEGREES}f}" for lat in self.grid.lats())
        rows = max(1, min(_PIXELS_A_TIME // self.window.width, self.cube.layout.chunk))
        for part in self.window.split_rows(rows):
            values = words.of_counts(read_counts(self.cube, self.layer, part).tolist())
            flags = words.of_flags(_flags(self.cube, self.layer, part).tolist())
            # the window's rows come in the order of the latitudes
            for lat, row, told in zip(islice(lats, part.height), values, flags, strict=True):
                yield (f"{lon},{lat},{v},{w}\n" for lon, v, w in zip(lons, row, told, strict=True))


class _Words:
    """Counts and flags as texts; each is worked out once."""

    def __init__(self, layer: Layer, cube: Cube) -> None:
        self._step = Decimal(str(layer.quantum))
        self._teller = teller(layer, cube.layout)
        self._values: dict[int, str] = {NO_DATA: ""}
        self._flags: dict[int, str] = {}

    def of_counts(self, rows: list[list[int]]) -> Iterator[list[str]]:
        """Values with the quantum's decimals, row by row."""
        known = self._values
        for row in rows:
            for count in set(row) - known.keys():
                known[count] = f"{count * self._step:f}"
            yield [known[count] for count in row]

    def of_flags(self, rows: list[list[int]]) -> Iterator[list[str]]:
        """Words of flags, row by row."""
        known = self._flags
        for row in rows:
            for flag in set(row) - known.keys():
                known[flag] = " ".join(self._teller(flag).words)
            yield [known[flag] for flag in row]


def _flags(cube: Cube, layer: Layer, window: Window) -> NDArray[np.generic]:
    out = np.zeros((window.height, window.width), cube.array(layer.flag).packing.dtype)
    reader = cube.reads(layer.flag)
    for part in parts_of(cube, window):
        reader.read_into(part.window, out[part.within])
    return out


def _head(cube: Cube, layer: Layer, history: str) -> Iterator[str]:
    """What must be known of the values, a line each."""
    if cube.layout.simulated:
        yield "SIMULATED: some of the input is simulated, and so are these values"
    yield f"title: {_one_line(cube.attributes.get('title', ''))}"
    yield f"layer: {layer.name}, {layer.title}, {layer.unit}"
    for name, text in (("model", layer.model), ("remark", layer.remark)):
        if text:
            yield f"{name}: {_one_line(text)}"
    for key in ("formula", "source"):
        if text := str(cube.array(layer.array).attributes.get(key, "")):
            yield f"{key}: {_one_line(text)}"
    yield "lon, lat: centre of the pixel in degrees east and north on the sphere of 1737.4 km"
    yield f"value: in {layer.unit}, empty where there is none; flags then say why"
    for line in history.splitlines():
        yield f"history: {line}"


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
