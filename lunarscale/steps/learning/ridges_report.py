"""What ships, for people and programs: scores, intervals, a figure, one page."""

import json
from pathlib import Path

from rich import box
from rich.table import Table as Printed

import lunarscale
from lunarscale.engine.record import now
from lunarscale.render.labels import number, pretty_name
from lunarscale.render.page import MethodNote, write_page
from lunarscale.render.predictions import PredictionPanel, draw_predictions
from lunarscale.render.tables import Table
from lunarscale.steps.learning.ridges import Ridges
from lunarscale.steps.saving import save
from lunarscale.training.intervals import Coverage
from lunarscale.training.published import PUBLISHED_R2
from lunarscale.training.verdict import JUDGED

_SCORES = ("oxide", "held out", "R²", "95 %", "nested", "reference", "less it", "RMSE", "paper")
_COVERS = ("oxide", "station out", "95 %", "site out", "95 %", "width")

_METHOD = (
    "Held out LOO: the station; LOMO: its landing site. 95 %: bootstrap interval of R², over "
    "stations (LOO) or landing sites (LOMO). Nested: R² when the family is chosen again without "
    "the station or site, which is what choosing by these rules is worth; the menu and the rules "
    "themselves were settled with scores in sight, so it is somewhat too good still. The angles' "
    "origins are published ones that such stations helped to find: found again in every fold, "
    "Clementine's LOMO falls from 0.936 to 0.924 for FeO, from 0.526 to 0.511 for SiO₂, and by "
    "less than 0.005 for the others. Reference: "
    "ridge on logarithms of the bands and their squares; less it: the difference in R², * where "
    "the 95 % interval of the paired bootstrap leaves out zero. RMSE in wt %. Paper: Qiu et al. "
    "2025, on spectra and soils that differ from these at some of its 49 stations. An oxide "
    "without skill at landing sites held out (R² below zero, nested or not) is experimental."
)
_INTERVALS = (
    "(Barber et al. 2021): their ends come from models without each landing site, or station, and "
    "those models' errors there. Coverage is nested: the intervals "
    "were made again without the station, or without its whole site, of the family that was "
    "chosen with all of them. 95 %: binomial, as if stations were independent. Width: median, wt %."
)


def write_ridges_report(made: Ridges, folder: Path) -> list[Path]:
    """Write ``<camera>-scores.json``, the figure, and the page ``index.html``."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = folder / f"{made.short}-scores.json"
    told = {
        "camera": made.samples.camera,
        "lunarscale": lunarscale.__version__,
        "stations": made.samples.digest,
        "oxides": {
            oxide: of.figures()
            | {"coverage": {scheme: vars(made.coverage[scheme, oxide]) for scheme in JUDGED}}
            for oxide, of in made.verdicts.items()
        },
    }
    save(facts, json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    picture = draw_predictions(
        _panels(made), model=f"{made.short}-oxides", path=folder / f"{made.short}-predictions.png",
        marks=("the station held out (LOO)", "its landing site held out (LOMO)"),
    )  # fmt: skip
    page = write_page(
        folder,
        title=f"{made.short}-oxides at the stations",
        pictures=[picture],
        tables=[
            Table(title, headings, (("", tuple(rows)),))
            for title, headings, rows, _ in _parts(made)
        ],
        provenance={
            "page": f"lunarscale {lunarscale.__version__}, {now()}",
            "stations (SHA-256)": made.samples.digest,
            "measured oxides": made.facts["targets"],
        },
        notes=[
            *(MethodNote(f"{pretty_name(oxide)}: {of.name}", f"{of.why}. {of.reason}".strip())
              for oxide, of in made.verdicts.items()),
            MethodNote("How it is judged", _METHOD),
            MethodNote("Intervals", _intervals(made)),
        ],
        summary=_summary(made),
        downloads={facts.name: "all figures for programs"},
    )  # fmt: skip
    return [facts, picture.path, page]


def ridges_tables(made: Ridges) -> list[Printed]:
    """Scores and coverage for the terminal."""
    tables = []
    for title, headings, rows, told in _parts(made):
        table = Printed(
            title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        for place, heading in enumerate(headings):
            table.add_column(heading, justify="right" if place else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        table.caption, table.caption_justify = told, "left"
        tables.append(table)
    return tables


_Rows = list[tuple[str, ...]]


def _parts(made: Ridges) -> list[tuple[str, tuple[str, ...], _Rows, str]]:
    """Title, headings, rows and method of each table."""
    return [
        (f"{made.short}-oxides at the stations", _SCORES, _scores(made), _METHOD),
        (f"Coverage of {made.level:.0%} intervals", _COVERS, _covers(made), _intervals(made)),
    ]


def _intervals(made: Ridges) -> str:
    return f"Prediction intervals are {made.method} {_INTERVALS}"


def _scores(made: Ridges) -> _Rows:
    rows: _Rows = []
    for oxide, of in made.verdicts.items():
        for scheme in JUDGED:
            score, against = of.scores[scheme], of.against_reference[scheme]
            over = score.interval(scheme)
            paper = PUBLISHED_R2["qiu-2025"].get(oxide) if scheme == "LOO" else None
            name = pretty_name(oxide) + (" (exp.)" if of.experimental else "")
            rows.append(
                (
                    name if scheme == "LOO" else "",
                    scheme,
                    number(score.r2, 3),
                    f"{number(over.low, 2)}…{number(over.high, 2)}",
                    number(of.nested[scheme].r2, 3),
                    number(of.reference[scheme].r2, 3),
                    number(against.value, 3) + ("" if 0.0 in against.interval else "*"),
                    number(score.rmse, 2),
                    "" if paper is None else number(paper, 3),
                )
            )
    return rows


def _covers(made: Ridges) -> _Rows:
    return [
        (
            pretty_name(oxide),
            *_covered(made.coverage["LOO", oxide]),
            *_covered(made.coverage["LOMO", oxide]),
            number(made.coverage["LOO", oxide].width, 2),
        )
        for oxide in made.verdicts
    ]


def _covered(cover: Coverage) -> tuple[str, str]:
    told = f"{cover.inside}/{cover.n} = {100.0 * cover.share:.0f} %"
    return told, f"{100.0 * cover.low:.0f}…{100.0 * cover.high:.0f} %"


def _panels(made: Ridges) -> list[PredictionPanel]:
    samples, panels = made.samples, []
    for oxide, of in made.verdicts.items():
        rows = samples.rows(oxide)
        near, far = (made.predicted[scheme, oxide][rows] for scheme in JUDGED)
        told = "\n     ".join(
            f"{'R²  ' if scheme == 'LOO' else ''}{scheme} {number(of.scores[scheme].r2, 3)}"
            for scheme in JUDGED
        )
        sites = tuple(samples.sites[row] for row in rows)
        remark = "experimental" if of.experimental else ""
        estimated = tuple(bool(samples.estimated[row]) for row in rows)
        measured = samples.target(oxide)[rows]
        panels.append(PredictionPanel(oxide, measured, near, far, sites, told, remark, estimated))
    return panels


def _summary(made: Ridges) -> str:
    samples, estimated = made.samples, made.samples.estimated_names
    told = f" The spectra of {', '.join(estimated)} are estimated by cross-calibration."
    return (
        f"{len(samples)} stations of {len(set(samples.sites))} landing sites, seen by "
        f"{samples.camera}.{told if estimated else ''}"
    )
