"""A dataset in the API's words."""

from pydantic import BaseModel, Field

from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.ranges import Range


class GridFacts(BaseModel):
    """Where a dataset's pixels are: simple cylindrical, degrees east and north."""

    width: int
    height: int
    pixel_deg: float = Field(description="Edge of a pixel in degrees.")
    bounds: tuple[float, float, float, float] = Field(
        description="West, south, east and north edge; east may lie beyond 180.",
        examples=[(-180.0, -90.0, 180.0, 90.0)],
    )


class Interval(BaseModel):
    """The layers that hold both ends of a layer's prediction interval."""

    lower: str
    upper: str
    meaning: str = Field(
        description="What share it is to hold, and how it was found, as its model says.",
        examples=["90% prediction intervals by CV+ by landing site"],
    )


class LayerFacts(BaseModel):
    """One layer of a dataset."""

    name: str = Field(examples=["FeO"])
    title: str = Field(examples=["iron oxide abundance"])
    quantity: str = Field(examples=["FeO"])
    unit: str = Field(description="`1` for pure numbers.", examples=["wt %"])
    model: str = Field(description="What made it; empty for a mosaic.")
    remark: str
    range: tuple[float, float] | None = Field(
        description="Values that colours span unless asked otherwise; null without any value."
    )
    uncertainty: Interval | None = Field(description="Where its prediction interval is kept.")


class ShardFacts(BaseModel):
    """How much of a dataset is finished."""

    done: int
    torn: int = Field(description="Finished once, but not what was written any more.")
    all: int


class DatasetFacts(BaseModel):
    """A store of counts (mosaic) or of maps."""

    name: str = Field(examples=["maps.zarr"])
    kind: str = Field(description="mosaic or maps")
    title: str
    simulated: bool = Field(description="Whether any of its input is simulated.")
    camera: str = Field(examples=["clementine-uvvis"])
    created: str | None = Field(description="UTC, ISO 8601.")
    version: str = Field(description="Another one after any change.")
    grid: GridFacts
    layers: list[LayerFacts]
    levels: list[int] = Field(
        description="Base pixels along a pixel's edge, of each level.", examples=[[1, 2, 4]]
    )
    shards: ShardFacts


class DatasetList(BaseModel):
    """All datasets of a service."""

    datasets: list[DatasetFacts]
    broken: dict[str, str] = Field(description="By name, why some cannot be read.")


def facts_of(dataset: Dataset) -> DatasetFacts:
    """A dataset in the API's words."""
    layout, grid = dataset.cube.layout, dataset.cube.grid
    return DatasetFacts(
        name=dataset.name,
        kind=layout.kind,
        title=dataset.title,
        simulated=layout.simulated,
        camera=layout.camera,
        created=dataset.created,
        version=dataset.version,
        grid=GridFacts(
            width=grid.width, height=grid.height, pixel_deg=grid.pixel_deg, bounds=grid.bounds()
        ),
        layers=[_layer(layer, dataset.ranges[layer.name]) for layer in dataset.layers],
        levels=[round(grid.around / level.grid.around) for level in dataset.levels],
        shards=ShardFacts(done=dataset.done, torn=dataset.torn, all=dataset.shards),
    )


def _layer(layer: Layer, shown: Range | None) -> LayerFacts:
    ends = None
    if layer.interval is not None:
        lower, upper = layer.interval
        ends = Interval(lower=lower, upper=upper, meaning=layer.interval_meaning)
    return LayerFacts(
        name=layer.name,
        title=layer.title,
        quantity=layer.quantity,
        unit=layer.unit,
        model=layer.model,
        remark=layer.remark,
        range=shown,
        uncertainty=ends,
    )
