"""A window of values: as rows of JSON, or as an array in NumPy's own format."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.queries.asked import Box, level_of, require_few
from lunarscale.service.queries.pixels import read_counts, values_of
from lunarscale.service.settings import Limits


class Region(BaseModel):
    """A window of one layer; null where there is no value."""

    layer: str = Field(examples=["FeO"])
    unit: str = Field(examples=["wt %"])
    level: int = Field(description="Base pixels along a pixel's edge.", examples=[1])
    bounds: list[float] = Field(
        min_length=4,
        max_length=4,
        description="West, south, east and north edge of its pixels; east may lie beyond 180.",
        examples=[[-15.0, -45.0, -5.0, -40.0]],
    )
    lon: list[float] = Field(description="Of the columns' centres, degrees east.")
    lat: list[float] = Field(description="Of the rows' centres, from the north.")
    value: list[list[float | None]] = Field(description="A list a row.")


class Values:
    """The values of a window.

    Parameters
    ----------
    layer : Layer
    level : int
    grid : RasterGrid
        Where its pixels are.
    values : ndarray of float64, (row, col)
        In units, NaN where there is none.
    """

    def __init__(
        self, layer: Layer, level: int, *, grid: RasterGrid, values: NDArray[np.float64]
    ) -> None:
        self.layer, self.level, self.grid, self.values = layer, level, grid, values

    def as_json(self) -> bytes:
        """As a ``Region``."""
        rows = self.values.tolist()
        region = Region(
            layer=self.layer.name,
            unit=self.layer.unit,
            level=self.level,
            bounds=list(self.grid.bounds()),
            lon=self.grid.lons().tolist(),
            lat=self.grid.lats().tolist(),
            value=[[None if math.isnan(value) else value for value in row] for row in rows],
        )
        return region.model_dump_json().encode()

    def as_npy(self) -> bytes:
        """As NumPy writes an array of float64, ``(row, col)``, row 0 north."""
        sink = io.BytesIO()
        np.save(sink, self.values, allow_pickle=False)
        return sink.getvalue()

    @property
    def headers(self) -> dict[str, str]:
        """What an array does not say of itself."""
        return {
            "X-Lunarscale-Layer": self.layer.name,
            "X-Lunarscale-Unit": self.layer.unit,
            "X-Lunarscale-Level": str(self.level),
            "X-Lunarscale-Bounds": ",".join(repr(edge) for edge in self.grid.bounds()),
        }


def region_of(dataset: Dataset, layer: Layer, box: Box, *, level: int, limits: Limits) -> Values:
    """The values of a box, snapped outward to pixels.

    Parameters
    ----------
    dataset : Dataset
    layer : Layer
    box : Box
    level : int
        Base pixels along a pixel's edge: of which level of the pyramid.
    limits : Limits

    Raises
    ------
    LimitError
        If it has too many pixels; the message names a level where it has not.
    RegionError
        If the box reaches beyond the dataset.
    """
    cube = level_of(dataset, level)
    require_few(dataset, box, level=level, most=limits.region_pixels, what="a region")
    grid, (row, col) = cube.within(box)
    counts = read_counts(cube, layer, Window(row, col, grid.height, grid.width))
    return Values(layer, level, grid=grid, values=values_of(counts, layer))
