"""Predict: every map of a mosaic's pixels, and their first statistics, in one pass."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lunarscale.bands import CAMERAS, Camera
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.laying import go_on, lay
from lunarscale.engine.ledger import Ledger, digest
from lunarscale.engine.mapping import MapJob, MapTask
from lunarscale.engine.outcome import Tale
from lunarscale.engine.plan import NetworkBytes, plan_predict
from lunarscale.engine.promises import Promises
from lunarscale.engine.record import RunRecord, provenance
from lunarscale.engine.run import Prepared, complain, existing, require
from lunarscale.errors import LunarscaleError, ModelError, RegionError, StoreError
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import RasterGrid
from lunarscale.models.model import Model
from lunarscale.models.network import RUNTIME_BYTES, Network
from lunarscale.models.registry import default_models, find_models
from lunarscale.readers.regions import read_grouping
from lunarscale.steps.opening import kept_labels, read_groupings
from lunarscale.store.codec import USUAL_CODEC, Codec
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout, MapLayer
from lunarscale.store.location import Location
from lunarscale.urls.at_once import at_once

#: What the first statistics are kept for, always.
GROUPINGS = ("moon", "maria", "seas")


def predict(mosaic: str, *, out: str, executor: Executor | None = None, **options: Any) -> Tale:
    """Make maps, or go on with them; see ``prepare_predict`` for the options.

    Raises
    ------
    IncompleteError
        If all the rest is done but some shards are not.
    """
    tale = prepare_predict(mosaic, out=out, **options).run(executor or Serial())
    complain(tale, out)
    return tale


def prepare_predict(
    mosaic: str,
    *,
    out: str,
    models: Sequence[str] = (),
    bbox: tuple[float, float, float, float] | None = None,
    mare: str | None = None,
    by: Sequence[str] = (),
    codec: str = USUAL_CODEC,
    storage_options: dict[str, Any] | None = None,
    overwrite: bool = False,
) -> Prepared:
    """Find what is done, and plan the rest. Writes nothing.

    Parameters
    ----------
    mosaic, out : str
        Paths or fsspec URLs of the mosaic and of the maps.
    models : sequence of str
        Names or paths; those of ``registry.default_models`` if none is named.
    bbox : (west, south, east, north), optional
        Degrees, snapped outward to pixels; the whole mosaic if none.
    mare : str, optional
        Masks or polygons of the maria (``maria=`` of ``readers.regions``); the seas as circles if
        none.
    by : sequence of str, optional
        Groupings whose statistics are kept beside those of ``GROUPINGS``, in any order.
    codec : str
        Blosc's compressor, level and filter for the maps: ``zstd:1:bitshuffle``.
    storage_options : dict, optional
        Options for fsspec.
    overwrite : bool
        Start afresh where a lunarscale store is there.
    """
    found = require(Cube.open(Location(mosaic, storage_options or {})), "mosaic")
    source = replace(found, promised=Promises(Ledger.of(found)))
    camera = source.layout.camera_facts
    chosen = models_for(models, camera)
    grid, offset = source.within(bbox)
    wanted = Layout(
        kind="maps",
        grid=grid,
        shard=source.layout.shard,
        chunk=source.layout.chunk,
        camera=camera.name,
        layers=name_layers(chosen),
        simulated=source.layout.simulated,
        codec=str(Codec.of(codec)),
    )
    maria = read_grouping(
        "maria" if mare is None else f"maria={mare}", storage_options=storage_options
    )
    groupings = _groupings(maria, by, options=storage_options, grid=grid)
    parameters = digest(
        wanted.to_attributes(),
        [model.digest for model in chosen],
        [grouping.digest for grouping in groupings],
    )
    location = Location(out, storage_options or {})
    cube = existing(location, wanted, overwrite=overwrite)
    task = MapTask(
        mosaic=source,
        maps=cube or Cube(location, wanted, {}),
        offset=offset,
        models=chosen,
        groupings=groupings,
        mare=maria,
        parameters=parameters,
    )
    if cube is not None:
        _refuse_other_parameters(cube, parameters)
    jobs, problems = _jobs(task, exists=cube is not None)
    bands = len({wavelength for model in chosen for wavelength in model.bands_nm})
    record = RunRecord(
        "predict",
        {
            "mosaic": mosaic,
            "models": [m.name for m in chosen],
            "bbox": bbox,
            "mare": mare,
            "codec": wanted.codec,
            "by": [grouping.name for grouping in groupings],
        },
        [[model.name, model.digest] for model in chosen],
    )
    lock = record.lock(location)

    def begin() -> MapTask:
        if cube is None:
            title = ("Simulated m" if wanted.simulated else "M") + "aps of the Moon's chemistry"
            made = provenance(title)
            # CF's history goes on: what was done to the mosaic was done to its maps
            made["history"] = (
                f"{source.attributes.get('history', '')}\n{made['history']} from {mosaic}"
            )
            store = lay(location, wanted, {**made, PARAMETERS: parameters}, overwrite=overwrite)
        else:
            store = go_on(cube)
        return replace(task, maps=store, ticket=lock.ticket)

    return Prepared(
        plan=plan_predict(
            source.layout,
            wanted,
            bands=bands,
            aligned=_is_aligned(source.layout, wanted, offset),
            todo=len(jobs),
            pixels=sum(job.window.height * job.window.width for job in jobs),
            groupings=groupings,
            equations=sum(not isinstance(model, Network) for model in chosen),
            networks=_network_bytes(chosen),
            held=(not source.location.is_local, not location.is_local),
        ),
        layout=wanted,
        begin=begin,
        jobs=jobs,
        problems=problems,
        finish=lambda tale: record.write(location, tale),
        lock=lock,
    )


def models_for(names: Sequence[str], camera: Camera) -> tuple[Model, ...]:
    """The models of some names and files, each for this camera; its usual ones if none are named.

    Raises
    ------
    ModelError
        If there is no such model, or it was made for another camera.
    """
    chosen = tuple(m for name in names for m in find_models(name))
    chosen = chosen or default_models(camera.name)
    for model in chosen:
        if model.camera != camera.name:
            made_for = CAMERAS[model.camera].title
            raise ModelError(
                f"{model.name} was made for {made_for} but the mosaic is of {camera.title}, whose "
                "reflectances differ band by band; use a model for this camera "
                "(`lunarscale models` lists them)"
            )
        camera.band_indices(model.bands_nm, model.name)
        if isinstance(model, Network):
            model.open()  # what cannot run is told here, and not by every worker
    return chosen


def _network_bytes(models: Sequence[Model]) -> NetworkBytes:
    networks = [model for model in models if isinstance(model, Network)]
    if not networks:
        return NetworkBytes()
    return NetworkBytes(
        process=RUNTIME_BYTES + sum(network.process_bytes for network in networks),
        thread=sum(network.thread_bytes for network in networks),
    )


def _is_aligned(mosaic: Layout, maps: Layout, offset: tuple[int, int]) -> bool:
    """Whether each shard of the maps is one of the mosaic's, past the seam too."""
    starts_with_one = offset[0] % maps.shard == 0 and offset[1] % maps.shard == 0
    turns = offset[1] + maps.grid.width > mosaic.grid.width
    return starts_with_one and not (turns and mosaic.grid.width % maps.shard)


#: Root attribute that holds the digest of what the maps were made with.
PARAMETERS = "lunarscale_parameters"


def name_layers(models: Sequence[Model]) -> tuple[MapLayer, ...]:
    """The layers of some models: a quantity's name, and its model's where it comes again.

    Raises
    ------
    ModelError
        If a model is named twice, or makes a layer that another one makes.
    """
    layers: list[MapLayer] = []
    for number, model in enumerate(models):
        if model in models[:number]:
            raise ModelError(f"the model {model.name} is named twice; name it once")
        for quantity, remark in zip(model.quantities, model.remarks, strict=True):
            name = quantity.name
            author_year = "-".join(model.name.split("-")[:2])
            for suffix in (author_year, model.name):
                if any(layer.name == name for layer in layers):
                    name = re.sub(r"\W+", "_", f"{quantity.name}_{suffix}")
            if any(layer.name == name for layer in layers):
                raise ModelError(
                    f"{model.name} makes {name}, which is a layer already; leave it out"
                )
            facts = model.name, model.formula, model.source
            layers.append(MapLayer(name, quantity.name, *facts, remark))
    return tuple(layers)


def _groupings(
    maria: Grouping, by: Sequence[str], *, options: dict[str, Any] | None, grid: RasterGrid
) -> tuple[Grouping, ...]:
    """What statistics are kept for: always the same three, then what was asked for, by name."""
    usual = tuple(maria if name == "maria" else read_grouping(name) for name in GROUPINGS)
    more = read_groupings([text for text in by if text not in GROUPINGS], options, grid=grid)
    for grouping in more:
        if grouping.name in GROUPINGS:
            raise RegionError(
                f"statistics of {grouping.name} are kept in any case, so --by cannot keep others "
                "under that name; give --mare for the maria, or rename the file"
            )
    return (*usual, *sorted(more, key=lambda grouping: grouping.name))


def _refuse_other_parameters(cube: Cube, parameters: str) -> None:
    if cube.attributes.get(PARAMETERS) != parameters:
        raise StoreError(
            f"{cube.location.url}: these maps were made with another version of a model, another "
            f"mare mask or other regions (statistics are kept by {_kept_by(cube)}); give the same "
            "--mare and --by, name another --out, or --overwrite to start afresh"
        )


def _kept_by(cube: Cube) -> str:
    return ", ".join(label.name for label in kept_labels(cube)) or "nothing yet"


def _jobs(task: MapTask, *, exists: bool) -> tuple[list[MapJob], list[LunarscaleError]]:
    """The shards to do, and those that the mosaic cannot give yet."""
    ours, windows = Ledger.of(task.maps), task.maps.layout.windows()
    inputs = at_once(lambda window: task.input_digest(window, whole=True), windows)
    entries = ours.scan(windows, whole=True) if exists else [None] * len(windows)
    jobs, unfinished = [], []
    for window, found, entry in zip(windows, inputs, entries, strict=True):
        if found is None:
            unfinished.append(ours.name(window))
        elif entry is None or entry.key != task.key(found):
            jobs.append(MapJob(window, found))
    if not unfinished:
        return jobs, []
    return jobs, [
        StoreError(
            f"{task.mosaic.location.url}: {len(unfinished)} of the "
            f"{len(windows)} shards lie where the mosaic is not finished or "
            f"torn ({', '.join(unfinished[:3])}{', …' * (len(unfinished) > 3)}); "
            "run its ingest again first"
        )
    ]
