"""The command that measures: which shards, chunks and codecs suit a machine or a cluster."""

from typing import Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import DryRun, Folder, Options, check_folder, storage
from lunarscale.console import out_console, print_pairs, print_tables, progress_bar

#: Edges of shards that are measured where none are named.
USUAL_SHARDS = "1024,2048"


@command("bench", "lunarscale bench --shards 1024,2048 --codecs lz4,zstd:1 --out bench/")
def bench_command(
    mosaic: Annotated[
        str | None,
        typer.Argument(help="A finished mosaic to take a piece of; else a SIMULATED Moon."),
    ] = None,
    workload: Annotated[
        str, typer.Option(help="Of ingest, equations, networks, statistics; commas between.")
    ] = "equations,statistics",
    shards: Annotated[
        str | None,
        typer.Option(help="Edges of shards in pixels; else 1024,2048, as far as they fit."),
    ] = None,
    chunks: Annotated[str, typer.Option(help="Edges of inner chunks.")] = "256,512",
    codecs: Annotated[
        str, typer.Option(help="NAME:LEVEL:FILTER of Blosc; lz4, lz4hc, blosclz, zlib, zstd.")
    ] = "lz4:5:auto,zstd:1:auto",
    dtypes: Annotated[
        str, typer.Option(help="int16 (what stores keep), float32 (codec and disk alone).")
    ] = "int16,float32",
    workers: Annotated[
        str | None,
        typer.Option(help="Worker processes, 1,2: else one a core, or all of --scheduler's."),
    ] = None,
    threads: Annotated[
        str | None, typer.Option(help="Threads of a worker, 1,2; else 1, or --scheduler's.")
    ] = None,
    weak: Annotated[
        bool, typer.Option("--weak", help="Weak scaling too: work in proportion to the threads.")
    ] = False,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs a setting.")] = 3,
    size: Annotated[int, typer.Option(min=64, help="Edge of the piece in pixels.")] = 4096,
    out: Folder = "bench",
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where stores are made and removed: the disk or store that is measured. Every "
            "worker must see it. Else in --out.",
        ),
    ] = None,
    *,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="A running Dask scheduler, tls://HOST:8786, or the name of a cluster that stays; "
            "else a local cluster starts."
        ),
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Memory of a worker, 4GiB; else its share of what is free.")
    ] = None,
    tls: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="The cluster's certificates.")
    ] = None,
    storage_options: Options = None,
    dry_run: DryRun = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Measure afresh what is measured already.")
    ] = False,
) -> None:
    """Which shard, chunk, codec, workers and threads are fastest here, and how near the limit.

    Every setting is run in turn, again and again, beside the limit of the same bytes: codec and
    store alone on the same workers. Run it again to go on, or with more settings.

    A laptop:   lunarscale bench

    A cluster:  lunarscale bench mosaic.zarr --scheduler tls://HOST:8786 --tls keys --scratch s3://bucket/tmp

    Scaling:    lunarscale bench --workers 1,2,4 --threads 1,2 --shards 512 --chunks 256 --weak
    """
    from lunarscale.clusters.opening import ClusterChoice
    from lunarscale.steps.bench import bench
    from lunarscale.steps.benchmarking import settings as words
    from lunarscale.steps.benchmarking.measuring import crews_of
    from lunarscale.steps.benchmarking.question import ask, too_few_shards
    from lunarscale.steps.benchmarking.records import Kept
    from lunarscale.steps.benchmarking.tables import (
        commands,
        plan_pairs,
        settings_table,
        summary_tables,
    )

    check_folder(out)
    named = words.workloads(workload)
    cuts = words.cuts(
        words.numbers(USUAL_SHARDS if shards is None else shards, "--shards"),
        words.numbers(chunks, "--chunks"), words.words(codecs, "--codecs"),
    )  # fmt: skip
    types = words.number_types(dtypes)
    counts = None if workers is None else words.numbers(workers, "--workers", least=0)
    each = None if threads is None else words.numbers(threads, "--threads")
    choice = ClusterChoice(scheduler, memory_limit=memory_limit, tls=tls)
    asked = ask(
        words.Sweep(named, cuts, types, crews_of(choice, counts, each), weak), out=out, size=size,
        repeats=repeats, choice=choice, mosaic=mosaic, scratch=scratch,
        fit=shards is None, storage_options=storage(storage_options),
    )  # fmt: skip
    kept = Kept(asked.out, asked.identity(), overwrite=overwrite)
    print_pairs(plan_pairs(asked, kept))
    for remark in too_few_shards(asked):
        out_console.print(remark, markup=False)
    if dry_run:
        print_tables(settings_table(asked, kept))
        asked.check_disk()
        return
    with progress_bar("bench", "run") as update:
        finding = bench(
            asked, overwrite=overwrite, tell=lambda text: out_console.print(text, markup=False),
            progress=lambda done, todo, name: update(done, todo, name),
        )  # fmt: skip
    print_tables(*summary_tables(finding))
    for line in commands(finding.overall, finding) if finding.overall is not None else ():
        out_console.print(f"  {line}", markup=False)
    out_console.print(f"wrote {asked.out / 'index.html'}", markup=False)
