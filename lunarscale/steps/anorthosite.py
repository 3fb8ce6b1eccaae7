"""Anorthosite: where the crust is magnesian anorthosite, and its share of either highlands."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lunarscale.engine.counting import prepare_sums
from lunarscale.engine.executors import Executor, Serial
from lunarscale.engine.outcome import Tale
from lunarscale.engine.run import Prepared, complain
from lunarscale.engine.sources import MapsSource
from lunarscale.errors import StoreError
from lunarscale.models.anorthosite import Criterion
from lunarscale.reduce.exceedance import Exceedance, exceedances, to_records
from lunarscale.reduce.joint import Joint, Joints
from lunarscale.render.labels import number
from lunarscale.render.share_map import ShareMap, draw_share_map
from lunarscale.render.thresholds import Sensitivity, draw_sensitivity
from lunarscale.steps.anorthosites.mask import MASK_QUANTUM, write_mask
from lunarscale.steps.anorthosites.question import Question, ask
from lunarscale.steps.saving import records_csv, save

#: The groups that are compared, and what lies in none.
NEARSIDE, FARSIDE = "nearside highlands", "farside highlands"
LEFT_OVER = "outside the mare mask"

#: Name of the areas among the run's sums.
_JOINT = "joint"

_COLUMNS = ("Al2O3_wt_pct_at_least", "Mg_number_at_least")

#: Every so many of the compared thresholds has a row, or a column, in the terminal.
_ROWS, _COLS = 2, 4


@dataclass(frozen=True)
class Finding:
    """The answer: every group at every pair of thresholds.

    Parameters
    ----------
    question : Question
    rows : list of Exceedance
    """

    question: Question
    rows: list[Exceedance]

    def at_criterion(self) -> list[Exceedance]:
        """The groups at the thresholds that were asked for."""
        criterion = self.question.criterion
        at = (criterion.al2o3_wt_pct, criterion.mg_number)
        return [row for row in self.rows if row.at_least == at]

    def shares(self, group: str) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        """Share of a group by thresholds, ``(Al2O3, Mg#)``; NaN where it has no values."""
        of = [np.nan if row.share is None else row.share for row in self.rows if row.group == group]
        first, second = self.question.thresholds
        return np.array(of, dtype=np.float64).reshape(len(first), len(second))

    def write(self, folder: str) -> list[Path]:
        """Write ``anorthosite.csv`` and ``anorthosite.json`` into a folder."""
        texts = {"anorthosite.csv": self._csv(), "anorthosite.json": self._json()}
        return [save(Path(folder, name), text) for name, text in texts.items()]

    def _csv(self) -> str:
        records = to_records(self.rows, _COLUMNS)
        return records_csv(records, list(records[0]))

    def _json(self) -> str:
        asked = self.question
        criterion = asdict(asked.criterion) | {
            "plagioclase_volume_share": asked.criterion.plagioclase
        }
        facts = {
            "maps": asked.cube.location.url,
            "simulated": asked.cube.layout.simulated,
            "model": asked.layers[0].model,
            "layers": [layer.name for layer in asked.layers],
            "criterion": criterion,
            "outlines": asked.outlines,
            "ground_truth": asked.ground_truth,
            "at_criterion": to_records(self.at_criterion(), _COLUMNS),
            "sensitivity": to_records(self.rows, _COLUMNS),
        }
        return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def anorthosite(
    maps: str, *, out: str, criterion: Criterion | None = None, mare: str | None = None,
    model: str | None = None, executor: Executor | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Finding:  # fmt: skip
    """Magnesian anorthosite in finished maps: tables, the mask as a map, and figures.

    Parameters
    ----------
    maps : str
        Path or fsspec URL of finished maps.
    out : str
        Folder for the results.
    criterion : Criterion, optional
    mare : str, optional
        A mask whose values other than 0 are mare; the seas as circles if none.
    model : str, optional
        Which model's Al2O3 and Mg#, where the maps have several.
    executor : Executor, optional
    storage_options : dict, optional

    Raises
    ------
    StoreError
        If the maps are not finished, or lack a layer.
    IncompleteError
        If some shards cannot be read.
    """
    asked = ask(maps, criterion=criterion, mare=mare, model=model, storage_options=storage_options)
    tale = prepare_anorthosite(asked).run(executor or Serial())
    complain(tale, maps)
    finding = finding_of(asked, tale)
    finding.write(out)
    draw(finding, out)
    return finding


def prepare_anorthosite(asked: Question) -> Prepared:
    """A count of both maps against each other, not begun: one pass, whatever the thresholds."""
    source = MapsSource(asked.cube, tuple(axis.layer for axis in asked.axes))
    joints = Joints(*asked.axes, grouping=asked.grouping)
    return prepare_sums(source, {_JOINT: joints}, verb="anorthosite")


def finding_of(asked: Question, tale: Tale) -> Finding:
    """What a count that has run has found.

    Raises
    ------
    StoreError
        If nothing was counted.
    """
    joint = tale.sums.get(_JOINT)
    if not isinstance(joint, Joint):
        raise StoreError(f"{asked.cube.location.url}: the maps have no shard to count")
    return Finding(asked, exceedances(joint, asked.thresholds, left_over=LEFT_OVER))


def draw(
    finding: Finding, out: str, *, progress: Callable[[int, int], None] = lambda done, todo: None
) -> list[Path]:
    """Write the mask as GeoTIFF, and its map and the sensitivity as figures.

    Parameters
    ----------
    finding : Finding
    out : str
        Folder.
    progress : callable, optional
        Told windows of the mask done and windows in all.
    """
    folder, asked = Path(out), finding.question
    folder.mkdir(parents=True, exist_ok=True)
    simulated, model = asked.cube.layout.simulated, asked.layers[0].model
    geotiff = folder / "anorthosite.tif"
    small = write_mask(asked, geotiff, progress=progress)
    shares = {row.group: row.share for row in finding.at_criterion()}
    picture = ShareMap(
        title="Magnesian anorthosite",
        values=small.finish(MASK_QUANTUM),
        bounds=small.bounds,
        lines=(asked.criterion.words, f"{model} · {asked.outlines}"),
        outlines=asked.grouping.second,
        shares={group: shares[group] for group in asked.grouping.groups},
    )
    surface = Sensitivity(
        title="Share of magnesian anorthosite by its thresholds",
        lines=(f"{model} · {asked.outlines}",),
        thresholds=asked.thresholds,
        labels=("least Al₂O₃ (wt %)", "least Mg#"),
        shares={group: finding.shares(group) for group in (NEARSIDE, FARSIDE)},
        at=(asked.criterion.al2o3_wt_pct, asked.criterion.mg_number),
    )
    drawn = [
        draw_share_map(picture, path=folder / "anorthosite.png", simulated=simulated),
        draw_sensitivity(surface, path=folder / "anorthosite_sensitivity.png", simulated=simulated),
    ]
    paths = [path for item in drawn for path in (item.path, item.vector) if path is not None]
    return [geotiff, *paths]


def groups_table(finding: Finding) -> Group:
    """The groups at the criterion, for a terminal."""
    asked = finding.question
    words = Text(
        f"Magnesian anorthosite: {asked.criterion.words}\n{asked.outlines}\n{asked.ground_truth}"
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("group", overflow="fold", min_width=len(LEFT_OVER))
    for heading in ("km²", "of km² with values", "share %", "extrapolated %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in finding.at_criterion():
        areas = (f"{row.area_km2:,.0f}", f"{row.valid_area_km2:,.0f}")
        table.add_row(row.group, *areas, _percent(row.share), _percent(row.qualified_share))
    return Group(words, table)


def sensitivity_table(finding: Finding) -> Table:
    """Shares of both highlands by thresholds, nearside / farside, for a terminal."""
    first, second = finding.question.thresholds
    criterion = finding.question.criterion
    rows, cols = (
        range(values.index(at) % every, len(values), every)
        for values, at, every in (
            (first, criterion.al2o3_wt_pct, _ROWS),
            (second, criterion.mg_number, _COLS),
        )
    )
    title = "Share of the highlands by thresholds, nearside / farside, %"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("Al₂O₃ ≥", justify="right")
    for col in cols:
        table.add_column(f"Mg# ≥ {second[col]:g}", justify="right", no_wrap=True)
    near, far = finding.shares(NEARSIDE), finding.shares(FARSIDE)
    for row in rows:
        pairs = ((100.0 * near[row, col], 100.0 * far[row, col]) for col in cols)
        table.add_row(f"{first[row]:g}", *("/".join(number(s, 1) for s in pair) for pair in pairs))
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f}"
