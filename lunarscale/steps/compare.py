"""Compare: two maps of one quantity, or a map and what Lunar Prospector saw."""

from collections.abc import Sequence
from typing import Any

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.map_on_grid import Method
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared, complain
from lunarscale.errors import StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.groupings import WholeMoon
from lunarscale.reduce.joint import Joints
from lunarscale.reduce.pictures import Reduced
from lunarscale.reduce.products import Products
from lunarscale.reduce.sums import Measure
from lunarscale.reduce.tally import Histograms
from lunarscale.steps.comparing.figures import draw
from lunarscale.steps.comparing.finding import Finding
from lunarscale.steps.comparing.prospector import GrsFinding, ask_grs, grs_finding, prepare_grs
from lunarscale.steps.comparing.prospector_figures import draw_grs
from lunarscale.steps.comparing.question import Question, ask
from lunarscale.steps.comparing.tables import write_tables

#: Longest edge of the difference's picture in pixels.
LONGEST = 2048

#: Names of the sums; products have their grouping's name behind it.
_GROUPS, _DENSITY, _PICTURES, _PRODUCTS = "groups", "density", "pictures", "products "


def compare(
    first: str, second: str, *, out: str, by: Sequence[str] = (),
    density_above: float | None = None, moved_by: float | None = None, method: Method = "mean",
    executor: Executor | None = None, storage_options: dict[str, Any] | None = None,
) -> Finding:  # fmt: skip
    """Compare two maps: tables, the difference as a map, and figures.

    Parameters
    ----------
    first, second : str
        ``STORE:LAYER``; differences are the first less the second.
    out : str
        Folder for the results.
    by : sequence of str
        Regions beside the whole Moon; maria and seas if none.
    density_above : float, optional
        Least value of both maps that the density shows.
    moved_by : float, optional
        Difference from which a pixel has moved.
    method : {"mean", "nearest"}
        How a finer map is brought to a coarser grid.
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    StoreError
        If a store is not finished or lacks the layer, or nowhere have both maps a value.
    ParametersError
        If the maps are of different quantities, units or bodies.
    RegionError
        If they have no ground in common.
    IncompleteError
        If some shards cannot be read.
    """
    asked = ask(
        first, second, by=by, density_above=density_above, moved_by=moved_by, method=method,
        storage_options=storage_options,
    )  # fmt: skip
    tale = prepare_compare(asked).run(executor or Serial())
    complain(tale, asked.source.name)
    finding = finding_of(asked, tale)
    write_tables(finding, out)
    draw(finding, out)
    return finding


def compare_grs(
    text: str, table: str, *, out: str, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> GrsFinding:  # fmt: skip
    """Compare a map with Lunar Prospector: the pixels' table, figures as JSON, and pictures.

    Parameters
    ----------
    text : str
        ``STORE:LAYER``.
    table : str
        ``grs:`` and the path or URL of the table.
    out : str
        Folder for the results.
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    StoreError, ParametersError, SourceError
        As of ``ask_grs`` and ``grs_finding``.
    IncompleteError
        If some shards cannot be read.
    """
    asked = ask_grs(text, table, storage_options=storage_options)
    tale = prepare_grs(asked).run(executor or Serial())
    complain(tale, asked.map.name)
    finding = grs_finding(asked, tale)
    finding.write(out)
    draw_grs(finding, out)
    return finding


def prepare_compare(asked: Question) -> Prepared:
    """One pass over both maps that takes all sums, not begun."""
    source = asked.source
    pictures = Reduced.to_fit(source.grid, shard=source.layout.shard, longest=LONGEST)
    measures: dict[str, Measure] = {
        _GROUPS: Histograms(asked.groupings),
        _DENSITY: Joints(*asked.axes, WholeMoon()),
        _PICTURES: pictures,
        **{f"{_PRODUCTS}{g.name}": Products(g) for g in asked.groupings},
    }
    return prepare_sums(source, measures, verb="compare")


def finding_of(asked: Question, tale: Tale) -> Finding:
    """What a pass that has run has found.

    Raises
    ------
    StoreError
        If nowhere have both maps a value; the message says which has none.
    """
    sums: dict[str, Any] = dict(tale.sums)
    if _GROUPS not in sums:
        raise StoreError(f"{asked.source.name}: the maps have no shard to compare")
    finding = Finding(
        asked,
        sums[_GROUPS],
        {g.name: sums[f"{_PRODUCTS}{g.name}"] for g in asked.groupings},
        sums[_DENSITY],
        sums[_PICTURES],
    )
    if not finding.difference.weight:
        raise StoreError(_nothing_common(asked))
    return finding


def _nothing_common(asked: Question) -> str:
    """Which of the maps has no value, where none has both."""
    empty = []
    for side in (asked.source.first, asked.source.second):
        windows = side.cube.layout.windows()
        has = any((side.cube.read(side.layer, w) != NO_DATA).any() for w in windows)
        empty += [] if has else [side.name]
    if empty:
        told = " and ".join(empty)
        return f"{told}: no pixel has a value at all, so there is nothing to compare"
    return (
        f"{asked.source.name}: nowhere do both have a value, so there is nothing to compare; "
        "compare maps that share ground"
    )
