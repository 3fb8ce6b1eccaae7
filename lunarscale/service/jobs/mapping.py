"""Jobs that make maps and their levels: ``predict`` and ``overview``."""

from pathlib import PurePath
from typing import Annotated

from pydantic import Field

from lunarscale.service.jobs.desk import Desk
from lunarscale.service.jobs.parameters import (
    Box,
    DatasetName,
    OutputName,
    Parameters,
    Polygons,
    UploadName,
    Words,
)
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.work import Verb, Work
from lunarscale.steps.overview import prepare_overview
from lunarscale.steps.predict import prepare_predict


class PredictParameters(Parameters):
    """What maps are made of."""

    dataset: DatasetName = Field(description="The mosaic.")
    output: OutputName
    models: Annotated[
        tuple[Annotated[str, Field(max_length=100)], ...],
        Field(
            max_length=32,
            description="Names of models, as /api/models lists them; none: the camera's usual.",
            examples=[["qiu-2025-feo"]],
        ),
    ] = ()
    bbox: Box | None = None
    by: Words = Field((), description="Groups whose statistics are kept with the maps.")
    polygons: Polygons = ()
    maria: UploadName | None = Field(
        None, description="Uploaded polygons that are the maria; else the seas as circles."
    )
    levels: bool = Field(True, description="Whether to make the coarser levels for tiles too.")


def _prepare_predict(asked: PredictParameters, shelf: Shelf) -> Work:
    mosaic, out = shelf.store(asked.dataset), shelf.output(asked.output)
    grid, _ = shelf.catalogue.dataset(asked.dataset).cube.within(asked.bbox)
    shelf.require_pixels(grid)
    prepared = prepare_predict(
        mosaic,
        out=out,
        models=shelf.models(asked.models),
        bbox=asked.bbox,
        mare=None if asked.maria is None else shelf.polygons(asked.maria),
        by=shelf.regions(asked.by, asked.polygons),
    )

    def run(desk: Desk) -> None:
        desk.run(prepared, "making maps", where=asked.output)
        if asked.levels:
            desk.run(prepare_overview(out), "making coarser levels", where=asked.output)

    names = {layer.model for layer in prepared.layout.layers}
    return Work(prepared.plan, prepared.layout, " ".join(sorted(names)), run)


PREDICT = Verb(
    "predict", "Maps of a mosaic's pixels", PredictParameters, _prepare_predict,
    output=lambda asked: asked.output, is_new=True,
)  # fmt: skip


class OverviewParameters(Parameters):
    """Whose levels are made."""

    dataset: DatasetName = Field(description="Finished maps.")


def _prepare_overview(asked: OverviewParameters, shelf: Shelf) -> Work:
    maps = shelf.store(asked.dataset)
    shelf.require_pixels(shelf.catalogue.dataset(asked.dataset).cube.grid)
    prepared = prepare_overview(maps)

    def run(desk: Desk) -> None:
        desk.run(prepared, "making coarser levels", where=PurePath(maps).name)

    return Work(prepared.plan, prepared.layout, f"{len(prepared.layout.layers)} layers", run)


OVERVIEW = Verb(
    "overview", "The coarser levels of maps, for tiles", OverviewParameters, _prepare_overview,
    output=lambda asked: asked.dataset,
)  # fmt: skip
