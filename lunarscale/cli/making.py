"""Commands that make and look at mosaics and maps."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import (
    Box,
    ClusterOptions,
    CodecWord,
    DryRun,
    Folder,
    Mare,
    Options,
    Out,
    Overwrite,
    check_folder,
    storage,
)
from lunarscale.cli.running import Runner
from lunarscale.console import out_console, print_pairs, progress_bar
from lunarscale.errors import SourceError


@command("demo", "lunarscale demo --out lunarscale-demo")
def demo_command(
    out: Folder = "lunarscale-demo",
    *,
    cluster: ClusterOptions,
    dry_run: DryRun = False,
) -> None:
    """The whole way on a SIMULATED Moon: tiles, mosaic, maps, report. About a minute, 0.2 GB."""
    from lunarscale.steps.demo import demo, outline
    from lunarscale.steps.summarise import summarise
    from lunarscale.steps.summarising.tables import means_table

    check_folder(out)
    if dry_run:
        print_pairs(outline(out))
        return
    with Runner(cluster) as execute:
        made = demo(
            out,
            execute=execute,
            tell=lambda text: out_console.print(f"[bold]{text}[/bold]"),
            watch=progress_bar,
        )
    out_console.print(
        means_table(summarise(str(made.maps), by=("moon", f"maria={made.mare}")).rows)
    )
    print_pairs([(name, str(path)) for name, path in vars(made).items()])
    out_console.print(
        f"Open {made.page} in a browser: a paper's tables and figures, from these maps. All of it "
        f"is SIMULATED. Every layer by itself: lunarscale report {made.maps} --out DIR\n"
        f"The maps as a Moon to turn about in, served here: lunarscale serve {out}",
        markup=False,
    )


@command("ingest", "lunarscale ingest cl_40*/data --out mosaic.zarr --ppd 60.6467 --bbox 0 0 60 40")
def ingest_command(
    sources: Annotated[
        list[str], typer.Argument(help="Tiles, folders of tiles, globs or fsspec URLs.")
    ],
    out: Out,
    ppd: Annotated[
        float | None,
        typer.Option(help="Pixels a degree; else 303.23349 (100 m), of Kaguya MI 512 (59 m)."),
    ] = None,
    bbox: Box = None,
    shard: Annotated[int, typer.Option(help="Edge of a shard, the unit of work, pixels.")] = 2048,
    chunk: Annotated[int, typer.Option(help="Edge of an inner chunk, pixels.")] = 512,
    codec: CodecWord = None,
    verify: Annotated[
        str | None, typer.Option(help="A list of MD5 sums to check the tiles against first.")
    ] = None,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Archive tiles onto the grid, into a sharded mosaic. Run it again to go on, or add tiles."""
    from lunarscale.engine.run import complain
    from lunarscale.steps.ingest import prepare_ingest
    from lunarscale.store.codec import USUAL_CODEC

    prepared = prepare_ingest(
        sources, out=out, ppd=ppd, bbox=bbox, shard=shard, chunk=chunk,
        codec=codec or USUAL_CODEC, verify=verify,
        storage_options=storage(storage_options), overwrite=overwrite,
    )  # fmt: skip
    with Runner(cluster, dry_run=dry_run) as execute:
        complain(execute("ingest", prepared), out)


@command("predict", "lunarscale predict mosaic.zarr --out maps.zarr --model qiu-2025-feo")
def predict_command(
    mosaic: Annotated[str, typer.Argument(help="The mosaic: a path or an fsspec URL.")],
    out: Out,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model's name, or the path of an .onnx (with a card) or a .json; repeat it for "
            "more. Else the three of Qiu 2025, of Kaguya MI kaguya-oxides."
        ),
    ] = None,
    bbox: Box = None,
    mare: Mare = None,
    by: Annotated[
        str | None,
        typer.Option(help="Keep statistics of these too, as of summarise; commas between."),
    ] = None,
    codec: CodecWord = None,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Every map of a mosaic, with its first statistics, in one pass. Run it again to go on."""
    from lunarscale.engine.run import complain
    from lunarscale.steps.predict import prepare_predict
    from lunarscale.store.codec import USUAL_CODEC

    prepared = prepare_predict(
        mosaic, out=out, models=model or (), bbox=bbox, mare=mare,
        by=[word.strip() for word in by.split(",")] if by else (), codec=codec or USUAL_CODEC,
        storage_options=storage(storage_options), overwrite=overwrite,
    )  # fmt: skip
    with Runner(cluster, dry_run=dry_run) as execute:
        complain(execute("predict", prepared), out)
    if not dry_run:
        out_console.print(
            f"Coarser levels, for `lunarscale serve` and export: lunarscale overview {out}",
            markup=False,
        )


@command("report", "lunarscale report maps.zarr --out report/ --like qiu-2025 --mare mare.png")
def report_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    out: Folder,
    like: Annotated[
        str | None,
        typer.Option(help="qiu-2025: all of that paper's tables and figures, beside its numbers."),
    ] = None,
    mare: Mare = None,
    grs: Annotated[
        str | None,
        typer.Option(help="With --like: a Lunar Prospector abundance table to compare with."),
    ] = None,
    *,
    cluster: ClusterOptions,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """Figures, tables and provenance of maps as one HTML page."""
    check_folder(out)
    options = storage(storage_options)
    if like is None:
        if mare is not None or grs is not None:
            raise SourceError("--mare and --grs go with --like qiu-2025; add that")
        from lunarscale.steps import report as plain

        of_all = plain.ask(maps, storage_options=options)
        prepare, make = partial(plain.prepare, of_all), partial(plain.make, of_all)
    else:
        from lunarscale.steps.reporting import like as likeness
        from lunarscale.steps.reporting import page

        asked = likeness.ask(maps, like=like, mare=mare, grs=grs, storage_options=options)
        prepare, make = partial(likeness.prepare, asked), partial(page.make, asked)
    with Runner(cluster, dry_run=dry_run) as execute:
        if dry_run:
            execute("report", prepare())
            return
        made = make(out, execute)
    out_console.print(f"wrote {made}", markup=False)


@command("export", "lunarscale export maps.zarr --layer FeO --out feo.tif")
def export_command(
    maps: Annotated[str, typer.Argument(help="The maps: a path or an fsspec URL.")],
    layer: Annotated[str, typer.Option(help="The layer, FeO.")],
    out: Annotated[Path, typer.Option("--out", help="The GeoTIFF.")],
    bbox: Box = None,
    storage_options: Options = None,
    dry_run: DryRun = False,
) -> None:
    """One layer as a cloud-optimised GeoTIFF, for GDAL and QGIS."""
    from lunarscale.steps.export import export, outline

    if dry_run:
        print_pairs(
            outline(
                maps, layer=layer, out=str(out), bbox=bbox,
                storage_options=storage(storage_options),
            )
        )  # fmt: skip
        return
    with progress_bar("export", "shard") as update:
        export(
            maps, layer=layer, out=str(out), bbox=bbox, storage_options=storage(storage_options),
            progress=update,
        )  # fmt: skip
    out_console.print(f"wrote {out}", markup=False)
