"""Report: maps, histograms, tables and provenance as one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor
from lunarscale.engine.run import Execute, Prepared, complain, shown_to_nobody
from lunarscale.engine.sources import MapsSource
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.raster import weight_to_km2
from lunarscale.models.model import EXPERIMENTAL
from lunarscale.plurals import several
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.pictures import Pictures, Reduced
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.table import (
    areas_without_value_km2,
    bin_quanta,
    histogram,
    qualified_areas_km2,
)
from lunarscale.render.figure import Illustration
from lunarscale.render.labels import number
from lunarscale.render.maps import MapPicture, draw_map
from lunarscale.render.page import MethodNote, write_page
from lunarscale.render.plots import HistogramCurve, draw_histograms
from lunarscale.render.tables import Table, flag_table, statistics_tables
from lunarscale.steps.opening import open_maps, read_groupings
from lunarscale.steps.reporting.origins import notes_of, provenance_of
from lunarscale.steps.summarise import Summary, first_summary, measures_of, summary_of
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: Longest edge of a picture in pixels.
LONGEST = 2048

#: Of the statistics, where predict kept none.
USUAL_GROUPINGS = ("moon", "maria", "seas")

#: Name of the sum.
_PICTURES = "pictures"

#: The groups whose histograms are drawn together.
CURVES = (("moon", 0), ("maria", 0), ("maria", 1))

_FILES = {
    ".csv": "the statistics of this page as a table, one row a layer and group",
    ".json": "the same for programs",
}

_METHOD = (
    "A map's values are whole multiples of its quantum. Means, deviations and quantiles are "
    "weighted by the exact area of every pixel on the sphere of 1737.4 km and computed from "
    "integer sums, so they do not depend on how the work was divided. Maria and seas are the "
    "circles of the IAU gazetteer unless a mask was given: an approximation of their outlines."
)


@dataclass(frozen=True)
class Question:
    """What is asked of which maps.

    Parameters
    ----------
    cube : Cube
        Finished maps.
    groupings : tuple of Grouping
        Of the statistics, where the maps keep none.
    kept : Summary or None
        The statistics that predict kept, with its own maria.
    """

    cube: Cube
    groupings: tuple[Grouping, ...]
    kept: Summary | None


def report(
    maps: str, *, out: str, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Path:  # fmt: skip
    """Draw every layer, tabulate its statistics, and write one HTML page.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    out : str
        Folder for ``index.html`` and its files.
    executor : Executor, optional
    storage_options : dict, optional

    Returns
    -------
    Path
        The page.

    Raises
    ------
    StoreError
        If the maps are not finished.
    IncompleteError
        If some shards cannot be read.
    """
    return make(ask(maps, storage_options=storage_options), out, shown_to_nobody(executor))


def ask(maps: str, *, storage_options: dict[str, Any] | None = None) -> Question:
    """Open the maps, and find which statistics they keep.

    Raises
    ------
    StoreError
        If the maps are not finished.
    """
    cube = open_maps(maps, storage_options)
    groupings = read_groupings(USUAL_GROUPINGS, storage_options, grid=cube.grid)
    return Question(cube, groupings, first_summary(cube))


def prepare(asked: Question) -> Prepared:
    """One pass that reduces every layer to a picture, and counts what is not kept; not begun."""
    cube = asked.cube
    measures: dict[str, Measure] = {
        _PICTURES: Reduced.to_fit(cube.grid, shard=cube.layout.shard, longest=LONGEST)
    }
    if asked.kept is None:
        measures |= measures_of(asked.groupings)
    return prepare_sums(MapsSource(cube), measures, verb="report")


def make(asked: Question, out: str, execute: Execute) -> Path:
    """Run the report's pass and write its page.

    Parameters
    ----------
    asked : Question
    out : str
        Folder.
    execute : callable
        Runs a prepared step.
    """
    cube, folder = asked.cube, Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    tale = execute("report", prepare(asked))
    complain(tale, cube.location.url)
    reduced: Any = tale.sums[_PICTURES]
    summary = asked.kept or summary_of(cube, asked.groupings, tale=tale, kept=None)
    files = summary.write(out)
    pictures: list[Illustration] = []
    flags: list[Table] = []
    for index, layer in enumerate(cube.layout.layers):
        pictures += _draw(cube, layer, reduced=reduced, summary=summary, folder=folder)
        flags.append(_flags(summary.statistics, index, layer))
    return write_page(
        folder,
        title=str(cube.attributes["title"]),
        pictures=pictures,
        tables=[*statistics_tables(summary.rows), *flags],
        provenance=provenance_of(cube),
        notes=[*notes_of(cube.layout.layers), MethodNote("Statistics", _METHOD)],
        summary=_lead(cube),
        downloads={path.name: _FILES[path.suffix] for path in files},
        simulated=cube.layout.simulated,
    )


def _draw(
    cube: Cube, layer: MapLayer, *, reduced: Pictures, summary: Summary, folder: Path
) -> list[Illustration]:
    quantity = QUANTITIES[layer.quantity]
    moon = next(r for r in summary.rows if r.layer == layer.name and r.grouping == "moon")
    picture = MapPicture(
        name=layer.name,
        long_name=quantity.long_name,
        units=quantity.units,
        values=reduced.picture(layer.name, cube.grid, quantity.quantum),
        bounds=reduced.bounds(cube.grid),
        model=_model(layer),
        formula=layer.formula,
        source=layer.source,
        valid_min=np.nan if moon.min is None else moon.min,
        valid_max=np.nan if moon.max is None else moon.max,
    )
    simulated = cube.layout.simulated
    index = summary.statistics.layers.index(layer.name)
    return [
        draw_map(picture, path=folder / f"{layer.name}.png", simulated=simulated),
        draw_histograms(
            _curves(summary, index, layer),
            name=layer.name,
            long_name=quantity.long_name,
            units=quantity.units,
            model=_model(layer),
            path=folder / f"{layer.name}_histogram.png",
            simulated=simulated,
        ),
    ]


def _model(layer: MapLayer) -> str:
    """The model, for a figure; with a warning where it is experimental."""
    doubt = f" ({EXPERIMENTAL})" if layer.remark.startswith(EXPERIMENTAL) else ""
    return f"{layer.model}{doubt}"


def _curves(summary: Summary, index: int, layer: MapLayer) -> list[HistogramCurve]:
    statistics, quantity = summary.statistics, QUANTITIES[layer.quantity]
    positions = {label.name: place for place, label in enumerate(statistics.groupings)}
    curves = []
    for grouping, group in CURVES:
        label = statistics.groupings[positions[grouping]]
        counts = statistics.group(positions[grouping], group + 1).layers[index].counts
        width = bin_quanta(quantity) * quantity.quantum
        edges, shares = histogram(counts, quantity, bin_width=width)
        mean = float(counts.moments()[0]) * quantity.quantum if counts.weight else np.nan
        areas = shares * weight_to_km2(counts.weight)
        curves.append(HistogramCurve(label.groups[group], edges, areas, mean))
    return curves


def _flags(statistics: Statistics, index: int, layer: MapLayer) -> Table:
    moon = next(p for p, label in enumerate(statistics.groupings) if label.name == "moon")
    cell = statistics.group(moon, 1)
    sums = cell.layers[index]
    areas = {
        "has_value": weight_to_km2(sums.counts.weight),
        **qualified_areas_km2(sums.flags),
        **areas_without_value_km2(sums.flags),
    }
    return flag_table(layer.name, areas, map_area_km2=weight_to_km2(cell.weight))


def _lead(cube: Cube) -> str:
    grid = cube.grid
    return (
        f"{several(len(cube.layout.layers), 'map')} of {number(grid.width, 0)} × "
        f"{number(grid.height, 0)} pixels from "
        f"{cube.layout.camera_facts.title}, {grid.around / 360:.3f} pixels a degree."
    )
