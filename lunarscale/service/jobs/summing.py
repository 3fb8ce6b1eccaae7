"""Jobs that take statistics of maps: ``summarise``."""

from typing import Annotated, Literal

from pydantic import Field

from lunarscale.engine.outcome import STATISTICS, Tale
from lunarscale.engine.plan import Plan
from lunarscale.errors import LimitError, RequestError
from lunarscale.grid.groupings import Grouping
from lunarscale.reduce.stats import USUAL, read_stats
from lunarscale.service.jobs.desk import Desk
from lunarscale.service.jobs.parameters import DatasetName, Parameters, Polygons, Words
from lunarscale.service.jobs.shelf import Shelf
from lunarscale.service.jobs.work import Verb, Work
from lunarscale.steps.opening import kept_labels, open_maps, read_groupings
from lunarscale.steps.summarise import (
    kept_statistics,
    measures_of,
    prepare_summarise,
    summary_of,
)
from lunarscale.store.cube import Cube

Stat = Literal[
    "mean", "std", "shape", "range", "quantiles", "box", "mode", "modes", "histogram",
    "covariance", "pca",
]  # fmt: skip

#: The files that there can be, for people.
_TITLES = {
    "statistics.csv": "Statistics by groups",
    "statistics.json": "Statistics by groups",
    "modes.csv": "Modes by groups",
    "histograms.parquet": "Histograms by groups",
    "covariance.csv": "Layers against each other",
    "pca.csv": "Principal components",
}


class SummariseParameters(Parameters):
    """Of what, and by which groups of places."""

    dataset: DatasetName = Field(description="Finished maps.")
    by: Words = Field(("moon", "maria", "seas"), description="Groups of places.")
    polygons: Polygons = ()
    stats: Annotated[tuple[Stat, ...], Field(max_length=11)] = Field(
        (), description="What to tell of each group; none: all that fits one table."
    )
    coverage: bool = Field(
        False, description="Whether polygons' borders divide pixels by exact area."
    )


def _prepare(asked: SummariseParameters, shelf: Shelf) -> Work:
    cube = open_maps(shelf.store(asked.dataset), None)
    shelf.require_pixels(cube.grid)
    regions = shelf.regions(asked.by, asked.polygons)
    if not regions:
        raise RequestError("statistics are by groups but none is named; give by or polygons")
    groupings = read_groupings(regions, grid=cube.grid, coverage=asked.coverage)
    _require_rows(cube, groupings, most=shelf.limits.job_rows)
    stats = read_stats(",".join(asked.stats)) if asked.stats else USUAL
    measures = measures_of(groupings, stats=stats)
    if {g.digest for g in groupings} <= {label.digest for label in kept_labels(cube)}:
        measures.pop(STATISTICS)  # predict has kept them, as far as its first shard tells
    if measures:
        plan = prepare_summarise(cube, measures).plan
    else:
        shards = len(cube.layout.windows())
        plan = Plan("summarise", shards, shards, 0, 0, 0, 0)

    def run(desk: Desk) -> None:
        kept = kept_statistics(cube)
        wanted = measures_of(groupings, stats=stats, kept=kept)
        tale = Tale()
        if wanted:
            prepared = prepare_summarise(cube, wanted)
            tale = desk.run(prepared, "taking statistics", where=asked.dataset)
        summary = summary_of(cube, groupings, tale=tale, kept=kept)
        for path in summary.write(str(desk.folder), stats):
            desk.keep(path, _TITLES[path.name])

    return Work(plan, cube.layout, " ".join(measures), run)


def _require_rows(cube: Cube, groupings: tuple[Grouping, ...], *, most: int) -> None:
    rows = len(cube.layout.layers) * sum(len(grouping.groups) for grouping in groupings)
    if rows > most:
        raise LimitError(
            f"a table has {most:,} rows at most but {rows:,} are asked for, one a layer and group; "
            "name larger groups, or fewer"
        )


SUMMARISE = Verb(
    "summarise", "Statistics of maps by groups of places", SummariseParameters, _prepare
)
