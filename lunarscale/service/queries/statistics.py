"""Statistics within a drawn polygon: those that ``lunarscale summarise`` gives, and a histogram."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from pydantic import BaseModel, Field

from lunarscale.engine.counting import SumJob, SumTask
from lunarscale.engine.outcome import STATISTICS
from lunarscale.engine.run import require
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import ConflictError
from lunarscale.grid.polygons import PolygonGrouping
from lunarscale.grid.raster import Window
from lunarscale.reduce.figures import NO_LAYER, NOTHING
from lunarscale.reduce.mode_rows import Layered, ModeRow, each, mode_rows
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.table import BIN_QUANTA, Row, finish
from lunarscale.reduce.tally import Histograms
from lunarscale.service.dataset import Dataset
from lunarscale.service.layers import Layer
from lunarscale.service.queries.drawn import drawn_polygon
from lunarscale.service.queries.ground import ground_of
from lunarscale.service.queries.rooms import Watch
from lunarscale.service.settings import Limits
from lunarscale.urls.at_once import at_once


class Bars(BaseModel):
    """The area of each range of values."""

    unit: str = Field(examples=["wt %"])
    bin_width: float = Field(examples=[0.1])
    edges: list[float] = Field(description="One more than bins; a bin holds its lower edge.")
    area_km2: list[float] = Field(description="Of the valid area, a bin each.")


class PolygonStatistics(BaseModel):
    """One layer within a drawn polygon, weighted by true area; pixels count by their centres."""

    dataset: str = Field(examples=["maps.zarr"])
    layer: str = Field(examples=["FeO"])
    simulated: bool
    level: int = Field(
        description="Base pixels along the edge of those that were counted: 1 is the map itself, "
        "and the rows are then those of `lunarscale summarise`; others are area means.",
        examples=[1],
    )
    pixels_read: int
    rows: list[Row] = Field(description="One for the polygon.")
    modes: list[ModeRow] = Field(description="All modes, from low values to high.")
    histogram: Bars


def statistics_of(
    dataset: Dataset, layer: Layer, body: bytes, *, limits: Limits, watch: Watch
) -> PolygonStatistics:
    """The statistics of one layer within a polygon, on the finest level that fits the limit.

    Parameters
    ----------
    dataset : Dataset
    layer : Layer
    body : bytes
        GeoJSON.
    limits : Limits
    watch : Watch
        Looked at before every shard.

    Raises
    ------
    ParametersError
        If the dataset is a mosaic.
    RegionError
        If the body draws no part of the dataset.
    LimitError
        If it has too many places, or covers too much.
    ConflictError
        If a shard under it is not finished yet.
    """
    require(dataset.cube, "maps")
    drawn = drawn_polygon(body, most=limits.polygon_vertices)
    ground = ground_of(dataset, drawn, most=limits.polygon_pixels)
    source = MapsSource(ground.cube, (layer.name,))
    sums = _summed(dataset, source, drawn, windows=ground.windows, watch=watch)
    (layered,) = each(sums, source.quantities, [drawn.name])
    rows = finish(sums, source.quantities)
    return PolygonStatistics(
        dataset=dataset.name,
        layer=layer.name,
        simulated=dataset.cube.layout.simulated,
        level=ground.level,
        pixels_read=sum(window.height * window.width for window in ground.windows),
        rows=[_noted(row, dataset, layer) for row in rows],
        modes=mode_rows(layered),
        histogram=bars_of(layered, unit_km2=sums.unit_km2),
    )


def _summed(
    dataset: Dataset, source: MapsSource, drawn: PolygonGrouping, *, windows: list[Window],
    watch: Watch,
) -> Statistics:  # fmt: skip
    """The sums of some windows, as the executors take them: here one after the other."""
    contents = at_once(source.content, windows)
    if missing := contents.count(None):
        raise ConflictError(
            f"{dataset.name}: {missing} of the {len(windows)} shards under the polygon are not "
            "finished yet; wait until they are, or draw it elsewhere"
        )
    task, parts = SumTask(source, {STATISTICS: Histograms((drawn,))}), []
    for job in map(SumJob, windows, contents):
        watch.look()
        outcome = task(job)
        if outcome.problem is not None:
            raise outcome.problem
        parts.append(outcome.sums[STATISTICS])
    return Statistics.sum(part for part in parts if isinstance(part, Statistics))


def _noted(row: Row, dataset: Dataset, layer: Layer) -> Row:
    """The row, whose note may say of the whole layer only what is known of it."""
    if NO_LAYER not in row.note or dataset.ranges[layer.name] is None:
        return row
    return replace(row, note=row.note.replace(NO_LAYER, NOTHING))


def bars_of(layered: Layered, *, unit_km2: float) -> Bars:
    """Bins of the width by which modes are told in the table."""
    step = Fraction(str(layered.quantity.quantum)) * BIN_QUANTA
    edges: list[float] = []
    areas: list[float] = []
    if layered.counts.weight:
        first, weights = layered.counts.binned(BIN_QUANTA)
        bins = np.arange(len(weights) + 1) + first
        edges = (bins * step.numerator / step.denominator).tolist()
        areas = (weights * unit_km2).tolist()
    return Bars(unit=layered.quantity.units, bin_width=float(step), edges=edges, area_km2=areas)
