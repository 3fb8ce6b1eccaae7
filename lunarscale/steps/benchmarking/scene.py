"""The scratch place: inputs made once, outputs made afresh by every run, all removed at the end."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor
from lunarscale.engine.mosaicking import MosaicJob
from lunarscale.engine.outcome import STATISTICS
from lunarscale.engine.record import provenance
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import StoreError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.readers.regions import read_grouping
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.benchmarking.crews import Crew, Look
from lunarscale.steps.benchmarking.inputs import Recut, SowTile, tile_plans
from lunarscale.steps.benchmarking.limits import LimitJob, LimitTask, Plane
from lunarscale.steps.benchmarking.question import Question
from lunarscale.steps.benchmarking.settings import Cut, Setting
from lunarscale.steps.ingest import prepare_ingest
from lunarscale.steps.predict import prepare_predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Groupings that the statistics' workload counts by.
GROUPINGS = ("moon", "maria", "seas", "hemispheres", "latitude:5")

#: Told, in words, what is made.
Tell = Callable[[str], None]


class Scene:
    """Everything that is read and written in a bench.

    Parameters
    ----------
    asked : Question
    place : Location
        A folder or URL of its own.
    crew : Crew
        Makes the inputs.
    tell : callable
    """

    def __init__(self, asked: Question, place: Location, *, crew: Crew, tell: Tell) -> None:
        self.asked, self.place, self._crew, self._tell = asked, place, crew, tell
        self._sources: dict[Cut, Cube] = {}
        self._maps: dict[Cut, Cube] = {}
        self._base: Cube | None = None

    def url(self, name: str) -> str:
        """A store or folder of the scene."""
        return f"{self.place.url}/{name}"

    def at(self, name: str) -> Location:
        """The same as a location."""
        return replace(self.place, url=self.url(name))

    @property
    def _options(self) -> dict[str, Any]:
        return self.place.storage_options

    def source(self, cut: Cut) -> Cube:
        """The mosaic in a cut, made where it is not there yet."""
        if cut not in self._sources:
            if self._base is None:
                self._base = self.asked.mosaic or self._simulate()
            at = self.asked.piece if self.asked.mosaic is not None else Window(0, 0, 0, 0)
            layout = replace(
                self._base.layout, grid=self.asked.grid,
                shard=cut.shard, chunk=cut.chunk, codec=cut.codec,
            )  # fmt: skip
            cube = Cube.create(
                self.at(f"mosaic-{cut.name}.zarr"), layout, provenance("A mosaic cut anew")
            )
            task = Recut(self._base, cube, (at.row, at.col))
            self._executor.fold(task, layout.windows(), merge=int.__add__, initial=0)
            self._sources[cut] = cube
        return self._sources[cut]

    def maps(self, cut: Cut) -> Cube:
        """Finished maps in a cut, made where they are not there yet."""
        if cut not in self._maps:
            url = self.url(f"maps-{cut.name}.zarr")
            prepared = self._predict(Setting("equations", cut), url)
            complain(prepared.run(self._executor), url)
            self._maps[cut] = Cube.open(Location(url, self._options))
        return self._maps[cut]

    def make_ready(self, settings: Iterable[Setting]) -> None:
        """Make what settings read."""
        for setting in dict.fromkeys(settings):
            self._make_ready(setting)

    def _make_ready(self, setting: Setting) -> None:
        if setting.workload == "statistics":
            self.maps(setting.cut)
        elif setting.workload == "ingest":
            self._tiles()
        else:
            self.source(setting.cut)

    def prepared(self, setting: Setting) -> Prepared:
        """A setting's run, not begun; what it makes is not there."""
        self.clear()
        if setting.workload == "statistics":
            cube = self.maps(setting.cut)
            groupings = tuple(map(read_grouping, GROUPINGS))
            measures = {STATISTICS: Histograms(groupings)}
            return prepare_sums(MapsSource(cube), measures, verb="summarise")
        if setting.workload == "ingest":
            return self._ingest(setting.cut, self.url("made.zarr"))
        return self._predict(setting, self.url("made.zarr"))

    def clear(self) -> None:
        """Remove what a run has made."""
        self.at("made.zarr").remove_tree("")

    def limit(self, setting: Setting, jobs: list[Any]) -> tuple[LimitTask, list[LimitJob]]:
        """The limit of a setting whose run over some jobs has just ended, and its jobs."""
        reads, writes = self._planes(setting)
        task = LimitTask(
            reads,
            writes,
            setting.cut.chunk,
            setting.cut.codec,
            self.at("limit"),
            setting.dtype,
            self.asked.models("networks") if setting.workload == "networks" else (),
        )
        return task, list(_limit_jobs(jobs))

    def _planes(self, setting: Setting) -> tuple[tuple[Plane, ...], tuple[Plane, ...]]:
        made = self.at("made.zarr")
        if setting.workload == "statistics":
            return _planes_of(self.maps(setting.cut)), ()
        if setting.workload == "ingest":
            return (), _planes_of(Cube.open(made))
        source = self.source(setting.cut)
        camera = source.layout.camera_facts
        models = self.asked.models(setting.workload)
        asked = sorted({nm for model in models for nm in model.bands_nm})
        bands = camera.band_indices(tuple(asked), "the bench")
        reads = tuple(Plane(source, "reflectance", band) for band in bands)
        return reads, _planes_of(Cube.open(made))

    def _predict(self, setting: Setting, url: str) -> Prepared:
        names = [model.name for model in self.asked.models(setting.workload)]
        return prepare_predict(
            self.source(setting.cut).location.url, out=url, models=names,
            codec=setting.cut.codec, storage_options=self._options,
        )  # fmt: skip

    def _ingest(self, cut: Cut, url: str) -> Prepared:
        grid = self.asked.grid
        return prepare_ingest(
            [self._tiles()], out=url, ppd=1.0 / grid.pixel_deg, bbox=_box(grid),
            shard=cut.shard, chunk=cut.chunk, codec=cut.codec, storage_options=self._options,
        )  # fmt: skip

    def _simulate(self) -> Cube:
        """The simulated piece as a mosaic."""
        url = self.url("base.zarr")
        prepared = self._ingest(self.asked.sweep.cuts[0], url)
        self._tell("Making their mosaic")
        complain(prepared.run(self._executor), url)
        return Cube.open(Location(url, self._options))

    def _tiles(self) -> str:
        """The folder of the simulated tiles, made where it is not there yet."""
        folder = self.at("tiles")
        if not folder.exists():
            self._tell("Making simulated tiles")
            grid = self.asked.grid
            plans = tile_plans(_box(grid), 1.0 / grid.pixel_deg)
            self._executor.fold(SowTile(folder), plans, merge=int.__add__, initial=0)
        return folder.url

    @property
    def _executor(self) -> Executor:
        return self._crew.executor


@contextmanager
def scene(asked: Question, crew: Crew, tell: Tell) -> Iterator[Scene]:
    """A scene in a place of its own that every worker sees; removed at the end.

    Raises
    ------
    StoreError
        If a worker does not see what is written here, or this process not what a worker writes.
    """
    place = asked.scratch
    if asked.scratch != Location(str(asked.out / "scratch"), place.storage_options):
        place = replace(place, url=f"{place.url}/lunarscale-bench-{uuid.uuid4().hex[:8]}")
    place.remove_tree("")  # a killed run's, in the folder of these very results
    try:
        _require_seen(place, crew)
        yield Scene(asked, place, crew=crew, tell=tell)
    finally:
        place.remove_tree("")
        if place.is_local and place is asked.scratch:
            with suppress(OSError):
                Path(place.path).rmdir()


def _require_seen(place: Location, crew: Crew) -> None:
    token = uuid.uuid4().hex
    place.put(token, token.encode())
    with crew.some(max(len(crew.addresses), 1)) as workers:
        found = workers.each(Look(place, token))
    unseen = [name for name, saw in found if not saw or place.get(name) is None]
    if unseen:
        raise StoreError(
            f"{place.url}: {len(unseen)} of {len(found)} workers do not see what is written there, "
            "or this machine does not see what they write; name a --scratch that all of them "
            "share: a shared folder or an fsspec URL"
        )


def _planes_of(cube: Cube) -> tuple[Plane, ...]:
    return tuple(
        Plane(cube, spec.name, band)
        for spec in cube.layout.arrays()
        for band in (range(spec.bands) if spec.bands else (None,))
    )


def _limit_jobs(jobs: list[Any]) -> Iterator[LimitJob]:
    """A limit's job for every job of a run; a tile is read raw once."""
    read: set[str] = set()
    for job in jobs:
        window = job if isinstance(job, Window) else job.window
        files: tuple[str, ...] = ()
        if isinstance(job, MosaicJob):
            files = tuple(tile.path for tile in job.tiles if tile.path not in read)
            read |= set(files)
        yield LimitJob(window, files)


def _box(grid: RasterGrid) -> tuple[float, float, float, float]:
    return grid.bounds()
