"""The pictures of a comparison: difference map and GeoTIFF, histogram, density, box plots."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.pair_source import PairSource
from lunarscale.grid.raster import Window, weight_to_km2
from lunarscale.plurals import several
from lunarscale.reduce import changes as layers
from lunarscale.reduce.changes import Change
from lunarscale.reduce.table import Row, histogram
from lunarscale.render.difference_map import DifferencePicture, draw_difference_map
from lunarscale.render.difference_plots import (
    DensityPicture,
    Heading,
    draw_density,
    draw_difference_histogram,
)
from lunarscale.render.figure import Illustration
from lunarscale.render.geotiff import write_cog
from lunarscale.render.labels import number, pretty_name, with_units
from lunarscale.render.plots import HistogramCurve
from lunarscale.render.region_boxes import BoxFigures, RegionBoxes, draw_region_boxes
from lunarscale.steps.comparing.finding import Finding
from lunarscale.store.layout import affine, lunar_wkt

#: Histograms of differences drawn together, and regions with a box plot, at most.
_CURVES, _BOXES = 4, 36

#: Bins of the density figure along an axis, about.
_BINS = 200


def draw(
    finding: Finding, out: str, *, progress: Callable[[int, int], None] = lambda done, todo: None
) -> list[Path]:
    """Write the difference as GeoTIFF, and all figures.

    Parameters
    ----------
    finding : Finding
    out : str
        Folder; made if need be.
    progress : callable, optional
        Told windows of the GeoTIFF done and windows in all.

    Returns
    -------
    list of Path
        All that was written.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    geotiff = folder / f"{finding.question.key}_difference.tif"
    write_difference(finding, geotiff, progress=progress)
    drawn = illustrations(finding, folder)
    paths = [path for item in drawn for path in (item.path, item.vector) if path is not None]
    return [geotiff, *paths]


def write_difference(
    finding: Finding, path: Path, *, progress: Callable[[int, int], None] = lambda done, todo: None
) -> None:
    """Write the difference as a cloud-optimised GeoTIFF with its scale and overviews.

    Parameters
    ----------
    finding : Finding
    path : Path
    progress : callable, optional
        Told windows done and windows in all.
    """
    asked = finding.question
    source, quantity = asked.source, asked.quantity
    windows = source.layout.windows()

    def blocks() -> Iterator[tuple[Window, NDArray[np.int16]]]:
        for done, window in enumerate(windows):
            yield window, _difference(source, window)
            progress(done + 1, len(windows))

    attributes = source.first.cube.attributes
    write_cog(
        path,
        blocks(),
        size=(source.grid.height, source.grid.width),
        transform=affine(source.grid),
        wkt=lunar_wkt(),
        quantum=quantity.quantum,
        tags={
            "units": quantity.units,
            "long_name": f"difference of {quantity.long_name}: A less B",
            "A": source.first.name,
            "B": source.second.name,
            "grids": source.how,
            "title": attributes["title"],
            "history": attributes["history"],
            "simulated": source.layout.simulated,
        },
    )


def _difference(source: PairSource, window: Window) -> NDArray[np.int16]:
    counts = np.empty((window.height, window.width), np.int16)
    for chunk in source.chunks(window):
        at = chunk.window
        inside = at._replace(row=at.row - window.row, col=at.col - window.col)
        counts[inside.slices] = chunk.counts[layers.DIFFERENCE]
    return counts


def illustrations(finding: Finding, folder: Path) -> list[Illustration]:
    """Draw the difference map, its histogram, the density and the box plots.

    Parameters
    ----------
    finding : Finding
    folder : Path
        It must exist.
    """
    return [
        _map(finding, folder),
        _histogram(finding, folder),
        _density(finding, folder),
        _boxes(finding, folder),
    ]


def _difference_label(finding: Finding) -> str:
    units = finding.question.quantity.units
    return with_units(f"{_name(finding)}, A less B", units, brackets=True)


def _name(finding: Finding) -> str:
    return pretty_name(finding.question.quantity.name)


def _which(finding: Finding) -> str:
    return " · ".join(
        f"{letter}: {title}" for letter, title in zip("AB", finding.question.titles, strict=True)
    )


def _digits(finding: Finding) -> int:
    return 3 if finding.question.quantity.units == "wt %" else 4


def _figures(finding: Finding) -> list[tuple[str, str]]:
    """What is told beside the map and the density."""
    row, digits = finding.whole, _digits(finding)
    units = finding.question.quantity.units

    def shown(value: float | None, more: int = 0) -> str:
        return with_units(number(value, digits + more), units)

    return [
        ("mean of A less B", shown(row.mean_difference, 1)),
        ("middle 95 %", f"{number(row.p2_5, digits)} to {shown(row.p97_5)}"),
        ("RMSE", shown(row.rmse, 1)),
        ("r", number(row.correlation, 4)),
        ("slope of A on B", number(row.slope, 4)),
        ("intercept", shown(row.intercept)),
        ("slope, major axis", number(row.rma_slope, 4)),
        ("area compared", f"{number(row.area_km2, 0)} km²"),
        ("of A's and B's ground", _of_either(row)),
    ]


def _of_either(row: Change) -> str:
    """How much of what each map has values on is compared."""
    shares = (row.common_share_a, row.common_share_b)
    first, second = (number(None if part is None else 100.0 * part, 1) for part in shares)
    return f"{first} and {second} %"


def _map(finding: Finding, folder: Path) -> Illustration:
    asked = finding.question
    picture = DifferencePicture(
        name=f"{asked.key}_difference",
        title=f"{_name(finding)}: difference of two maps",
        lines=(_which(finding), asked.source.how),
        label=_difference_label(finding),
        values=finding.picture(),
        bounds=finding.pictures.bounds(asked.source.grid),
        figures=_figures(finding),
    )
    path = folder / f"{asked.key}_difference.png"
    return draw_difference_map(picture, path=path, simulated=asked.source.layout.simulated)


def _histogram(finding: Finding, folder: Path) -> Illustration:
    asked, row = finding.question, finding.whole
    assert row.p2_5 is not None
    assert row.p97_5 is not None
    return draw_difference_histogram(
        _curves(finding),
        (row.p2_5, row.p97_5),
        heading=Heading(
            f"{asked.key}_histogram", f"{_name(finding)}: histogram of the differences",
            _which(finding),
        ),
        label=(_difference_label(finding), asked.quantity.units),
        quantum=asked.quantity.quantum,
        path=folder / f"{asked.key}_histogram.png",
        simulated=asked.source.layout.simulated,
    )  # fmt: skip


def _curves(finding: Finding) -> list[HistogramCurve]:
    """The whole and the groups of the first grouping that has few."""
    statistics, quantity = finding.statistics, finding.question.quantity
    few = [
        place
        for place, label in enumerate(statistics.groupings)
        if place and len(label.groups) < _CURVES
    ]
    curves = []
    for position in (0, *few[:1]):
        label = statistics.groupings[position]
        for group, title in enumerate(label.groups, start=1):
            counts = statistics.group(position, group).layers[layers.DIFFERENCE].counts
            edges, shares = histogram(counts, quantity, bin_width=quantity.quantum)
            mean = float(counts.moments()[0]) * quantity.quantum if counts.weight else np.nan
            areas = shares * weight_to_km2(counts.weight)
            curves.append(HistogramCurve(title, edges, areas, mean))
    return curves


def _density(finding: Finding, folder: Path) -> Illustration:
    asked, row = finding.question, finding.whole
    quantum, units = asked.quantity.quantum, asked.quantity.units
    edges = np.array(asked.axes[0].edges) * quantum
    shares, shown = _coarser(finding.shares()[:-1, :-1], edges)
    line = _which(finding)
    if asked.density_above is not None:
        line += f" · both at least {with_units(f'{asked.density_above:g}', units)}"
    below, above = (number(area, 0) for area in finding.left_out().values())
    ends = [number(edge * quantum, 2) for edge in (asked.axes[0].edges[0], asked.axes[0].edges[-1])]
    note = (
        "Figures and lines are of the whole area, exact.\n"
        f"Beyond the bins: {below} km² below {ends[0]},\n{above} km² above {ends[-1]}."
    )
    fits = (
        ("least squares", row.slope, row.intercept),
        ("major axis", row.rma_slope, row.rma_intercept),
    )
    picture = DensityPicture(
        heading=Heading(
            f"{asked.key}_density", f"{_name(finding)}: one map against the other", line
        ),
        labels=tuple(  # type: ignore[arg-type]
            with_units(f"{_name(finding)}, {letter}: {title}", units, brackets=True)
            for letter, title in zip("BA", asked.titles[::-1], strict=True)
        ),
        shares=shares,
        edges=shown,
        lines=[(name, a, b) for name, a, b in fits if a is not None and b is not None],
        figures=_figures(finding),
        note=note,
    )
    path = folder / f"{asked.key}_density.png"
    return draw_density(picture, path=path, simulated=asked.source.layout.simulated)


def _coarser(
    shares: NDArray[np.float64], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bins put together until they are few enough to be seen; the last ones may be left open."""
    size = max(1, len(shares) // _BINS)
    count = -(-len(shares) // size)
    room = np.zeros((count * size, count * size))
    room[: len(shares), : len(shares)] = shares
    summed = room.reshape(count, size, count, size).sum(axis=(1, 3))
    step = edges[1] - edges[0]
    return summed, edges[0] + np.arange(count + 1) * (size * step)


def _boxes(finding: Finding, folder: Path) -> Illustration:
    asked = finding.question
    first, second, difference = (
        [row for row in finding.table if row.layer == layer] for layer in asked.source.layers
    )
    filled = [rows for rows in zip(first, second, difference, strict=True) if _has_all(rows)]
    largest = sorted(filled, key=lambda rows: -rows[0].valid_area_km2)[:_BOXES]
    shown = [rows for rows in filled if rows in largest]
    left_out = len(first) - len(shown)
    more = (
        f" · {several(left_out, 'region')} without values, or smaller, left out" if left_out else ""
    )
    return draw_region_boxes(
        [RegionBoxes(rows[0].group, *(_box(row) for row in rows)) for rows in shown],
        heading=Heading(
            f"{asked.key}_boxes", f"{_name(finding)} by region", f"{_which(finding)}{more}"
        ),
        labels=(
            with_units(_name(finding), asked.quantity.units, brackets=True),
            _difference_label(finding),
        ),
        titles=("A", "B"),
        path=folder / f"{asked.key}_boxes.png",
        simulated=asked.source.layout.simulated,
    )


def _has_all(rows: tuple[Row, ...]) -> bool:
    return all(row.median is not None for row in rows)


def _box(row: Row) -> BoxFigures:
    ends = (row.whisker_low, row.p25, row.median, row.p75, row.whisker_high)
    return BoxFigures(*(float(end) for end in ends if end is not None))
