"""What a training found, for people and programs: tables, a figure, one page."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.table import Table as Printed

import lunarscale
from lunarscale.engine.record import now
from lunarscale.render.labels import number, pretty_name
from lunarscale.render.page import MethodNote, write_page
from lunarscale.render.predictions import PredictionPanel, draw_predictions
from lunarscale.render.tables import Table
from lunarscale.steps.saving import save, save_table
from lunarscale.steps.train import Training
from lunarscale.training.cross_validation import LEAKY
from lunarscale.training.samples import Floats, Samples
from lunarscale.training.scoreboard import PUBLISHED, REFITTED, RIDGE, SEEN, Line

_HEADINGS = ("model", "protocol", "n", "R²", "95 % of R²", "RMSE", "bias", "R² less the ridge's")

_PROTOCOLS = {
    "LOO": "station held out",
    "LOMO": "landing site held out",
    "shared": "held out with all that share its spectrum or soil",
    LEAKY: "leaky",
    SEEN: "seen when fitted",
    PUBLISHED: "an equation as published",
}

_METHOD = (
    "R² is pooled, 1 − SSE/SST. Networks are the mean of their seeds; a held-out station has no "
    "part in scaling, stopping or choice. Intervals are percentiles of 2,000 bootstrap resamples "
    "of stations, or of landing sites where those were held out; a difference to the reference "
    "ridge is bootstrapped in pairs, on equal rows. The origins of OMAT and of the angles are "
    "published ones, which stations as these helped to find. "
    "Most stations lie beside others of their mission, so that holding out one station tests "
    "neighbours; holding out a landing site tests what a map needs. The leaky protocol is what "
    "open code does, and is shown only to tell how much it flatters. A published figure is of the "
    "paper's own stations, not of equal rows."
)


def write_report(training: Training, folder: Path) -> list[Path]:
    """Write ``scores.csv``, ``predictions.csv``, ``scores.json``, the figure and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    name = training.run.final.kind.name
    tables = [_write_scores(training, folder), _write_predictions(training, folder)]
    facts = folder / "scores.json"
    told = {"network": name, "lunarscale": lunarscale.__version__,
            "stations": training.samples.digest, "warnings": list(training.warnings),
            "lines": [asdict(line) for line in training.lines]}  # fmt: skip
    save(facts, json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    picture = draw_predictions(
        _panels(training),
        model=name,
        path=folder / "predictions.png",
        marks=("the station held out (LOO)", "its landing site held out (LOMO)"),
    )
    page = write_page(
        folder,
        title=f"{name} at the stations",
        pictures=[picture],
        tables=[_table(training)],
        provenance=_provenance(training),
        notes=[
            MethodNote(name, training.run.final.kind.silent and _silence(training),
                       source=training.run.final.kind.source),
            MethodNote("How it is judged", _METHOD),
        ],
        summary=_summary(training),
        downloads={
            "scores.csv": "every model's scores under every protocol",
            "predictions.csv": "measured and predicted oxides, one row a station and oxide",
            "scores.json": "the same scores for programs",
        },
    )  # fmt: skip
    return [*tables, facts, picture.path, page]


def scores_table(training: Training) -> Printed:
    """The scores for the terminal."""
    final = training.run.final
    title = f"{final.kind.name}, {_company(len(final.seeds))}, at the stations"
    table = Printed(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("oxide", "model", "protocol"):
        table.add_column(heading, no_wrap=True)
    for heading in ("R²", "95 %", "RMSE", "less ridge"):
        table.add_column(heading, justify="right", no_wrap=True)
    short = {RIDGE: "ridge", REFITTED: "refitted", f"{final.kind.name}, as published": "paper"}
    before = ""
    for line in training.lines:
        if before and line.oxide != before:
            table.add_section()
        oxide = line.oxide if line.oxide != before else ""
        scheme = "seen" if line.scheme == SEEN else line.scheme
        table.add_row(oxide, short.get(line.model, line.model), scheme, *_short(line))
        before = line.oxide
    table.caption = (
        "LOO: the station held out; LOMO: its landing site; leaky LOO: scaled by all stations, "
        "the epoch that is best on the held-out one. 95 %: bootstrap interval of R², over stations "
        "(LOO) or landing sites (LOMO). RMSE in wt %. Seen: fitted to these stations; refitted: "
        "the equation, its origin searched in each fold. Less ridge: R² less the reference "
        "ridge's; * where the 95 % interval of the difference leaves out zero."
    )
    table.caption_justify = "left"
    return table


def _short(line: Line) -> tuple[str, ...]:
    if line.score is None:
        return number(line.r2, 3), "", "", ""
    low, high = (number(end, 2) for end in vars(line.score.interval(line.scheme)).values())
    less, against = "", line.against_ridge
    if against is not None:
        less = number(against.value, 3) + (" " if 0.0 in against.interval else "*")
    return number(line.r2, 3), f"{low}…{high}", number(line.score.rmse, 2), less


def _cells(line: Line) -> tuple[str, ...]:
    protocol = _PROTOCOLS.get(line.scheme, line.scheme)
    if line.score is None:
        return (line.model, protocol, "", number(line.r2, 3), "", "", "", "")
    made, against = line.score, line.against_ridge
    less = ""
    if against is not None:
        low, high = number(against.interval.low, 3), number(against.interval.high, 3)
        less = f"{number(against.value, 3)} ({low} to {high})"
    over = made.interval(line.scheme)
    low, high = number(over.low, 3), number(over.high, 3)
    return (
        line.model, protocol, str(made.n), number(line.r2, 3), f"{low} to {high}",
        number(made.rmse, 3), number(made.bias, 3), less,
    )  # fmt: skip


def _table(training: Training) -> Table:
    oxides = training.run.final.oxides
    sections = tuple(
        (pretty_name(oxide), tuple(_cells(line) for line in training.lines if line.oxide == oxide))
        for oxide in oxides
    )
    return Table("Scores at the stations, RMSE and bias in wt %", _HEADINGS, sections)


def _panels(training: Training) -> list[PredictionPanel]:
    samples, run = training.samples, training.run
    panels = []
    for oxide in run.final.oxides:
        rows = samples.rows(oxide)
        near, far = (run.mean(scheme, oxide)[rows] for scheme in ("LOO", "LOMO"))
        scores = _r2(training.lines, oxide, run.final.kind.name)
        panels.append(
            PredictionPanel(
                oxide,
                samples.target(oxide)[rows],
                near,
                far,
                tuple(samples.sites[row] for row in rows),
                f"R²  LOO {number(scores[0], 3)}\n     LOMO {number(scores[1], 3)}",
                "experimental" if scores[1] < 0.0 else "",
                tuple(bool(samples.estimated[row]) for row in rows),
            )
        )
    return panels


def _r2(lines: Sequence[Line], oxide: str, model: str) -> tuple[float, float]:
    near, far = (
        next(ln.r2 for ln in lines if (ln.oxide, ln.model, ln.scheme) == (oxide, model, scheme))
        for scheme in ("LOO", "LOMO")
    )
    return near, far


def _write_scores(training: Training, folder: Path) -> Path:
    header = (
        "oxide", "model", "protocol", "n", "R2", "R2_low", "R2_high", "RMSE_wt_pct", "bias_wt_pct",
        "R2_less_ridge", "R2_less_ridge_low", "R2_less_ridge_high",
    )  # fmt: skip
    rows: list[list[object]] = []
    for line in training.lines:
        made, against = line.score, line.against_ridge
        row: list[object] = [line.oxide, line.model, line.scheme]
        if made is None:
            row += ["", line.r2, "", "", "", ""]
        else:
            over = made.interval(line.scheme)
            row += [made.n, made.r2, over.low, over.high, made.rmse, made.bias]
        if against is None:
            row += ["", "", ""]
        else:
            row += [against.value, against.interval.low, against.interval.high]
        rows.append(row)
    return save_table(folder / "scores.csv", header, rows)


def _write_predictions(training: Training, folder: Path) -> Path:
    run = training.run
    schemes = list(dict.fromkeys(scheme for scheme, _ in run.held_out))
    columns = (f"{scheme.replace(' ', '_')}_wt_pct" for scheme in schemes)
    header = ("station", "site", "estimated", "oxide", "measured_wt_pct", *columns, "fitted_wt_pct")
    rows = (
        row
        for place, oxide in enumerate(run.final.oxides)
        for row in _predictions(
            training.samples, oxide,
            [*(run.mean(scheme, oxide) for scheme in schemes),
             run.final.predictions[0, place].mean(axis=0)],
        )
    )  # fmt: skip
    return save_table(folder / "predictions.csv", header, rows)


def _predictions(
    samples: Samples, oxide: str, columns: Sequence[Floats]
) -> Iterator[tuple[object, ...]]:
    """One row a station that has the oxide."""
    target = samples.target(oxide)
    for row in samples.rows(oxide):
        estimated = "yes" if samples.estimated[row] else "no"
        values = (round(float(column[row]), 4) for column in columns)
        yield (samples.names[row], samples.sites[row], estimated, oxide, target[row], *values)


def _silence(training: Training) -> str:
    return f"Where the paper is silent: {training.run.final.kind.silent}."


def _summary(training: Training) -> str:
    final, samples = training.run.final, training.samples
    estimated = ", ".join(samples.estimated_names)
    told = f" The spectra of {estimated} are estimated by cross-calibration." if estimated else ""
    return (
        f"{len(samples)} stations of {len(set(samples.sites))} landing sites, seen by "
        f"{final.camera}; {_company(len(final.seeds))}.{told}"
    )


def _provenance(training: Training) -> dict[str, str | list[str]]:
    made: dict[str, str | list[str]] = {
        "page": f"lunarscale {lunarscale.__version__}, {now()}",
        "stations (SHA-256)": training.samples.digest,
        "measured oxides": training.facts["targets"],
    }
    if training.warnings:
        made["warnings"] = list(training.warnings)
    return made


def _company(seeds: int) -> str:
    return "one network an oxide" if seeds == 1 else f"the mean of {seeds} networks an oxide"
