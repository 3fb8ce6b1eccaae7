"""Ingest: archive tiles onto the grid, into a sharded mosaic."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lunarscale.bands import CAMERAS, Camera
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.laying import go_on, lay
from lunarscale.engine.ledger import FOLDER, Entry, Ledger, digest
from lunarscale.engine.mosaicking import (
    MosaicJob,
    MosaicTask,
    mosaic_jobs,
    one_of_each,
    source_extent,
    tile_content,
    tile_identity,
)
from lunarscale.engine.outcome import Tale
from lunarscale.engine.plan import plan_ingest
from lunarscale.engine.record import RunRecord, provenance
from lunarscale.engine.run import Prepared, complain, existing
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import LunarscaleError, ParametersError, SourceError, TileError
from lunarscale.grid.raster import RasterGrid
from lunarscale.grid.resample import is_meant
from lunarscale.readers.sources import Index, index_sources, verify_md5
from lunarscale.readers.tile import Tile
from lunarscale.store.codec import USUAL_CODEC, Codec
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout
from lunarscale.store.location import Location
from lunarscale.urls.at_once import at_once

_TILES = f"{FOLDER}/tiles.json"


def ingest(
    sources: Sequence[str], *, out: str, executor: Executor | None = None, **options: Any
) -> Tale:
    """Make a mosaic, or go on with one; see ``prepare_ingest`` for the options.

    Raises
    ------
    IncompleteError
        If all the rest is done but some tiles or shards are not.
    """
    tale = prepare_ingest(sources, out=out, **options).run(executor or Serial())
    complain(tale, out)
    return tale


def prepare_ingest(
    sources: Sequence[str],
    *,
    out: str,
    ppd: float | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    shard: int = 2048,
    chunk: int = 512,
    codec: str = USUAL_CODEC,
    storage_options: dict[str, Any] | None = None,
    verify: str | None = None,
    overwrite: bool = False,
) -> Prepared:
    """Index the tiles, find what is done, and plan the rest. Writes nothing.

    Parameters
    ----------
    sources : sequence of str
        Tiles, folders of tiles, globs or fsspec URLs.
    out : str
        Path or fsspec URL of the mosaic.
    ppd : float, optional
        Pixels a degree; the grid has round(180 ppd) rows from pole to pole. By default the
        camera's ``usual_ppd``.
    bbox : (west, south, east, north), optional
        Degrees, snapped outward to pixels; west > east crosses the seam.
    shard, chunk : int
        Edges in pixels.
    codec : str
        Blosc's compressor, level and filter: ``zstd:1:bitshuffle``.
    storage_options : dict, optional
        Options for fsspec.
    verify : str, optional
        A list of MD5 sums to check the tiles against first; those that fail are left out.
    overwrite : bool
        Start afresh where a lunarscale store is there.
    """
    location = Location(out, storage_options or {})
    index = index_sources(sources, storage_options=storage_options)
    if verify is not None:
        index = verify_md5(index, verify, storage_options=storage_options)
    problems: list[LunarscaleError] = list(index.problems)
    camera = _camera_of(index)
    ppd = camera.usual_ppd if ppd is None else ppd
    whole = RasterGrid.whole(ppd)
    grid = whole if bbox is None else whole.crop(*bbox)
    wanted = Layout(
        kind="mosaic",
        grid=grid,
        shard=shard,
        chunk=chunk,
        camera=camera.name,
        simulated=_are_simulated(index),
        codec=str(Codec.of(codec)),
    )
    cube = existing(location, wanted, overwrite=overwrite)
    recorded = _recorded(cube) if cube is not None else set()
    tiles, away = _with_recorded(index, recorded, storage_options)
    task = MosaicTask(cube or Cube(location, wanted, {}), digest(wanted.to_attributes()))
    ledger, windows = Ledger.of(task.cube), wanted.windows()
    entries = [None] * len(windows) if cube is None else ledger.scan(windows)
    jobs = []
    for job, entry in zip(mosaic_jobs(tiles, grid, windows), entries, strict=True):
        try:
            if not _is_done(job, entry, task=task, ledger=ledger, exists=cube is not None):
                jobs.append(job)
        except TileError as problem:
            problems.append(problem)
    unmade = sum(not ledger.inputs(job.window) for job in jobs) if away else 0
    if unmade:
        problems.append(
            TileError(
                f"{unmade} shards are made now for the first time without {len(away)} tiles of "
                f"earlier runs that are not there ({min(away)} is one); bring them back and run "
                "ingest again"
            )
        )
    extents = [source_extent(job, grid, chunk) for job in jobs]
    record = RunRecord(
        "ingest",
        {
            "ppd": ppd,
            "bbox": bbox,
            "shard": shard,
            "chunk": chunk,
            "codec": wanted.codec,
            "sources": list(sources),
        },
        [tile_identity(tile) for tile in index.tiles],
    )
    lock = record.lock(location)

    def begin() -> MosaicTask:
        if cube is None:
            title = f"{wanted.camera_facts.title} mosaic of the Moon"
            made = provenance(("Simulated " if wanted.simulated else "") + title)
            store = lay(location, wanted, made, overwrite=overwrite)
        else:
            store = go_on(cube)
        paths = sorted(recorded | {tile.path for tile in tiles})
        location.put(_TILES, sealed({"tiles": paths}))
        rehearsed = one_of_each((tile for job in jobs for tile in job.tiles), grid)
        return MosaicTask(store, task.parameters, lock.ticket, rehearsed)

    return Prepared(
        plan=plan_ingest(
            wanted,
            todo=len(jobs),
            pixels=sum(job.window.height * job.window.width for job in jobs),
            source_pixels=sum(total for total, _ in extents),
            strip_source_pixels=max((strip for _, strip in extents), default=0),
            means=any(is_meant(tile.lattice, grid) for job in jobs for tile in job.tiles),
            held=not location.is_local,
        ),
        layout=wanted,
        begin=begin,
        jobs=jobs,
        problems=problems,
        finish=lambda tale: record.write(location, tale),
        lock=lock,
    )


def _camera_of(index: Index) -> Camera:
    """The one camera of all the tiles."""
    if not index.tiles:
        raise SourceError(f"no tile can be read; the first problem is: {index.problems[0]}")
    counts = Counter(tile.camera.name for tile in index.tiles)
    if len(counts) > 1:
        found = " and ".join(
            f"{count:,} of {CAMERAS[name].title}" for name, count in counts.items()
        )
        raise SourceError(
            f"a mosaic is of one camera but the tiles are {found}; ingest them into two stores"
        )
    return index.tiles[0].camera


def _are_simulated(index: Index) -> bool:
    kinds = {tile.simulated for tile in index.tiles}
    if len(kinds) > 1:
        raise ParametersError(
            "simulated tiles and the archive's own do not go into one mosaic; "
            "ingest them into two stores"
        )
    return kinds == {True}


def _recorded(cube: Cube) -> set[str]:
    """Paths of the tiles of all earlier runs; where their list is damaged, of what was laid."""
    blob = cube.location.get(_TILES)
    facts = unsealed(blob)
    if facts is not None or blob is None:
        return set(facts["tiles"]) if facts is not None else set()
    laid = at_once(Ledger.of(cube).inputs, cube.layout.windows())
    return {path for inputs in laid for _, path, *_ in inputs}


def _with_recorded(
    index: Index, recorded: set[str], storage_options: dict[str, Any] | None
) -> tuple[tuple[Tile, ...], list[str]]:
    """The tiles given now and those of earlier runs, and the paths of those that are gone."""
    tiles = {tile.path: tile for tile in index.tiles}
    contents = {tile_content(tile_identity(tile)) for tile in index.tiles}
    away = []
    for path in sorted(recorded):
        if path not in tiles:
            try:
                found = index_sources([path], storage_options=storage_options).tiles
            except SourceError:
                away.append(path)  # a shard that would need it again says so (_is_done)
                continue
            # the same tile at another place is the one that is given now
            new = [tile for tile in found if tile_content(tile_identity(tile)) not in contents]
            tiles.update({tile.path: tile for tile in new})
    return tuple(sorted(tiles.values(), key=lambda tile: tile.order)), away


def _is_done(
    job: MosaicJob, entry: Entry | None, *, task: MosaicTask, ledger: Ledger, exists: bool
) -> bool:
    """Whether a shard needs nothing.

    Raises
    ------
    TileError
        If it needs to be made again but a tile that it was made of is gone.
    """
    if not exists:
        return False
    identities = [tile_identity(tile) for tile in job.tiles]
    is_whole = entry is not None and ledger.is_whole(entry)
    if entry is not None and entry.key == task.key(identities) and is_whole:
        return True
    inputs, contents = ledger.inputs(job.window), set(map(tile_content, identities))
    paths = {tile.path for tile in job.tiles}  # what is there but changed is not gone
    gone = [i for i in inputs if tile_content(i) not in contents and i[1] not in paths]
    if not gone:
        return False
    if is_whole and all(identity in inputs for identity in identities):
        return True  # nothing new touches it
    raise TileError(
        f"shard {ledger.name(job.window)} was made with {gone[0][0]} from {gone[0][1]}, which is "
        "gone or unreadable, and has to be made again; bring that tile back, or start afresh "
        "with --overwrite"
    )
