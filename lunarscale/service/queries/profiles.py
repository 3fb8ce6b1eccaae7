"""Values along a line: those of the pixels that hold its samples."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from lunarscale.flags import NO_DATA
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.queries.lines import along
from lunarscale.service.queries.pixels import Pixel, read_pixels


class LayerAlong(BaseModel):
    """One more layer along the same line."""

    layer: str = Field(examples=["TiO2"])
    unit: str = Field(examples=["wt %"])
    value: list[float | None]


class Profile(BaseModel):
    """A layer along a line of great circles; null where there is no value."""

    layer: str = Field(examples=["FeO"])
    unit: str = Field(examples=["wt %"])
    distance_km: list[float] = Field(description="Along the line, on the sphere of 1737.4 km.")
    lon: list[float] = Field(description="Degrees east, -180..180.")
    lat: list[float]
    value: list[float | None] = Field(description="Of the pixel that holds the sample.")
    others: list[LayerAlong] = Field(description="The other layers that were asked for.")


def profile_of(
    dataset: Dataset, layers: Sequence[Layer], line: NDArray[np.float64], *, samples: int
) -> Profile:
    """Some layers along a line.

    Parameters
    ----------
    dataset : Dataset
    layers : sequence of Layer
        At least one.
    line : ndarray of float64, (place, 2)
        Longitudes and latitudes in degrees.
    samples : int
        Places, evenly along the line, its ends among them.

    Raises
    ------
    RegionError
        If the line has no length, or no one way.
    """
    places = along(line, samples)
    lons, lats = places.lon.tolist(), places.lat.tolist()
    found = [dataset.cube.grid.locate(*place) for place in zip(lons, lats, strict=True)]
    values = _values(dataset, layers, found)
    first, *others = (
        LayerAlong(layer=layer.name, unit=layer.unit, value=each)
        for layer, each in zip(layers, values, strict=True)
    )
    return Profile(
        layer=first.layer, unit=first.unit, value=first.value, others=others,
        distance_km=places.distance_km.tolist(), lon=lons, lat=lats,
    )  # fmt: skip


def _values(
    dataset: Dataset, layers: Sequence[Layer], pixels: Sequence[Pixel | None]
) -> list[list[float | None]]:
    """Values of each layer at pixels, None where there is none or no pixel."""
    there = [number for number, pixel in enumerate(pixels) if pixel is not None]
    counts = np.full((len(layers), len(pixels)), NO_DATA, np.int16)
    inside = [pixel for pixel in pixels if pixel is not None]
    counts[:, there] = read_pixels(dataset.cube, layers, inside).counts
    return [
        [None if count == NO_DATA else count * layer.quantum for count in row]
        for layer, row in zip(layers, counts.tolist(), strict=True)
    ]
