"""Report: maps, histograms, tables and provenance as one page."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lunarscale
from lunarscale.engine.executors import Executor
from lunarscale.engine.record import now, read_runs
from lunarscale.grid.raster import weight_to_km2
from lunarscale.models.model import EXPERIMENTAL
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.overview import Overview
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.table import (
    areas_without_value_km2,
    bin_quanta,
    histogram,
    qualified_areas_km2,
)
from lunarscale.render.figure import Illustration
from lunarscale.render.labels import number, pretty_name
from lunarscale.render.maps import MapPicture, draw_map
from lunarscale.render.page import MethodNote, write_page
from lunarscale.render.page_parts import Entry
from lunarscale.render.plots import HistogramCurve, draw_histograms
from lunarscale.render.tables import Table, flag_table, statistics_tables
from lunarscale.steps.opening import open_maps
from lunarscale.steps.summarise import Summary, first_summary, summarise
from lunarscale.store.cube import Cube
from lunarscale.store.layout import MapLayer

#: Longest edge of a picture's overview in pixels.
LONGEST = 2048

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


def report(
    maps: str, *, out: str, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Path:  # fmt: skip
    """Draw every layer, tabulate its statistics, and write one HTML page.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    out : str
        Folder for ``index.html`` and its files.
    executor : Executor, optional
        For statistics that the maps do not keep already.
    storage_options : dict, optional
    progress : callable, optional
        Told layers done and layers in all.

    Returns
    -------
    Path
        The page.
    """
    cube = open_maps(maps, storage_options)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    summary = first_summary(cube) or summarise(
        maps, executor=executor, storage_options=storage_options
    )
    files = summary.write(out)
    pictures: list[Illustration] = []
    flags: list[Table] = []
    for index, layer in enumerate(cube.layout.layers):
        pictures += _draw(cube, layer, summary=summary, folder=folder)
        flags.append(_flags(summary.statistics, index, layer))
        progress(index + 1, len(cube.layout.layers))
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


def overview(cube: Cube, name: str, longest: int = LONGEST) -> Overview:
    """One layer of a store of maps, reduced by area means to a size to look at."""
    made = Overview(cube.grid, Overview.factor_for(cube.grid, longest))
    for window in cube.layout.windows():
        counts = cube.read(name, window)
        made.add(window, counts.astype(np.int16, copy=False))
    return made


def _draw(cube: Cube, layer: MapLayer, *, summary: Summary, folder: Path) -> list[Illustration]:
    quantity = QUANTITIES[layer.quantity]
    small = overview(cube, layer.name)
    moon = next(r for r in summary.rows if r.layer == layer.name and r.grouping == "moon")
    picture = MapPicture(
        name=layer.name,
        long_name=quantity.long_name,
        units=quantity.units,
        values=small.finish(quantity.quantum),
        bounds=small.bounds,
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


def notes_of(layers: Sequence[MapLayer]) -> list[MethodNote]:
    """A note a model, with what must be known of its layers."""
    notes = []
    for model in dict.fromkeys(layer.model for layer in layers):
        own = [layer for layer in layers if layer.model == model]
        named = len({layer.remark for layer in own}) > 1
        told = dict.fromkeys(
            f"{pretty_name(layer.name)}: {layer.remark}" if named else layer.remark
            for layer in own
            if layer.remark
        )
        formula, source = own[0].formula, own[0].source
        notes.append(MethodNote(model, "; ".join(told), formula=formula, source=source))
    return notes


def _lead(cube: Cube) -> str:
    grid = cube.grid
    return (
        f"{len(cube.layout.layers)} maps of {number(grid.width, 0)} × "
        f"{number(grid.height, 0)} pixels from "
        f"{cube.layout.camera_facts.title}, {grid.around / 360:.3f} pixels a degree."
    )


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def provenance_of(cube: Cube) -> dict[str, Entry]:
    """What made the page and the maps, from what."""
    made: dict[str, Entry] = {
        "page": f"lunarscale {lunarscale.__version__}, {now()}",
        "maps": cube.location.url,
        "history": str(cube.attributes.get("history", "")),
    }
    for run in read_runs(cube.location):
        made[f"{run['verb']} {run['run']}"] = {
            "lunarscale": run["lunarscale"],
            "started": run["started"],
            "ended": run["ended"],
            **{name: _words(value) for name, value in run["parameters"].items() if value},
            "models": ", ".join(f"{name} ({sha[:12]})" for name, sha in run["inputs"]),
            "shards": str(run["shards_done"]),
        }
    return made
