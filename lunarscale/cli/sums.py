"""Commands that sum finished maps up, or sample them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import (
    ClusterOptions,
    DryRun,
    Folder,
    Options,
    check_file,
    check_folder,
    storage,
)
from lunarscale.cli.running import Runner
from lunarscale.console import out_console, print_tables

if TYPE_CHECKING:
    from lunarscale.store.cube import Cube


@command("summarise", "lunarscale summarise maps.zarr --by moon,maria,seas --out out/")
def summarise_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Folder,
    by: Annotated[
        str,
        typer.Option(
            help="moon, maria, seas, hemispheres, spa, latitude:5, pkt=TABLE, cells, cells:KM2, "
            "polygons (.geojson, .gpkg, .shp, .zip), masks (.png, .tif), maria=FILE, seas=FILE; "
            "commas between several."
        ),
    ] = "moon,maria,seas",
    stats: Annotated[
        str | None,
        typer.Option(
            help="Some of mean, std, shape, range, quantiles, box, mode, modes, histogram, "
            "covariance, pca, or all; commas between. Those that are columns by default."
        ),
    ] = None,
    bandwidth: Annotated[
        list[str] | None,
        typer.Option(help="LAYER=WIDTH: smooth for modes by this, in units; repeat it for more."),
    ] = None,
    pca: Annotated[
        Literal["correlation", "covariance"] | None,
        typer.Option(help="Principal components of this matrix; of correlations by --stats pca."),
    ] = None,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage", help="Polygons' borders divide pixels by exact area, not by centres."
        ),
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Means at the centres of the paper's cells beside.")
    ] = False,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """Exact area-weighted statistics by groups of places, as CSV and JSON."""
    from lunarscale.engine.outcome import Tale
    from lunarscale.engine.run import complain
    from lunarscale.grid.cells import qiu_2025_cells
    from lunarscale.reduce.stats import USUAL, read_bandwidths, read_stats
    from lunarscale.steps import summarise as step
    from lunarscale.steps.opening import open_maps, read_groupings
    from lunarscale.steps.summarising.tables import summary_tables

    options, asked = storage(storage_options), USUAL if stats is None else read_stats(stats)
    if pca is not None:
        asked = (*asked, *({"pca"} - set(asked)))
    words = [word.strip() for word in by.split(",")]
    cube = open_maps(maps, options)
    groupings = read_groupings(
        [word for word in words if word != "cells"], options, grid=cube.grid, coverage=coverage
    )
    widths = read_bandwidths(bandwidth or (), [layer.name for layer in cube.layout.layers])
    check_folder(out)
    kept, cells = step.kept_statistics(cube), qiu_2025_cells() if sample else None
    measures = step.measures_of(groupings, stats=asked, cells=cells, kept=kept) if groupings else {}
    tale, written = Tale(), list[Path]()
    with Runner(cluster, dry_run=dry_run) as execute:
        if measures:
            tale = execute("summarise", step.prepare_summarise(cube, measures))
        elif groupings and dry_run:
            out_console.print("Nothing to count: predict has kept these statistics.")
        if "cells" in words:
            written = _by_cells(execute, cube, out)
    if dry_run:
        return
    complain(tale, maps)
    if groupings:
        summary = step.summary_of(cube, groupings, tale=tale, kept=kept)
        summary = replace(summary, bandwidths=widths, matrix=pca or "correlation")
        written += summary.write(out, asked)  # first: whoever reads the tables may stop half-way
        print_tables(*summary_tables(summary.results, asked))
    for path in written:
        out_console.print(f"wrote {path}", markup=False)


def _by_cells(execute: Runner, cube: "Cube", out: str) -> list[Path]:
    """What the paper's cells hold, one file a layer; none in a dry run."""
    from lunarscale.engine.run import complain
    from lunarscale.grid.cells import qiu_2025_cells
    from lunarscale.steps.summarising.cells import CellFiles, coarseness, prepare_cells

    files = CellFiles(cube, qiu_2025_cells(), out)
    if said := coarseness(cube.grid, files.cells):
        out_console.print(f"--by cells: {said}", markup=False)
    if execute.dry_run:
        execute("summarise cells", prepare_cells(files))
        return []
    with files:
        tale = execute("summarise cells", prepare_cells(files))
    complain(tale, cube.location.url)
    return files.paths


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
    *,
    cluster: ClusterOptions,
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
    file = asked.open_file()
    if dry_run:
        with Runner(cluster, dry_run=True) as execute:
            execute("sample", step.prepare_sample(asked, file))
        return
    with file, Runner(cluster) as execute:
        tale = execute("sample", step.prepare_sample(asked, file))
    complain(tale, maps)
    out_console.print(
        f"wrote {out}: {file.rows:,} of {asked.cells.count:,} {asked.cells.name}", markup=False
    )
