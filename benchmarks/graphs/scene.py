"""Both sides of the comparison, their inputs and their outputs, in one folder."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.graphs.inputs import BANDS_NM, Form, count, make_mosaic, make_plain
from benchmarks.graphs.limits import CodecAndDisk, MapsAlone
from benchmarks.graphs.peer import Compare, largest, peer_predict
from lunarscale.engine.executors import Executor
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared, complain
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: How the peer may keep the same counts; the faster one is the peer.
FORMS: tuple[Form, ...] = ("float32", "int16")


@dataclass(frozen=True)
class Scene:
    """Where everything lies, and how it is cut.

    Parameters
    ----------
    folder : Path
    shard, chunk, peer_chunk : int
        Edges in pixels.
    executor : Executor
    """

    folder: Path
    shard: int
    chunk: int
    peer_chunk: int
    executor: Executor

    @property
    def mosaic(self) -> str:
        """Our input."""
        return str(self.folder / "mosaic.zarr")

    @property
    def maps(self) -> str:
        """Our output."""
        return str(self.folder / "maps.zarr")

    @property
    def alone(self) -> str:
        """Our output without statistics."""
        return str(self.folder / "alone.zarr")

    @property
    def limit(self) -> str:
        """The output of the limit."""
        return str(self.folder / "limit.zarr")

    def peer_source(self, form: Form) -> str:
        """The peer's input."""
        return str(self.folder / f"{form}.zarr")

    def peer_maps(self, form: Form) -> str:
        """The peer's output."""
        return str(self.folder / f"maps_of_{form}.zarr")

    def make(self, width: int) -> None:
        """Make the inputs of both sides."""
        cut = {"width": width, "shard": self.shard, "chunk": self.chunk}
        cube = make_mosaic(self.mosaic, **cut, executor=self.executor)
        for form in FORMS:
            source = self.peer_source(form)
            make_plain(cube, source, form=form, chunk=self.peer_chunk, executor=self.executor)

    def prepared(self) -> Prepared:
        """Our run over everything, not begun."""
        return prepare_predict(self.mosaic, out=self.maps, overwrite=True)

    def ours(self) -> Tale:
        """Our maps, afresh."""
        tale = self.prepared().run(self.executor)
        complain(tale, self.maps)
        return tale

    def maps_alone(self) -> None:
        """Our maps, afresh, without statistics."""
        prepared = prepare_predict(self.mosaic, out=self.alone, overwrite=True)
        alone = replace(prepared, begin=lambda: MapsAlone(**vars(prepared.begin())))
        complain(alone.run(self.executor), self.alone)

    def codec_and_disk(self) -> None:
        """The same bytes read, decoded, encoded and written: the limit; our maps are remembered."""
        mosaic, prepared = Cube.open(Location(self.mosaic)), self.prepared()
        store = Cube.create(Location(self.limit), prepared.layout, {})
        bands = mosaic.layout.camera_facts.band_indices(BANDS_NM, "the limit")
        task = CodecAndDisk(mosaic, store, bands)
        self.executor.fold(task, prepared.jobs, merge=count, initial=0)

    def peer(self, form: Form) -> None:
        """The peer's maps, afresh."""
        peer_predict(self.peer_source(form), self.peer_maps(form), self.peer_chunk)

    def clear(self) -> None:
        """Remove all maps: each run makes its own afresh, and removing is not timed."""
        for made in (self.maps, self.alone, self.limit, *map(self.peer_maps, FORMS)):
            shutil.rmtree(made, ignore_errors=True)

    def differences(self, form: Form) -> dict[str, float]:
        """Largest difference of both sides' maps, in quanta of each."""
        ours = Cube.open(Location(self.maps))
        windows = list(ours.grid.window.split(self.peer_chunk))
        compare = Compare(ours, self.peer_maps(form))
        return self.executor.fold(compare, windows, merge=largest, initial={})
