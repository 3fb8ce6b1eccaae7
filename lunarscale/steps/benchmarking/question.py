"""What is asked of a bench: settings, a piece of the Moon, where it is made, what it will take."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lunarscale.bands import CAMERAS, CLEMENTINE_UVVIS, Camera
from lunarscale.clusters.opening import ClusterChoice
from lunarscale.engine.ledger import Ledger
from lunarscale.engine.plan import giga
from lunarscale.engine.run import require
from lunarscale.errors import ParametersError, PlanError, StoreError
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.models.model import Model
from lunarscale.models.registry import BUILT_IN, KAGUYA_OXIDES, find_models
from lunarscale.steps.benchmarking.settings import Setting, Sweep, Workload
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Maps that the equations' workload makes, and the networks': what users of each camera make.
EQUATIONS = {
    "clementine-uvvis": ("qiu-2025-feo", "qiu-2025-tio2", "qiu-2025-omat"),
    "kaguya-mi": ("otake-2012-theta-fe", "otake-2012-theta-ti"),
}
NETWORKS = {"clementine-uvvis": "qiu-2025-cnn", "kaguya-mi": KAGUYA_OXIDES}

#: Mpx/s of one thread, roughly, to say beforehand how long it takes.
ROUGHLY = {"ingest": 8.0, "equations": 25.0, "networks": 0.3, "statistics": 50.0}

#: Mpx/s of one thread for simulating tiles, and for cutting a mosaic anew.
SIMULATED, RECUT = 1.2, 15.0

#: Seconds to start a cluster and compile, and those a run takes besides its pixels.
START_S, RUN_S = 8.0, 0.25

#: Share of a run's time that its limits take beside it.
LIMITS = 1.0


@dataclass(frozen=True)
class Question:
    """What is to be measured, with what, and where.

    Parameters
    ----------
    sweep : Sweep
    out : Path
        Folder for the results.
    size : int
        Edge of the piece of the Moon in pixels.
    repeats : int
        Timed runs a setting, beside the first one, which warms up.
    choice : ClusterChoice
        Scheduler, memory and certificates; workers and threads are the sweep's.
    mosaic : Cube or None
        A finished mosaic to take the piece of; None: a simulated Moon.
    piece : Window
        The piece in the mosaic's rows and columns.
    scratch : Location
        Where stores are made: every worker must see it.
    """

    sweep: Sweep
    out: Path
    size: int
    repeats: int
    choice: ClusterChoice
    mosaic: Cube | None
    piece: Window
    scratch: Location

    @property
    def simulated(self) -> bool:
        """Whether the pixels are simulated."""
        return self.mosaic is None or self.mosaic.layout.simulated

    @property
    def camera(self) -> Camera:
        """Whose counts they are."""
        return CLEMENTINE_UVVIS if self.mosaic is None else CAMERAS[self.mosaic.layout.camera]

    @property
    def grid(self) -> RasterGrid:
        """The piece."""
        if self.mosaic is None:
            return simulated_grid(self.size)
        whole, at = self.mosaic.grid, self.piece
        return RasterGrid(
            whole.around, whole.row + at.row, (whole.col + at.col) % whole.around,
            at.height, at.width,
        )  # fmt: skip

    @property
    def pixels(self) -> int:
        """Of the piece."""
        return self.grid.height * self.grid.width

    @property
    def source(self) -> str:
        """What the pixels are, for people."""
        size = f"{self.grid.width:,} x {self.grid.height:,} pixels"
        if self.mosaic is None:
            return f"{size} of a simulated Moon"
        kind = "simulated " if self.simulated else ""
        return f"{size} of the {kind}mosaic {self.mosaic.location.url}"

    def models(self, workload: Workload) -> tuple[Model, ...]:
        """What makes a workload's maps."""
        if workload == "networks":
            return find_models(NETWORKS[self.camera.name])
        return tuple(BUILT_IN[name] for name in EQUATIONS[self.camera.name])

    def identity(self) -> dict[str, Any]:
        """What results must have in common to be held against each other; JSON-able."""
        grid = self.grid
        return {
            "source": self.source,
            "grid": [grid.around, grid.row, grid.col, grid.height, grid.width],
            "where": self.choice.scheduler or "this machine",
            "store": "folder" if self.scratch.is_local else self.scratch.url.split("://")[0],
        }

    def scratch_bytes(self) -> int:
        """Most bytes that the scratch place has to hold at a time: as many as are decoded."""
        a_pixel = 2 * len(self.camera.wavelengths_nm) + 2
        makes = {setting.workload for setting in self.sweep.settings()}
        layers = max((len(m) for m in map(self.layer_names, makes)), default=0)
        made = 3 * layers * self.pixels  # of the run at hand, and what its limits write
        kept = a_pixel * self.pixels
        if "statistics" in makes:
            kept += 3 * len(self.layer_names("equations")) * self.pixels
        inputs = a_pixel * self.pixels * (1 if self.mosaic is not None else 2)
        return len(self.sweep.cuts) * kept + inputs + 2 * made + a_pixel * self.pixels

    def layer_names(self, workload: Workload) -> tuple[str, ...]:
        """Names of the maps that a workload makes."""
        if workload in ("ingest", "statistics"):
            return ()
        return tuple(q.name for model in self.models(workload) for q in model.quantities)

    def seconds(self, todo: list[tuple[Setting, int]]) -> float:
        """Roughly what runs still to do will take, with their limits and inputs."""
        if not todo:
            return 0.0
        lanes = max(setting.lanes for setting, _ in todo)
        cuts = {setting.cut for setting, _ in todo}
        mega = self.pixels / 1e6
        taken = START_S * len({setting.threads for setting, _ in todo})
        taken += mega / RECUT / lanes * len(cuts)
        taken += mega / SIMULATED / lanes if self.mosaic is None else 0.0
        for setting, repeat in todo:
            share = setting.lanes / lanes if setting.weak else 1.0
            runs = mega * share / ROUGHLY[setting.workload] / setting.lanes
            if setting.dtype != "int16" and (replace(setting, dtype="int16"), repeat) in todo:
                taken += runs * LIMITS  # beside the run of the counts
            else:
                taken += RUN_S + runs * (1.0 + LIMITS)
        return taken

    def check_disk(self) -> None:
        """Refuse a scratch folder that is too small.

        Raises
        ------
        PlanError
            With what is needed and what is free.
        """
        if not self.scratch.is_local:
            return
        folder = Path(self.scratch.path)
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free, needed = shutil.disk_usage(there).free, self.scratch_bytes()
        if needed > free:
            raise PlanError(
                f"bench: {self.scratch.path} has to hold up to {giga(needed)} but {giga(free)} is "
                "free; use a smaller --size, fewer --shards, --chunks or --codecs, or another "
                "--scratch"
            )


def ask(
    sweep: Sweep,
    *,
    out: str,
    size: int,
    repeats: int,
    choice: ClusterChoice,
    mosaic: str | None = None,
    scratch: str | None = None,
    fit: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> Question:
    """Put a question together; nothing is made yet.

    Parameters
    ----------
    sweep : Sweep
    out : str
        Folder for the results.
    size : int
        Edge of the piece in pixels.
    repeats : int
        Timed runs a setting.
    choice : ClusterChoice
    mosaic : str, optional
        Path or fsspec URL.
    scratch : str, optional
        Path or fsspec URL; ``scratch`` beside the results if none.
    fit : bool
        Leave out shards that are larger than the piece, as long as there are others.
    storage_options : mapping, optional
        Options for fsspec.

    Raises
    ------
    ParametersError
        If ingest is asked for on a mosaic, or a cluster is not told where to write.
    PlanError
        If a shard is larger than the piece.
    """
    options = dict(storage_options or {})
    if mosaic is not None and "ingest" in sweep.workloads:
        raise ParametersError(
            "--workload ingest: it is measured on simulated tiles, which a mosaic does not have; "
            "leave MOSAIC away, or ingest"
        )
    if choice.scheduler is not None and scratch is None:
        raise ParametersError(
            f"--scheduler {choice.scheduler}: its workers may be on other machines; name a "
            "--scratch that every worker and this machine see: a shared folder or an fsspec URL"
        )
    cube = None
    if mosaic is not None:
        cube = require(Cube.open(Location(mosaic, options)), "mosaic")
    asked = Question(
        sweep, Path(out), size, repeats, choice, cube, Window(0, 0, size, size),
        Location(scratch or str(Path(out, "scratch")), options),
    )  # fmt: skip
    if cube is not None:
        asked = replace(asked, piece=fullest_piece(cube, size))
    return _fitted(asked, leave_out=fit)


def _fitted(asked: Question, *, leave_out: bool) -> Question:
    """With shards that are no larger than the piece only."""
    edge = min(asked.grid.height, asked.grid.width)
    fitting = tuple(cut for cut in asked.sweep.cuts if cut.shard <= edge)
    if leave_out and fitting:
        return replace(asked, sweep=replace(asked.sweep, cuts=fitting))
    for cut in asked.sweep.cuts:
        if cut.shard > edge:
            larger = "a larger --size or " if edge == asked.size else ""
            raise PlanError(
                f"bench: a shard of {cut.shard} is larger than the piece of {asked.grid.width} x "
                f"{asked.grid.height} pixels; use {larger}smaller --shards"
            )
    return asked


def simulated_grid(size: int) -> RasterGrid:
    """A square of a simulated Moon's near side, 60 degrees wide: maria and highlands."""
    return RasterGrid(6 * size, size, 3 * size, size, size)


def fullest_piece(cube: Cube, size: int) -> Window:
    """The piece of a mosaic round the shard that holds the most bytes.

    Raises
    ------
    StoreError
        If no shard is finished.
    """
    ledger, found = Ledger.of(cube), list[tuple[int, Window]]()
    for window in cube.layout.windows():
        entry = ledger.read(window)
        if entry is not None:
            found.append((sum(bytes_ for bytes_, _ in entry.objects.values()), window))
    if not found:
        raise StoreError(
            f"{cube.location.url}: no shard of the mosaic is finished; run its ingest first, or "
            "leave MOSAIC away for a simulated Moon"
        )
    _, best = max(found, key=lambda each: (each[0], -each[1].row, -each[1].col))
    height, width = min(size, cube.grid.height), min(size, cube.grid.width)
    row = min(max(best.row + best.height // 2 - height // 2, 0), cube.grid.height - height)
    col = min(max(best.col + best.width // 2 - width // 2, 0), cube.grid.width - width)
    return Window(row, col, height, width)


def too_few_shards(asked: Question) -> Iterator[str]:
    """What is said of settings that leave threads without work."""
    for edge in dict.fromkeys(cut.shard for cut in asked.sweep.cuts):
        shards = -(-asked.grid.height // edge) * -(-asked.grid.width // edge)
        most = max(setting.lanes for setting in asked.sweep.settings())
        if shards < 2 * most:
            yield (
                f"shards of {edge} pixels: {shards} for {most} threads, so that some stand idle at "
                "the end of a run; a larger --size tells more"
            )
