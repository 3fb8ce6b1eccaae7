"""Jobs that write one layer of maps as a GeoTIFF: ``export``."""

import re
from time import monotonic

from pydantic import Field

from lunarscale.engine.plan import Plan
from lunarscale.errors import UnknownError
from lunarscale.service.jobs.desk import Desk
from lunarscale.service.jobs.parameters import Box, DatasetName, Parameters
from lunarscale.service.jobs.records import Level
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.work import Verb, Work
from lunarscale.steps.export import export
from lunarscale.steps.opening import open_maps

#: Bytes of a count, and of one with its share of all overviews.
_COUNT_BYTES, _WITH_OVERVIEWS = 2, 4 / 3


class ExportParameters(Parameters):
    """Which layer, and how much of it."""

    dataset: DatasetName = Field(description="Finished maps.")
    layer: str = Field(max_length=128, examples=["FeO"])
    bbox: Box | None = None


def _prepare(asked: ExportParameters, shelf: Shelf) -> Work:
    store = shelf.store(asked.dataset)
    cube = open_maps(store, None)
    names = [layer.name for layer in cube.layout.layers]
    if asked.layer not in names:
        raise UnknownError(
            f"{asked.dataset} has no layer {asked.layer[:80]!r}; it has {', '.join(names)}"
        )
    grid, _ = cube.within(asked.bbox)
    shelf.require_pixels(grid)
    windows, pixels = len(list(grid.window.split(cube.layout.shard))), grid.width * grid.height
    read = pixels * _COUNT_BYTES
    plan = Plan("export", windows, 0, pixels, read, round(read * _WITH_OVERVIEWS), 0)

    def run(desk: Desk) -> None:
        begun = monotonic()

        def progress(done: int, todo: int) -> None:
            rate = pixels * done / todo / 1e6 / max(monotonic() - begun, 1e-9)
            desk.watcher.show(done=done, todo=todo, mpx_s=rate, message="writing a GeoTIFF")

        path = desk.folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', asked.layer)}.tif"
        export(store, layer=asked.layer, out=str(path), bbox=asked.bbox, progress=progress)
        desk.pixels = pixels
        desk.keep(path, f"{asked.layer} of {asked.dataset}")
        desk.say(Level.INFO, f"wrote {path.name}: {grid.width:,} x {grid.height:,} pixels")

    return Work(plan, cube.layout, "GeoTIFF", run, is_shared=False)


EXPORT = Verb("export", "One layer of maps as a GeoTIFF", ExportParameters, _prepare)
