"""The maps that all sides make overviews of, ours, and the limit: the same bytes moved alone."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zarr

from benchmarks.graphs.inputs import count, make_mosaic
from benchmarks.graphs.peer_overview import Tiff, coarsened
from lunarscale.engine.executors import Executor
from lunarscale.engine.outcome import Tale
from lunarscale.engine.overviews import OverviewJob
from lunarscale.engine.pyramids import Pyramid
from lunarscale.engine.run import Prepared, complain
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import Window
from lunarscale.steps.overview import prepare_overview
from lunarscale.steps.predict import predict
from lunarscale.store.cube import Cube
from lunarscale.store.levels import levels
from lunarscale.store.location import Location
from lunarscale.store.shard import ShardReader


@dataclass(frozen=True)
class Scene:
    """Where everything lies, and how it is cut.

    Parameters
    ----------
    folder : Path
    width, shard, chunk, peer_chunk : int
        Pixels.
    executor : Executor
    threads : int
        What GDAL may use in each worker.
    """

    folder: Path
    width: int
    shard: int
    chunk: int
    peer_chunk: int
    executor: Executor
    threads: int = 1

    @property
    def maps(self) -> str:
        """The maps, with our levels."""
        return str(self.folder / "maps.zarr")

    @property
    def cube(self) -> Cube:
        """The maps."""
        return Cube.open(Location(self.maps))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of what is averaged."""
        return tuple(layer.name for layer in self.cube.layout.layers)

    @property
    def pixels(self) -> int:
        """Of the maps, all layers together."""
        return self.cube.grid.height * self.cube.grid.width * len(self.layers)

    @property
    def pyramid(self) -> Pyramid:
        """Our levels."""
        return Pyramid(self.cube.layout)

    @property
    def tiff(self) -> Tiff:
        """GDAL's side."""
        return Tiff(self.cube, str(self.folder), self.pyramid.factors, self.threads)

    @property
    def coarse(self) -> str:
        """Where xarray's levels are."""
        return str(self.folder / "coarse")

    def make(self) -> None:
        """Three maps of the simulated Moon, and GeoTIFFs of the same counts."""
        mosaic = str(self.folder / "mosaic.zarr")
        cut = {"width": self.width, "shard": self.shard, "chunk": self.chunk}
        make_mosaic(mosaic, **cut, executor=self.executor)
        predict(mosaic, out=self.maps, executor=self.executor)
        shutil.rmtree(mosaic)
        self.executor.fold(self.tiff.write, self.layers, merge=count, initial=0)

    def prepared(self) -> Prepared:
        """Our run over everything, not begun."""
        return prepare_overview(self.maps, overwrite=True)

    def ours(self) -> Tale:
        """All levels afresh."""
        tale = self.prepared().run(self.executor)
        complain(tale, self.maps)
        return tale

    def limit(self) -> None:
        """The maps decoded, our levels decoded, encoded and written again; nothing else."""
        _, *made = levels(self.cube)
        places = [Location(f"{self.folder}/limit/{number}") for number in range(len(made))]
        pairs = [
            (one, Cube.create(place, one.layout, {}))
            for one, place in zip(made, places, strict=True)
        ]
        task = Move(self.cube, tuple(pairs), self.pyramid)
        self.executor.fold(task, self.prepared().jobs, merge=count, initial=0)

    def decoded(self) -> None:
        """What the limit must not be charged for: decoding our levels."""
        _, *made = levels(self.cube)
        task = Decode(tuple(made), self.pyramid)
        self.executor.fold(task, self.prepared().jobs, merge=count, initial=0)

    def gdal(self) -> None:
        """GDAL's overviews of every layer."""
        self.executor.fold(self.tiff, self.layers, merge=count, initial=0)

    def xarray(self) -> None:
        """xarray's levels."""
        coarsened(
            self.maps, self.coarse, layers=self.layers, levels=self.pyramid.count,
            chunk=self.peer_chunk,
        )  # fmt: skip

    def clear(self) -> None:
        """Remove what sides make, but ours, which are replaced; removing is not timed."""
        for made in (self.coarse, f"{self.folder}/limit"):
            shutil.rmtree(made, ignore_errors=True)
        for layer in self.layers:
            self.tiff.copy(layer)

    def agreement(self) -> dict[str, tuple[float, float]]:
        """Shares of our finest level's values that each peer has within a count, and with a value.

        Peers give every pixel a value that has one value under it, and weigh no areas: where half
        of a pixel is missing they may differ, and hardly elsewhere.
        """
        finest = levels(self.cube)[1]
        found: dict[str, list[tuple[float, float]]] = {"gdal": [], "xarray": []}
        for layer in self.cube.layout.layers:
            ours = finest.read(layer.name, finest.grid.window)
            floats = zarr.open_array(f"{self.coarse}/2", path=layer.name, mode="r")[...]
            rounded = np.where(np.isnan(floats), NO_DATA, np.rint(floats / layer.quantum))
            for name, theirs in (("gdal", self.tiff.overview(layer.name, 0)), ("xarray", rounded)):
                both = (ours != NO_DATA) & (theirs != NO_DATA)
                near = np.abs(ours[both].astype(np.float64) - theirs[both]) <= 1
                found[name].append(
                    (float(near.mean()), float(both.sum() / (ours != NO_DATA).sum()))
                )
        return {name: tuple(np.mean(each, axis=0).tolist()) for name, each in found.items()}


@dataclass(frozen=True)
class Move:
    """Decodes what of the maps lies under a square, and moves its levels' finished shards.

    Parameters
    ----------
    maps : Cube
    levels : tuple of (Cube, Cube)
        Each with an empty store of the same layout.
    pyramid : Pyramid
    """

    maps: Cube
    levels: tuple[tuple[Cube, Cube], ...]
    pyramid: Pyramid

    def __call__(self, job: OverviewJob) -> int:
        """Returns the square's pixels in the first level."""
        size, shard = self.maps.layout.chunk, self.maps.layout.shard
        names = [spec.name for spec in self.maps.layout.arrays()]
        for name in names:
            readers: dict[tuple[int, int], ShardReader] = {}
            block = np.empty((size, size), self.maps.array(name).packing.dtype)
            for part in self.pyramid.under(job.square):
                for row, col in _chunks(part, size):
                    at = row * size // shard, col * size // shard
                    if at not in readers:
                        corner = Window(at[0] * shard, at[1] * shard, 1, 1)
                        readers[at] = self.maps.reader(name, corner)
                    readers[at].read_into(row % (shard // size), col % (shard // size), block)
            for number, (made, target) in enumerate(self.levels):
                for window in self.pyramid.part(job.square, number).split(made.layout.shard):
                    with target.writing(name, window) as writer:
                        for place, chunk in _decoded(made, name, window):
                            writer.put(*place, chunk)
        return job.square.height * job.square.width


@dataclass(frozen=True)
class Decode:
    """Decodes the levels of a square, and drops them."""

    levels: tuple[Cube, ...]
    pyramid: Pyramid

    def __call__(self, job: OverviewJob) -> int:
        """Returns the square's pixels in the first level."""
        for number, made in enumerate(self.levels):
            for window in self.pyramid.part(job.square, number).split(made.layout.shard):
                for spec in made.layout.arrays():
                    for _ in _decoded(made, spec.name, window):
                        pass
        return job.square.height * job.square.width


def _chunks(window: Window, size: int) -> Iterator[tuple[int, int]]:
    """The chunks that a window touches."""
    for row in range(window.row // size, -(-(window.row + window.height) // size)):
        for col in range(window.col // size, -(-(window.col + window.width) // size)):
            yield row, col


def _decoded(cube: Cube, name: str, window: Window):  # type: ignore[no-untyped-def]
    """The chunks of a shard of the store that are within it, with their places."""
    size = cube.layout.chunk
    reader = cube.reader(name, window)
    for place in np.ndindex(-(-window.height // size), -(-window.width // size)):
        yield place, reader.chunk(*place)
