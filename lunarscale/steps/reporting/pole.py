"""The south polar screening within the report: Figure 5, beside what the paper found."""

from pathlib import Path

from lunarscale.engine.run import Execute, complain
from lunarscale.errors import RegionError, StoreError
from lunarscale.render.figure import Illustration
from lunarscale.render.labels import number
from lunarscale.render.tables import Table
from lunarscale.steps.paper_columns import COLUMNS
from lunarscale.steps.reporting.like import Question
from lunarscale.steps.reporting.published import PAPER
from lunarscale.steps.screening import records as records
from lunarscale.steps.screening.figures import sheet
from lunarscale.steps.screening.files import method, write
from lunarscale.steps.screening.finding import (
    Finding,
    finding_of,
    prepare_patches,
    prepare_screen,
    seen_of,
)
from lunarscale.steps.screening.question import ask

#: Folder of the screening's files, beside the page.
FOLDER = "south_pole"

#: Patches that the page lists; the files have all.
_PATCHES = 12


def screen(asked: Question, execute: Execute) -> Finding | str:
    """Screen the maps' south pole, or say why that cannot be done.

    Two passes: which cells are like the maria, then the exact areas of their patches.

    Raises
    ------
    IncompleteError
        If some shards cannot be read.
    """
    url = asked.cube.location.url
    layer = asked.layer("Mg_number")
    if layer is None:
        needs = next(column for column in COLUMNS if column.key == "Mg_number").heading
        return f"Not screened: the maps have no {needs}."
    try:
        question = ask(
            url, mare=asked.mare, model=layer.model,
            storage_options=asked.cube.location.storage_options,
        )  # fmt: skip
        tale = execute("screen-pole", prepare_screen(question))
        complain(tale, url)
        seen = seen_of(question, tale)
        tale = execute("screen-pole", prepare_patches(seen))
        complain(tale, url)
        return finding_of(seen, tale)
    except (StoreError, RegionError) as reason:
        # maps that end before the pole, or have no values there, still have their other figures
        return f"Not screened: {reason}."


def write_pole(finding: Finding, folder: Path) -> Illustration:
    """Figure 5 beside the page, and its numbers in a folder of their own below."""
    write(finding, folder / FOLDER)
    return sheet(finding, folder / "figure_5.png", title="Figure 5. ")


def pole_tables(finding: Finding) -> list[Table]:
    """How much is like the maria and passes, beside the paper's; and the largest patches."""
    simulated = finding.question.cube.layout.simulated
    return [_amounts(finding, simulated=simulated), _patches(finding)]


def pole_words(finding: Finding) -> list[str]:
    """How it was screened, and what must be known of the result."""
    return [" ".join(method(finding)), f"To know: {'; '.join(records.remarks(finding))}."]


def _amounts(finding: Finding, *, simulated: bool) -> Table:
    rows = tuple(
        (
            str(row["what"]),
            number(row["cells"], 0),
            number(row["cells_km2"], 0),
            _percent(row["cells_share"]),
            number(row["area_km2"], 0),
            _percent(row["area_share"]),
            number(row["paper_cells"], 0),
            number(row["paper_km2"], 0),
            _percent(row["paper_share"]),
        )
        for row in records.amounts(finding)
    )
    headings = (
        "ground south of 65° S", "cells", "km² by cells", "%", "km² exact", "%",
        f"{PAPER}: cells", f"{PAPER}: km²", f"{PAPER}: %",
    )  # fmt: skip
    caption = "Screening of the south pole"
    if simulated:
        caption += " (SIMULATED: not comparable with the paper)"
    return Table(caption, headings, (("", rows),))


def _patches(finding: Finding) -> Table:
    rows = tuple(
        (
            str(row["patch"]),
            number(row["cells"], 0),
            number(row["area_km2"], 0),
            number(row["lon"], 2),
            number(row["lat"], 2),
            number(row["nearest_km"], 0),
            str(row["holding"] or row["nearest"]),
        )
        for row in records.patches(finding)[:_PATCHES]
    )
    headings = (
        "patch", "cells", "km² exact", "longitude, °E", "latitude, °N", "to nearest name, km",
        "in or near",
    )  # fmt: skip
    caption = f"The {len(rows)} largest connected patches that pass"
    return Table(caption, headings, (("", rows),), remarks=True)


def _percent(share: float | None) -> str:
    return number(None if share is None else 100.0 * share, 2)
