"""Commands about models: what there are, how good, and how to make new ones."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lunarscale.cli.command import app, command
from lunarscale.cli.options import Folder, check_file, check_folder
from lunarscale.console import out_console, print_tables, progress_bar
from lunarscale.errors import StationError, TrainingError

Stations = Annotated[
    str | None,
    typer.Option(help="A table of stations (CSV) instead of the package's own."),
]

Units = Annotated[
    str | None, typer.Option(help="Of the table's oxides, if it asks: wt-pct or fractions.")
]

AnyCamera = Annotated[str, typer.Option(help="clementine or kaguya-mi.")]
PapersCamera = Annotated[
    str | None, typer.Option(help="clementine or kaguya-mi; else the paper's own.")
]
Oxides = Annotated[
    str | None, typer.Option(help="FeO,TiO2: commas between several; else the paper's.")
]
Seeds = Annotated[
    int, typer.Option(min=1, metavar="N", help="Networks an oxide; their mean is used.")
]
Epochs = Annotated[int | None, typer.Option(min=1, metavar="N", help="At most; else the paper's.")]

models_app = typer.Typer(
    invoke_without_command=True,
    epilog="Example: [bold]lunarscale models show qiu-2025-feo[/bold]",
)
app.add_typer(models_app, name="models", rich_help_panel="Models")


@models_app.callback()
def models_command(context: typer.Context) -> None:
    """The models that there are, with formula, validity, scores and source."""
    from lunarscale.steps.models import models_table

    if context.invoked_subcommand is None:
        print_tables(models_table())


@command("models show", "lunarscale models show models/feo.onnx", app=models_app)
def show_command(
    model: Annotated[str, typer.Argument(help="A name, a network's .onnx or a .json.")],
) -> None:
    """Everything that one model says of itself; a network shows that it runs."""
    from lunarscale.steps.models import show_model

    print_tables(show_model(model))


@command("stations", "lunarscale stations --residuals")
def stations_command(
    residuals: Annotated[bool, typer.Option("--residuals", help="One row a station too.")] = False,
    soils: Annotated[
        bool, typer.Option("--soils", help="The tables themselves, both cameras'.")
    ] = False,
) -> None:
    """How the equations do at the 47 sampling stations, and at Chang'e-5 and -6."""
    from lunarscale.stations import STATION_BANDS, built_in_table
    from lunarscale.steps import stations as step

    if soils:
        for camera in STATION_BANDS:
            print_tables(step.composition_table(built_in_table(camera)))
        return
    fits = step.station_fits()
    print_tables(step.stations_table(fits))
    print_tables(step.added_table(step.station_fits(estimated=True)))
    if residuals:
        for quantity in ("FeO", "TiO2"):
            print_tables(step.residuals_table(fits, quantity))


@command("calibrate", "lunarscale calibrate --with-cross-calibrated --out model.json")
def calibrate_command(
    out: Annotated[Path, typer.Option("--out", help="The file of equations, model.json.")],
    stations: Stations = None,
    camera: AnyCamera = "clementine",
    cross_calibrated: Annotated[
        bool,
        typer.Option(
            "--with-cross-calibrated",
            help="Fit Chang'e-5 and -6 too, whose Clementine spectra are estimated.",
        ),
    ] = False,
    units: Units = None,
    log_log: Annotated[
        bool, typer.Option("--log-log", help="Fit titanium's power in logarithms, not in wt %.")
    ] = False,
    bootstrap: Annotated[
        int, typer.Option(min=0, metavar="N", help="Draws for the intervals.")
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Another seed, other draws.")] = 0,
    figure: Annotated[Path | None, typer.Option(help="PNG of the R² surfaces; SVG beside.")] = None,
    residuals: Annotated[bool, typer.Option("--residuals", help="One row a station too.")] = False,
) -> None:
    """Equations of your own: origin search over every station, with intervals."""
    from lunarscale.bands import camera_name
    from lunarscale.steps.calibrate import calibrate
    from lunarscale.steps.learning.calibration_tables import (
        effect_table,
        fit_table,
        residuals_table,
    )

    for path in filter(None, (out, figure)):
        check_file(path)
    with progress_bar("calibrate", "search") as update:
        found = calibrate(
            stations, camera=camera_name(camera), cross_calibrated=cross_calibrated,
            fractions=are_fractions(units), log_log=log_log, bootstrap=bootstrap, seed=seed,
            out=out, figure=figure, progress=update,
        )  # fmt: skip
    for warning in found.warnings:
        out_console.print(f"note: {warning}", markup=False)
    for fit in found.fits:
        tables = [fit_table(found, fit), effect_table(found, fit)]
        tables += [residuals_table(fit)] if residuals else []
        for table in tables:
            if table is not None:
                print_tables(table)
    out_console.print(f"wrote {out}", markup=False)
    if figure is not None:
        out_console.print(f"wrote {figure}", markup=False)


@command("train", "lunarscale train --network qiu-2025 --oxides FeO,TiO2 --seeds 8 --out models/")
def train_command(
    network: Annotated[
        str,
        typer.Option(
            help="qiu-2025, yang-2023, residual; ridges: what ships; ready: all that ship."
        ),
    ],
    out: Folder,
    camera: PapersCamera = None,
    oxides: Oxides = None,
    seeds: Seeds = 8,
    epochs: Epochs = None,
    stations: Stations = None,
    units: Units = None,
    measured_only: Annotated[
        bool,
        typer.Option(
            "--measured-only",
            help="Without Chang'e-5 and -6, whose Clementine spectra are estimated.",
        ),
    ] = False,
    without: Annotated[
        str | None, typer.Option(help="1,14,26: numbers of stations to leave out of everything.")
    ] = None,
    shared: Annotated[
        bool,
        typer.Option("--shared", help="Hold out together, too, what shares a spectrum or a soil."),
    ] = False,
    level: Annotated[float, typer.Option(help="Share that ridges' intervals are to cover.")] = 0.9,
    jackknife: Annotated[
        bool, typer.Option("--jackknife", help="Ridges' intervals by station, not landing site.")
    ] = False,
) -> None:
    """Models of your own, judged at stations and landing sites that they did not see."""
    from lunarscale.training.extra import require_extra

    require_extra()
    from lunarscale.steps.learning.ready import READY
    from lunarscale.steps.learning.report import scores_table, write_report
    from lunarscale.steps.learning.ridges import RIDGES
    from lunarscale.steps.train import train, write_models
    from lunarscale.training.intervals import DEFAULT_METHOD, JACKKNIFE

    check_folder(out)
    wanted, fractions = words(oxides), are_fractions(units)
    if network == READY:
        if stations or wanted or camera or without:
            raise TrainingError(
                "the ready models are made of all that the package has; leave out --stations, "
                "--oxides, --camera and --without, or train ridges with them"
            )
        _remake_ready(Path(out))
        return
    if network == RIDGES:
        _train_ridges(
            out, camera=camera, oxides=wanted, stations=stations, fractions=fractions,
            cross_calibrated=not measured_only, without=numbers(without), level=level,
            method=JACKKNIFE if jackknife else DEFAULT_METHOD,
        )  # fmt: skip
        return
    with progress_bar("train", "network") as update:
        training = train(
            network, camera=camera, oxides=wanted, seeds=seeds, epochs=epochs,
            stations=stations, fractions=fractions, cross_calibrated=not measured_only,
            without=numbers(without), shared=shared, progress=update,
        )  # fmt: skip
    for warning in training.warnings:
        out_console.print(f"note: {warning}", markup=False)
    written = [*write_models(training, Path(out)), *write_report(training, Path(out))]
    print_tables(scores_table(training))
    for path in written:
        out_console.print(f"wrote {path}", markup=False)


def are_fractions(units: str | None) -> bool | None:
    """Whether oxides are weight fractions; None where nothing is said."""
    if units not in (None, "wt-pct", "fractions"):
        raise StationError(f"--units {units}: oxides are in wt-pct or fractions; say one of them")
    return None if units is None else units == "fractions"


def words(text: str | None) -> tuple[str, ...]:
    """Words with commas between them."""
    return tuple(word.strip() for word in text.split(",")) if text else ()


def numbers(text: str | None) -> tuple[int, ...]:
    """Numbers of stations with commas between them."""
    try:
        return tuple(int(word) for word in words(text))
    except ValueError:
        raise StationError(f"{text}: numbers of stations with commas are needed, 1,14,26") from None


def _remake_ready(folder: Path) -> None:
    from lunarscale.steps.learning.ready import remake_network, remake_ridges

    with progress_bar("judge", "oxide") as update:
        written = remake_ridges(folder, progress=update)
    with progress_bar("train", "network") as update:
        written.append(remake_network(folder, progress=update))
    for path in written:
        out_console.print(f"wrote {path} ({path.stat().st_size:,} bytes)", markup=False)


def _train_ridges(out: str, **options: Any) -> None:
    from lunarscale.steps.learning.ridges import train_ridges, write_ridges
    from lunarscale.steps.learning.ridges_report import ridges_tables, write_ridges_report

    with progress_bar("judge", "oxide") as update:
        made = train_ridges(progress=update, **options)
    for warning in made.warnings:
        out_console.print(f"note: {warning}", markup=False)
    written = [*write_ridges(made, Path(out)), *write_ridges_report(made, Path(out))]
    for table in ridges_tables(made):
        print_tables(table)
    for path in written:
        out_console.print(f"wrote {path}", markup=False)


@command("check", "lunarscale check models/oxides.onnx --mix 1,2,14,26 --out check/")
def check_command(
    model: Annotated[list[str], typer.Argument(help="Models' names or paths.")],
    out: Folder,
    mix: Annotated[
        str, typer.Option(help="1,14,26: numbers of the stations to mix; see `stations --soils`.")
    ],
    camera: AnyCamera = "clementine",
    noise: Annotated[
        float | None, typer.Option(help="Relative standard deviation of a reflectance; else 0.005.")
    ] = None,
    ppd: Annotated[
        float | None, typer.Option(help="Pixels a degree; else 4, of Kaguya MI 16.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another Moon.")] = None,
) -> None:
    """Models on a SIMULATED Moon whose spectra are noisy mixtures of stations they never saw."""
    from lunarscale.bands import CAMERAS, camera_name
    from lunarscale.steps import mixtures as step

    check_folder(out)
    chosen, mixed = CAMERAS[camera_name(camera)], numbers(mix)
    with progress_bar("simulate", "tile") as update:
        checked = step.check_on_mixtures(
            model, step.held_out_stations(mixed, chosen.name), out=out, camera=chosen,
            held_out=step.never_saw(model, mixed), noise=noise, ppd=ppd, seed=seed,
            progress=update,
        )  # fmt: skip
    print_tables(step.check_table(checked))
    for path in (checked.figure, checked.table, checked.facts):
        out_console.print(f"wrote {path}", markup=False)


@command("fine-tune", 'lunarscale fine-tune --network residual --site "Chang\'e-6" --out models/')
def fine_tune_command(
    out: Folder,
    network: Annotated[str, typer.Option(help="residual, yang-2023 or qiu-2025.")] = "residual",
    site: Annotated[str, typer.Option(help="The landing site that comes in last.")] = "Chang'e-6",
    camera: PapersCamera = None,
    oxides: Oxides = None,
    seeds: Seeds = 4,
    epochs: Epochs = None,
    stations: Stations = None,
    units: Units = None,
) -> None:
    """What one landing site's truth changes: trained without it, then at a lower rate with it."""
    from lunarscale.training.extra import require_extra

    require_extra()
    from lunarscale.steps.fine_tune import change_table, fine_tune, write

    check_folder(out)
    with progress_bar("fine-tune", "network") as update:
        tuning = fine_tune(
            network, site=site, camera=camera, oxides=words(oxides), seeds=seeds, epochs=epochs,
            stations=stations, fractions=are_fractions(units), progress=update,
        )  # fmt: skip
    for warning in tuning.warnings:
        out_console.print(f"note: {warning}", markup=False)
    written = write(tuning, Path(out))
    print_tables(change_table(tuning))
    for path in written:
        out_console.print(f"wrote {path}", markup=False)
