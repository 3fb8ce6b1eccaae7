"""Jobs that lay archive tiles of the data's folder into a mosaic: ``ingest``."""

from typing import Annotated

from pydantic import Field, model_validator

from lunarscale.grid.raster import RasterGrid
from lunarscale.service.jobs.desk import Desk
from lunarscale.service.jobs.parameters import Box, OutputName, Parameters
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.work import Verb, Work
from lunarscale.steps.ingest import prepare_ingest


class IngestParameters(Parameters):
    """Which tiles, and onto which grid."""

    tiles: tuple[Annotated[str, Field(max_length=128)], ...] = Field(
        min_length=1,
        max_length=16,
        description="Folders of tiles beside the datasets, as /api/verbs lists them.",
        examples=[["tiles"]],
    )
    output: OutputName
    ppd: float = Field(
        ge=0.1, le=100_000, allow_inf_nan=False, description="Pixels a degree.", examples=[303.23]
    )
    bbox: Box | None = None
    shard: int = Field(2048, ge=64, le=8192, description="Edge of a shard in pixels.")
    chunk: int = Field(512, ge=16, le=2048, description="Edge of a chunk in pixels.")

    @model_validator(mode="after")
    def _chunks_fill_a_shard(self) -> "IngestParameters":
        if self.shard % self.chunk:
            raise ValueError("the chunk must divide the shard, as 512 divides 2048")
        return self


def _prepare(asked: IngestParameters, shelf: Shelf) -> Work:
    whole = RasterGrid.whole(asked.ppd)
    shelf.require_pixels(whole if asked.bbox is None else whole.crop(*asked.bbox))
    prepared = prepare_ingest(
        [shelf.tiles(name) for name in asked.tiles],
        out=shelf.output(asked.output),
        ppd=asked.ppd,
        bbox=asked.bbox,
        shard=asked.shard,
        chunk=asked.chunk,
    )

    def run(desk: Desk) -> None:
        desk.run(prepared, "laying tiles", where=asked.output)

    return Work(prepared.plan, prepared.layout, prepared.layout.camera, run)


INGEST = Verb(
    "ingest", "A mosaic of archive tiles", IngestParameters, _prepare,
    output=lambda asked: asked.output, is_new=True,
)  # fmt: skip
