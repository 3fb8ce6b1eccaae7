"""Options that several commands share, and what is checked of them first."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from lunarscale.errors import SourceError

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
Mare = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="The maria: a mask (.png, .tif) or polygons ('maria.gpkg#layer', .shp, .geojson, "
        ".zip); else the seas as circles.",
    ),
]
CodecWord = Annotated[
    str | None,
    typer.Option(
        "--codec",
        metavar="NAME:LEVEL:FILTER",
        help="How chunks are packed, else lz4:5:auto; zstd:1:bitshuffle is smaller and slower.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Start the store afresh, each time it is given.")
]
Options = Annotated[
    str | None,
    typer.Option(
        metavar="JSON",
        help="Options of the object store, as fsspec names them: '{\"anon\": true}'.",
    ),
]


class ClusterOptions(NamedTuple):
    """The options of a cluster: a command's parameter of this type stands for all of them."""

    scheduler: Annotated[
        str | None,
        typer.Option(
            help="A running Dask scheduler, tls://HOST:8786, or the name of a cluster that stays; "
            "else a local cluster starts."
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes, else one a core. 0: no cluster, this process."),
    ] = None
    threads: Annotated[int, typer.Option(min=1, help="Threads of a worker.")] = 1
    memory_limit: Annotated[
        str | None, typer.Option(help="Memory of a worker, 4GiB; else its share of what is free.")
    ] = None
    tls: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="The cluster's certificates; made where the folder is empty."
        ),
    ] = None
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address of this machine where other hosts' workers may join; needs --tls.",
        ),
    ] = None


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
    folder = Path(out).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        found = "a file is there" if there == folder else f"{there} is a file"
        raise SourceError(f"{out}: a folder is needed but {found}; name another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SourceError(f"{out}: {there} may not be written; name another folder")


def check_file(out: Path) -> None:
    """Refuse a file that cannot be written, before the work and not after it."""
    if out.is_dir():
        raise SourceError(f"{out}: a file is needed but a folder is there; name a file in it")
    check_folder(str(out.parent))
