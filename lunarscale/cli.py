"""The command line: one command a step."""

import functools
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, TypeVar

import typer

import lunarscale
from lunarscale.console import err_console, out_console, print_pairs, progress_bar
from lunarscale.errors import IncompleteError, LunarscaleError, SourceError

app = typer.Typer(
    help="Maps of the Moon's chemistry from orbit: tiles in, FeO, TiO2 and maturity maps out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Try [bold]lunarscale demo[/bold]: the whole way on a simulated Moon.",
)

Command = TypeVar("Command", bound=Callable[..., None])

Out = Annotated[str, typer.Option("--out", help="The store to make: a path or an fsspec URL.")]
Folder = Annotated[str, typer.Option("--out", help="Folder to write into; made if need be.")]
Box = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option(
        "--bbox",
        metavar="W S E N",
        help="Degrees, snapped outward to pixels; W > E crosses the seam at 180.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="A running Dask scheduler, tcp://HOST:8786; else a local cluster starts."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=0, help="Worker processes, else one a core. 0: no cluster, this process."),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of a worker.")]
MemoryLimit = Annotated[
    str | None, typer.Option(help="Memory of a worker, 4GiB; else its share of what is free.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Start the store afresh, each time it is given.")
]
Options = Annotated[
    str | None,
    typer.Option(metavar="JSON", help="Options for fsspec, '{\"anon\": true}'."),
]


def command(name: str, example: str) -> Callable[[Command], Command]:
    """A command whose errors are one sentence, with an example in its help."""

    def stop(message: str, code: int) -> typer.Exit:
        err_console.print(f"[red]lunarscale {name}:[/red]", end=" ")
        err_console.print(message.removeprefix(f"{name}: "), markup=False)
        return typer.Exit(code)

    def register(function: Command) -> Command:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            try:
                function(*args, **kwargs)
            except LunarscaleError as error:
                raise stop(str(error), error.exit_code) from None
            except OSError as error:
                what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
                advice = "check that the path is right and may be written"
                raise stop(f"{what}; {advice}", 1) from None
            except KeyboardInterrupt:
                advice = "what is finished is kept; run it again, without --overwrite, to go on"
                raise stop(f"stopped; {advice}", 130) from None

        app.command(name, epilog=f"Example: [bold]{example}[/bold]")(run)
        return function

    return register


def storage(options: str | None) -> dict[str, Any]:
    """fsspec options from JSON."""
    if options is None:
        return {}
    try:
        parsed = json.loads(options)
    except ValueError as error:
        raise SourceError(f"--storage-options {options}: this is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise SourceError(f'--storage-options {options}: a JSON object is needed, {{"anon": true}}')
    return parsed


def check_folder(out: str) -> None:
    """Refuse what results cannot be put into, before the work and not after it."""
    if "://" in out:
        raise SourceError(f"{out}: a folder of this machine is needed, not a URL; name another")
    if Path(out).is_file():
        raise SourceError(f"{out}: a folder is needed but a file is there; name another")


def version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        out_console.print(f"lunarscale {lunarscale.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Options before the command."""


class Runner:
    """Runs prepared steps on the cluster that the user chose, starting it once.

    Parameters
    ----------
    choice : ClusterChoice
    dry_run : bool
    """

    def __init__(self, choice: Any, *, dry_run: bool = False) -> None:
        self.choice, self.dry_run = choice, dry_run
        self._stack = ExitStack()
        self._cluster: Any = None

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __call__(self, verb: str, prepared: Any) -> Any:
        """Print the plan, refuse what does not fit, run, and return the tale."""
        from lunarscale.engine.executors import OnDask, Serial
        from lunarscale.engine.outcome import Tale

        choice, plan, layout = self.choice, prepared.plan, prepared.layout
        what = f"{layout.kind} of {layout.grid.width:,} x {layout.grid.height:,} pixels"
        print_pairs([(verb, what), *plan.lines(choice.threads)])
        if choice.scheduler is None:
            plan.check(layout, threads=choice.threads, worker_bytes=choice.worker_bytes)
        if self.dry_run:
            if prepared.problems:
                listed = "".join(f"\n  {problem}" for problem in prepared.problems)
                raise IncompleteError(f"nothing is written; the run would go without:{listed}")
            return Tale()
        if not prepared.jobs:
            out_console.print("Nothing to do: every shard that can be made is done.")
            return prepared.run(Serial())
        if choice.workers == 0:
            executor: Any = Serial()
        else:
            cluster = self._open()
            threads, memory = cluster.threads, cluster.worker_bytes
            plan.check(layout, threads=threads, worker_bytes=memory)
            executor = OnDask(cluster.client)
        start = perf_counter()
        with progress_bar(verb, "shards") as update:

            def show(tale: Any, todo: int) -> None:
                rate = tale.pixels / 1e6 / max(perf_counter() - start, 1e-9)
                update(tale.done, todo, f"{rate:,.1f} Mpx/s")

            tale = prepared.run(executor, show)
        if tale.disagreements:
            values = tale.pixels * len(layout.camera_facts.wavelengths_nm)
            out_console.print(
                f"Overlapping tiles differ in {tale.disagreements:,} of {values:,} counts "
                f"({tale.disagreements / values:.1%}); the first tile by name and path won."
            )
        return tale

    def _open(self) -> Any:
        if self._cluster is None:
            from lunarscale.engine.clusters import open_cluster

            self._cluster = self._stack.enter_context(open_cluster(self.choice))
            out_console.print(f"Dask dashboard: {self._cluster.dashboard}")
        return self._cluster


def cluster_choice(
    scheduler: str | None, workers: int | None, *, threads: int, memory_limit: str | None
) -> Any:
    """The cluster options as one value."""
    from lunarscale.engine.clusters import ClusterChoice

    return ClusterChoice(scheduler, workers, threads, memory_limit)


@command("demo", "lunarscale demo --out lunarscale-demo")
def demo_command(
    out: Folder = "lunarscale-demo",
    scheduler: Scheduler = None,
    workers: Workers = None,
    threads: Threads = 1,
    memory_limit: MemoryLimit = None,
) -> None:
    """The whole way on a SIMULATED Moon: PDS3 tiles, mosaic, maps, report. About a minute."""
    from lunarscale.steps.demo import demo
    from lunarscale.steps.summarise import means_table, summarise

    check_folder(out)
    choice = cluster_choice(scheduler, workers, threads=threads, memory_limit=memory_limit)
    with Runner(choice) as execute:
        made = demo(
            out,
            execute=execute,
            tell=lambda text: out_console.print(f"[bold]{text}[/bold]"),
            watch=progress_bar,
        )
    out_console.print(means_table(summarise(str(made.maps), by=("moon", "maria")).rows))
    print_pairs([(name, str(path)) for name, path in vars(made).items()])
    out_console.print(f"Open {made.page} in a browser. All of it is SIMULATED.")


@command("ingest", "lunarscale ingest cl_40*/data --out mosaic.zarr --ppd 60.6467 --bbox 0 0 60 40")
def ingest_command(
    sources: Annotated[
        list[str], typer.Argument(help="Tiles, folders of tiles, globs or fsspec URLs.")
    ],
    out: Out,
    ppd: Annotated[float, typer.Option(help="Pixels a degree; 303.23349 is 100 m.")] = 303.23349,
    bbox: Box = None,
    shard: Annotated[int, typer.Option(help="Edge of a shard, the unit of work, pixels.")] = 2048,
    chunk: Annotated[int, typer.Option(help="Edge of an inner chunk, pixels.")] = 512,
    verify: Annotated[
        str | None, typer.Option(help="A list of MD5 sums to check the tiles against first.")
    ] = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    threads: Threads = 1,
    memory_limit: MemoryLimit = None,
    storage_options: Options = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Archive tiles onto the grid, into a sharded mosaic. Run it again to go on, or add tiles."""
    from lunarscale.engine.run import complain
    from lunarscale.steps.ingest import prepare_ingest

    prepared = prepare_ingest(
        sources, out=out, ppd=ppd, bbox=bbox, shard=shard, chunk=chunk, verify=verify,
        storage_options=storage(storage_options), overwrite=overwrite,
    )  # fmt: skip
    choice = cluster_choice(scheduler, workers, threads=threads, memory_limit=memory_limit)
    with Runner(choice, dry_run=dry_run) as execute:
        complain(execute("ingest", prepared), out)


@command("predict", "lunarscale predict mosaic.zarr --out maps.zarr --model qiu-2025-feo")
def predict_command(
    mosaic: Annotated[str, typer.Argument(help="The mosaic: a path or an fsspec URL.")],
    out: Out,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model's name; repeat it for more. Else the three of Qiu 2025."),
    ] = None,
    bbox: Box = None,
    mare: Annotated[
        str | None, typer.Option(help="A mask of the maria (.png, .tif); else the seas as circles.")
    ] = None,
    scheduler: Scheduler = None,
    workers: Workers = None,
    threads: Threads = 1,
    memory_limit: MemoryLimit = None,
    storage_options: Options = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Every map of a mosaic, with its first statistics, in one pass. Run it again to go on."""
    from lunarscale.engine.run import complain
    from lunarscale.steps.predict import prepare_predict

    prepared = prepare_predict(
        mosaic, out=out, models=model or (), bbox=bbox, mare=mare,
        storage_options=storage(storage_options), overwrite=overwrite,
    )  # fmt: skip
    choice = cluster_choice(scheduler, workers, threads=threads, memory_limit=memory_limit)
    with Runner(choice, dry_run=dry_run) as execute:
        complain(execute("predict", prepared), out)


@command("summarise", "lunarscale summarise maps.zarr --by moon,maria,seas --out out/")
def summarise_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Folder,
    by: Annotated[
        str,
        typer.Option(help="moon, maria, seas, regions.geojson, mask.png; commas between several."),
    ] = "moon,maria,seas",
    scheduler: Scheduler = None,
    workers: Workers = None,
    threads: Threads = 1,
    memory_limit: MemoryLimit = None,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """Exact area-weighted statistics by groups of places, as CSV and JSON."""
    from lunarscale.engine.run import complain
    from lunarscale.steps import summarise as step

    options = storage(storage_options)
    cube, groupings = step.open_maps(maps, options), step.read_groupings(by.split(","), options)
    check_folder(out)
    kept = step.kept_statistics(cube)
    choice = cluster_choice(scheduler, workers, threads=threads, memory_limit=memory_limit)
    if kept is not None and step.covers(kept, groupings):
        summary = step.summary_of(cube, kept, groupings)
    else:
        with Runner(choice, dry_run=dry_run) as execute:
            tale = execute("summarise", step.prepare_summarise(cube, groupings))
        if dry_run:
            return
        complain(tale, maps)
        summary = step.tale_summary(cube, tale, groupings)
    if dry_run:
        out_console.print("Nothing to count: predict has kept these statistics.")
        return
    written = summary.write(out)  # before the table: whoever reads that may stop half-way
    out_console.print(step.rows_table(summary.rows))
    for path in written:
        out_console.print(f"wrote {path}", markup=False)


@command("report", "lunarscale report maps.zarr --out report/")
def report_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Folder,
    storage_options: Options = None,
) -> None:
    """Figures, tables and provenance of maps as one HTML page."""
    from lunarscale.steps.report import report

    check_folder(out)
    with progress_bar("report", "layers") as update:
        page = report(
            maps, out=out, storage_options=storage(storage_options),
            progress=update,
        )  # fmt: skip
    out_console.print(f"wrote {page}", markup=False)


@command("export", "lunarscale export maps.zarr --layer FeO --out feo.tif")
def export_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    layer: Annotated[str, typer.Option(help="The layer, FeO.")],
    out: Annotated[Path, typer.Option("--out", help="The GeoTIFF.")],
    bbox: Box = None,
    storage_options: Options = None,
) -> None:
    """One layer as a cloud-optimised GeoTIFF, for GDAL and QGIS."""
    from lunarscale.steps.export import export

    with progress_bar("export", "shards") as update:
        export(
            maps, layer=layer, out=str(out), bbox=bbox, storage_options=storage(storage_options),
            progress=update,
        )  # fmt: skip
    out_console.print(f"wrote {out}", markup=False)


@command("info", "lunarscale info maps.zarr")
def info_command(
    store: Annotated[str, typer.Argument(help="A mosaic or maps: a path or an fsspec URL.")],
    storage_options: Options = None,
) -> None:
    """What a store holds, and what made it."""
    from lunarscale.steps.info import describe

    print_pairs(describe(store, storage(storage_options)))


@command("validate", "lunarscale validate maps.zarr --deep")
def validate_command(
    store: Annotated[str, typer.Argument(help="A mosaic or maps: a path or an fsspec URL.")],
    deep: Annotated[bool, typer.Option("--deep", help="Read and check every byte.")] = False,
    storage_options: Options = None,
) -> None:
    """Hold a store against its ledger. A torn shard is made again by the next run."""
    from lunarscale.steps.validate import validate

    with progress_bar("validate", "shards") as update:
        verdict = validate(
            store, deep=deep, storage_options=storage(storage_options),
            progress=update,
        )  # fmt: skip
    for fault in verdict.torn:
        out_console.print(f"torn: {fault}", markup=False)
    if verdict.missing:
        more = f" and {len(verdict.missing) - 8:,} more" if len(verdict.missing) > 8 else ""
        out_console.print(f"not made yet: {', '.join(verdict.missing[:8])}{more}")
    out_console.print(f"{verdict.done} of {verdict.shards} shards are whole")
    if not verdict.is_whole:
        out_console.print("Run the command that made the store again: it makes what is missing.")
        raise typer.Exit(1)


@command("models", "lunarscale models")
def models_command() -> None:
    """The models that there are, with formula, validity and source."""
    from lunarscale.steps.models import models_table

    out_console.print(models_table())


@command("stations", "lunarscale stations --residuals")
def stations_command(
    residuals: Annotated[bool, typer.Option("--residuals", help="One row a station too.")] = False,
) -> None:
    """How the equations do at the 47 sampling stations."""
    from lunarscale.steps.stations import residuals_table, station_fits, stations_table

    fits = station_fits()
    out_console.print(stations_table(fits))
    if residuals:
        for quantity in ("FeO", "TiO2"):
            out_console.print(residuals_table(fits, quantity))


@command("simulate", "lunarscale simulate --ppd 6.06467 --out tiles/")
def simulate_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the tiles.")],
    ppd: Annotated[float, typer.Option(help="Pixels a degree; 303.23349 is the archive's.")],
    bbox: Box = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another Moon.")] = None,
) -> None:
    """A SIMULATED Moon as tiles in the archive's PDS3 format."""
    from lunarscale.grid.raster import RasterGrid
    from lunarscale.simulated.archive import write_archive
    from lunarscale.simulated.surface import SEED

    whole = RasterGrid.whole(ppd)
    if bbox is not None:
        whole.crop(*bbox)  # refuses what is no part of the Moon
    with progress_bar("simulate", "tiles") as update:
        made = write_archive(
            out, ppd=ppd, bbox=bbox, seed=SEED if seed is None else seed,
            progress=update,
        )  # fmt: skip
    out_console.print(f"wrote {len(made)} simulated tiles to {out}", markup=False)


def main() -> None:
    """Entry point of the ``lunarscale`` command."""
    app()


if __name__ == "__main__":
    main()
