"""Overview: the coarser levels of maps, from which tiles and views are drawn."""

from dataclasses import replace
from typing import Any

from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.laying import go_on, lay
from lunarscale.engine.outcome import Tale
from lunarscale.engine.overviews import OverviewJob, OverviewTask
from lunarscale.engine.pyramids import Pyramid, plan_overview
from lunarscale.engine.record import RunRecord, provenance
from lunarscale.engine.run import Prepared, complain, existing
from lunarscale.errors import StoreError
from lunarscale.grid.raster import Window
from lunarscale.steps.opening import open_maps
from lunarscale.store.cube import Cube
from lunarscale.store.levels import DOCUMENT, described, level_at, levels
from lunarscale.urls.at_once import at_once


def overview(maps: str, *, executor: Executor | None = None, **options: Any) -> Tale:
    """Make the coarser levels of maps; see ``prepare_overview`` for the options.

    Raises
    ------
    IncompleteError
        If all the rest is done but some squares are not.
    """
    tale = prepare_overview(maps, **options).run(executor or Serial())
    complain(tale, maps)
    return tale


def prepare_overview(
    maps: str, *, storage_options: dict[str, Any] | None = None, overwrite: bool = False
) -> Prepared:
    """Find which squares are made of what the maps hold now, and plan the rest. Writes nothing.

    Each level is a store of maps within the maps' folder, half as fine as the one before, until all
    is one shard. A pixel is the area mean of the maps' own valid pixels in it, rounded once, where
    at least half of its area is valid; else it has the reason that most of the missing area has. A
    qualifier is one of at least half of the valid area.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    storage_options : dict, optional
        Options for fsspec.
    overwrite : bool
        Make every level afresh.

    Raises
    ------
    StoreError
        If some of the maps' shards are not finished.
    """
    base = open_maps(maps, storage_options)
    pyramid = Pyramid(base.layout)
    places = [level_at(base.location, factor) for factor in pyramid.factors]
    wanted = list(zip(places, pyramid.layouts, strict=True))
    found = [existing(place, layout, overwrite=overwrite) for place, layout in wanted]
    planned = [
        cube or Cube(place, layout, {}) for cube, (place, layout) in zip(found, wanted, strict=True)
    ]
    task = OverviewTask(base, tuple(planned), pyramid)
    squares = pyramid.squares()
    jobs = _jobs(task, squares, exist=None not in found)
    todo = [job.square for job in jobs if not job.is_made]
    record = RunRecord("overview", {"maps": maps, "levels": list(pyramid.factors)}, [])
    lock = record.lock(base.location)

    def begin() -> OverviewTask:
        made = [
            lay(place, layout, _words(base, factor), overwrite=overwrite)
            if cube is None
            else go_on(cube)
            for cube, (place, layout), factor in zip(found, wanted, pyramid.factors, strict=True)
        ]
        return replace(task, coarser=tuple(made), ticket=lock.ticket)

    def finish(tale: Tale) -> None:
        if not tale.problems:
            assert lock.ticket is not None  # held while the run lasts
            done = replace(task, coarser=tuple(Cube.open(place) for place in places))
            _enter(done, tale=tale, lock=lock.ticket.number)
        record.write(base.location, tale)

    return Prepared(
        plan=plan_overview(base, pyramid, todo=todo, squares=len(squares)),
        layout=base.layout,
        begin=begin,
        jobs=jobs,
        finish=finish,
        lock=lock,
    )


def sizes_of(cube: Cube) -> str:
    """The levels of what maps hold now, in pixels, for people; empty where there are none."""
    _, *coarser = levels(cube)
    return ", ".join(f"{level.grid.width:,} x {level.grid.height:,}" for level in coarser)


def _jobs(task: OverviewTask, squares: list[Window], *, exist: bool) -> list[OverviewJob]:
    """The squares to make; where all are made but that is not entered, one to look at."""

    def look(square: Window) -> OverviewJob:
        content = task.content(square) or ""
        is_made = exist and task.is_made(square, content)
        return OverviewJob(task.pyramid.under(square)[0], square, content, is_made)

    found = at_once(look, squares)
    todo = [job for job in found if not job.is_made]
    is_entered = len(levels(task.base)) == 1 + task.pyramid.count
    return todo if todo or is_entered else found[:1]


def _words(base: Cube, factor: int) -> dict[str, Any]:
    """CF's global attributes of a level."""
    title, history = (base.attributes.get(name, "") for name in ("title", "history"))
    made = provenance(f"{title}, area means of about {factor} x {factor} pixels")
    return {**made, "history": f"{history}\n{made['history']} from {base.location.url}"}


def _enter(task: OverviewTask, *, tale: Tale, lock: int) -> None:
    """Say which levels are finished, once every shard of them is."""
    base, squares = task.base, task.pyramid.squares()
    made = at_once(lambda square: task.is_made(square, task.content(square) or ""), squares)
    if all(made):
        base.location.put(DOCUMENT, described(base, task.coarser, lock=lock))
        return
    problem = (
        f"{base.location.url}: {made.count(False)} of {len(made)} squares of the overviews were "
        "made but are not whole any more; let nothing else write to the store, then run the same "
        "command again"
    )
    tale.problems.append(StoreError(problem))
