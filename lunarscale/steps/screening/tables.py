"""What screen-pole has found, for a terminal."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lunarscale.render.labels import NO_NUMBER, degrees_east, degrees_north, number
from lunarscale.steps.screening import records as records
from lunarscale.steps.screening.files import method
from lunarscale.steps.screening.finding import Finding

#: Patches that are shown; the files have all.
_PATCHES = 10

#: Shares of the maria whose answers are shown.
_SHARES = (0.5, 0.8, 0.9, 0.95, 0.99)


def amounts_table(finding: Finding) -> Group:
    """How much is like the maria and passes, by both ways of weighing, with the paper's."""
    asked = finding.question
    words = "\n".join([*method(finding), *records.remarks(finding)])
    title = f"Mare-like ground {asked.cap.title} ({asked.layers[0].model})"
    table = _table(title, "")
    for heading in ("cells", "km² by cells", "%", "km² exact", "%"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = records.amounts(finding)
    for row in rows:
        table.add_row(
            row["what"],
            number(row["cells"], 0),
            number(row["cells_km2"], 0),
            _percent(row["cells_share"]),
            number(row["area_km2"], 0),
            _percent(row["area_share"]),
        )
    if asked.is_the_papers:
        table.add_section()
        table.add_row(f"{records.PAPERS}:")
        for row in rows:
            if row["paper_cells"] is not None:
                figures = number(row["paper_cells"], 0), number(row["paper_km2"], 0)
                table.add_row(row["what"], *figures, _percent(row["paper_share"]))
    return Group(Text(words), table)


def sensitivity_table(finding: Finding) -> Table:
    """How the areas move with the share of the maria, at the asked thresholds."""
    asked = finding.question.screen
    table = _table(f"By the maria's share, {asked.words}", "share of the maria")
    for heading in ("like them, km²", "passing, km²", "passing, cells"):
        table.add_column(heading, justify="right", no_wrap=True)
    at = asked.feo_wt_pct, asked.mg_number
    for row in records.sensitivity(finding):
        if (row["FeO_wt_pct_above"], row["Mg_number_below"]) != at:
            continue
        if row["density_share"] in (*_SHARES, asked.density_share):
            table.add_row(
                f"{100 * row['density_share']:g} %",
                number(row["like_the_maria_km2"], 0),
                number(row["area_km2"], 0),
                number(row["cells"], 0),
            )
    return table


def places_table(finding: Finding) -> Table:
    """What passes within the circles of named places."""
    table = _table("Within the circles of named places", "place")
    for heading in ("cells passing", "km² by cells", "km² exact", "% of valid"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in records.places(finding):
        table.add_row(
            row["place"],
            number(row["cells_passing"], 0),
            number(row["cells_km2"], 0),
            number(row["area_km2"], 0),
            _percent(row["share"]),
        )
    return table


def patches_table(finding: Finding) -> Table:
    """The largest patches."""
    found = records.patches(finding)
    shown = found[:_PATCHES]
    more = f"the largest {len(shown)} of {len(found):,}" if len(found) > len(shown) else "all"
    table = _table(f"Patches of cells that pass: {more if found else 'none'}", "")
    feo, mg = (
        f"mean_{records.column(layer.name, layer.quantity)}" for layer in finding.question.layers
    )
    for heading in ("km² by cells", "km² exact", "lon", "lat", "FeO", "Mg#"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("in, or nearest", overflow="fold")
    for row in shown:
        table.add_row(
            str(row["patch"]),
            number(row["cells_km2"], 0),
            number(row["area_km2"], 0),
            degrees_east(round(row["lon"], 1)),
            degrees_north(round(row["lat"], 1)),
            number(row[feo], 2),
            number(row[mg], 3),
            row["holding"] or f"{row['nearest']}, {row['nearest_km']:.0f} km away",
        )
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first, no_wrap=True)
    return table


def _percent(share: float | None) -> str:
    return NO_NUMBER if share is None else f"{100 * share:.2f}"
