"""What a dataset says at places: each layer's value with its unit, uncertainty, flags, reason."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from lunarscale.flags import NO_DATA
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.queries.asked import turned
from lunarscale.service.queries.pixels import Found, Pixel, read_pixels
from lunarscale.service.queries.words import OUTSIDE, UNFINISHED, UNTOLD, teller


class Ends(BaseModel):
    """Both ends of a prediction interval."""

    lower: float = Field(examples=[14.1])
    upper: float = Field(examples=[18.6])
    meaning: str = Field(
        description="What share it is to hold, and how it was found, as its model says.",
        examples=["90% prediction intervals by CV+ by landing site"],
    )


class Reading(BaseModel):
    """One layer at one place."""

    layer: str = Field(examples=["FeO"])
    value: float | None = Field(
        description="Of the pixel that holds the place, never between pixels.", examples=[16.32]
    )
    unit: str = Field(description="`1` for pure numbers.", examples=["wt %"])
    uncertainty: Ends | None = Field(
        description="Prediction interval, where the dataset keeps one with the layer."
    )
    flags: list[str] = Field(
        description="Words of the dataset's flags: what qualifies the value, or why there is none.",
        examples=[["extrapolated"]],
    )
    reason: str | None = Field(description="Why there is no value, for people.")


class PointAnswer(BaseModel):
    """All layers of a dataset at one place."""

    lon: float = Field(description="Degrees east, brought to -180..180.", examples=[-11.22])
    lat: float = Field(examples=[-43.3])
    row: int | None = Field(description="Of the pixel, from the north; null off the dataset.")
    col: int | None
    values: list[Reading]


def read_point(dataset: Dataset, lon: float, lat: float) -> PointAnswer:
    """All layers at a place; an edge belongs to the pixel south and east of it.

    Parameters
    ----------
    dataset : Dataset
    lon, lat : float
        Degrees; any longitude, a latitude within -90..90.
    """
    found = dataset.cube.grid.locate(lon, lat)
    row, col = (None, None) if found is None else found
    (values,) = read_places(dataset, dataset.layers, [found])
    return PointAnswer(lon=turned(lon), lat=lat, row=row, col=col, values=values)


def read_places(
    dataset: Dataset, layers: Sequence[Layer], pixels: Sequence[Pixel | None]
) -> list[list[Reading]]:
    """Readings of some layers at some pixels, a list for each pixel.

    Parameters
    ----------
    dataset : Dataset
    layers : sequence of Layer
        All of the dataset, for what tells their uncertainties.
    pixels : sequence of (int, int) or None
        None where the dataset does not reach.
    """
    there = [number for number, pixel in enumerate(pixels) if pixel is not None]
    found = read_pixels(dataset.cube, layers, [pixel for pixel in pixels if pixel is not None])
    readings = [[_without(layer, OUTSIDE) for layer in layers] for _ in pixels]
    for place, number in enumerate(there):
        readings[number] = _readings(dataset, layers, found, place)
    return readings


def _readings(dataset: Dataset, layers: Sequence[Layer], found: Found, place: int) -> list[Reading]:
    if not found.is_finished[place]:
        return [_without(layer, UNFINISHED) for layer in layers]
    counts = {layer.name: int(found.counts[number, place]) for number, layer in enumerate(layers)}
    values = {
        layer.name: None if counts[layer.name] == NO_DATA else counts[layer.name] * layer.quantum
        for layer in layers
    }
    readings = []
    for number, layer in enumerate(layers):
        told = teller(layer, dataset.cube.layout)(int(found.flags[number, place]))
        value = values[layer.name]
        lower, upper = (values.get(end) for end in layer.interval or ("", ""))
        readings.append(
            Reading(
                layer=layer.name,
                value=value,
                unit=layer.unit,
                uncertainty=None
                if value is None or lower is None or upper is None
                else Ends(lower=lower, upper=upper, meaning=layer.interval_meaning),
                flags=list(told.words),
                reason=None if value is not None else told.reason or UNTOLD,
            )
        )
    return readings


def _without(layer: Layer, reason: str) -> Reading:
    return Reading(
        layer=layer.name, value=None, unit=layer.unit, uncertainty=None, flags=[], reason=reason
    )
