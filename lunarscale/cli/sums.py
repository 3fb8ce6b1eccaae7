"""Commands that sum finished maps up, or sample them."""

from pathlib import Path
from typing import Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import (
    DryRun,
    MemoryLimit,
    Options,
    Scheduler,
    Threads,
    Workers,
    check_file,
    storage,
)
from lunarscale.cli.running import Runner, cluster_choice
from lunarscale.console import out_console


@command("sample", "lunarscale sample maps.zarr --out samples.parquet")
def sample_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Annotated[Path, typer.Option("--out", help="The table: .parquet or .csv.")],
    cells: Annotated[
        float, typer.Option("--cells", help="Area of a cell in km2; the paper's by default.")
    ] = 2.25,
    by: Annotated[
        str, typer.Option(help="Groups named beside each sample, as of summarise; '' for none.")
    ] = "maria,seas,hemispheres",
    every: Annotated[
        bool, typer.Option("--every", help="Cells without any value have a row too.")
    ] = False,
    scheduler: Scheduler = None,
    workers: Workers = None,
    threads: Threads = 1,
    memory_limit: MemoryLimit = None,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """The maps at the centres of equal-area cells: a table of one row a cell."""
    from lunarscale.engine.run import complain
    from lunarscale.steps import sample as step

    asked = step.ask(
        maps, out=str(out), cells_km2=cells, by=[word for word in by.split(",") if word],
        every=every, storage_options=storage(storage_options),
    )  # fmt: skip
    check_file(out)
    choice = cluster_choice(scheduler, workers, threads=threads, memory_limit=memory_limit)
    file = asked.open_file()
    if dry_run:
        with Runner(choice, dry_run=True) as execute:
            execute("sample", step.prepare_sample(asked, file))
        return
    with file, Runner(choice) as execute:
        tale = execute("sample", step.prepare_sample(asked, file))
    complain(tale, maps)
    out_console.print(
        f"wrote {out}: {file.rows:,} of {asked.cells.count:,} {asked.cells.name}", markup=False
    )
