"""A window of a layer as a file: a GeoTIFF as ``lunarscale export`` writes it, or CSV.

It is written into a temporary folder, opened, and its folder removed before a byte is sent: so
nothing stays behind, whatever becomes of the client or of this process.
"""

import errno
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from lunarscale.errors import ConflictError, StoreError, UnavailableError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.problems import without_paths
from lunarscale.service.queries.asked import Box, level_of, require_few
from lunarscale.service.queries.csv_rows import CsvRows
from lunarscale.service.queries.pixels import parts_of
from lunarscale.service.queries.rooms import Watch
from lunarscale.service.settings import Limits
from lunarscale.steps.export import write_layer
from lunarscale.store.cube import Cube

Format = Literal["geotiff", "csv"]

_SUFFIXES: dict[Format, str] = {"geotiff": ".tif", "csv": ".csv"}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Ready(NamedTuple):
    """A file that is open and has no name any more.

    Parameters
    ----------
    file : binary file
        The caller's to close.
    bytes : int
    name : str
        What the client may call it: letters, digits, ``._-``.
    """

    file: BinaryIO
    bytes: int
    name: str


@dataclass(frozen=True)
class Download:
    """What is to be written.

    Parameters
    ----------
    dataset : Dataset
    layer : Layer
    box : Box or None
        None for all of it.
    level : int
        Base pixels along a pixel's edge.
    format : {"geotiff", "csv"}
    """

    dataset: Dataset
    layer: Layer
    box: Box | None
    level: int
    format: Format

    @cached_property
    def cube(self) -> Cube:
        """The level."""
        return level_of(self.dataset, self.level)

    @property
    def history(self) -> str:
        """What was done to it, without a place of this machine."""
        return without_paths(str(self.cube.attributes.get("history", "")))

    @property
    def name(self) -> str:
        """What the file is called: dataset, layer, edges; simulated ones say so."""
        grid, _ = self._place
        edges = (f"{edge:.4f}".rstrip("0").rstrip(".") for edge in grid.bounds())
        said = "SIMULATED" if self.cube.layout.simulated else ""
        coarser = f"level-{self.level}" if self.level > 1 else ""
        stem = self.dataset.name.removesuffix(".zarr")
        words = filter(None, (stem, self.layer.name, *edges, coarser, said))
        return re.sub(r"[^A-Za-z0-9._-]+", "-", "_".join(words)) + _SUFFIXES[self.format]

    def check(self, limits: Limits) -> None:
        """Make sure that it can be written, before anything is.

        Raises
        ------
        LimitError
            If it has too many pixels; the message names a level where it has not.
        RegionError
            If the box reaches beyond the dataset.
        ConflictError
            If a shard under it is not finished yet.
        """
        most = limits.download_pixels if self.format == "geotiff" else limits.csv_pixels
        what = f"a download as {self.format}"
        require_few(self.dataset, self.box, level=self.level, most=most, what=what)
        found = [part.is_finished for part in parts_of(self.cube, self._place[1])]
        if not all(found):
            raise ConflictError(
                f"{self.dataset.name}: {found.count(False)} of the {len(found)} shards under this "
                "window are not finished yet; wait until they are, or name another window"
            )

    @cached_property
    def _place(self) -> tuple[RasterGrid, Window]:
        """Where its pixels are, and where they lie in the cube."""
        grid, (row, col) = self.cube.within(self.box)
        return grid, Window(row, col, grid.height, grid.width)

    def make(self, watch: Watch) -> Ready:
        """Write it.

        Raises
        ------
        TornError
            If a run writes to the dataset meanwhile.
        UnavailableError
            If there is no room for it, nobody waits any more, or it takes too long.
        """
        with tempfile.TemporaryDirectory(prefix="lunarscale-download-") as folder:
            path = Path(folder, "download")
            _with_room(lambda: self._write(path, watch))
            file = open(path, "rb")  # noqa: SIM115 (who sends it closes it)
            return Ready(file, path.stat().st_size, self.name)

    def _write(self, path: Path, watch: Watch) -> None:
        cube, layer = self.cube, self.layer
        if self.format == "geotiff":
            write_layer(
                cube, path, array=layer.array, band=layer.band, quantum=layer.quantum,
                bbox=self.box, history=self.history, progress=lambda done, todo: watch.look(),
            )  # fmt: skip
        else:
            grid, window = self._place
            rows = CsvRows(cube, layer, grid=grid, window=window)
            rows.write(path, history=self.history, look=watch.look)


def _with_room(write: Callable[[], None]) -> None:
    """Write, and tell a full disk for what it is."""
    try:
        write()
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise _full() from error
    except StoreError as error:
        if type(error) is not StoreError:  # torn, or in the making
            raise
        raise _full() from error  # GDAL tells no cause that could be looked at


def _full() -> UnavailableError:
    return UnavailableError(
        "the file could not be written, for the service's disk for temporary files is full; ask "
        "for less, or tell who runs it"
    )
