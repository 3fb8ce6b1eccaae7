"""A file from a stranger is read for the first time in a process of its own, which may not live.

What reads it is what reads it later; here it may take so much memory and time and no more, so a
file that explodes takes this process with it and nothing else.
"""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lunarscale.errors import LunarscaleError, ModelError, RegionError, SourceError

#: What the process may take: address space (libraries alone map a third of one), time of a core.
MEMORY_BYTES, CPU_S, WALL_S = 3 * 2**29, 30, 90

#: Such processes at a time.
AT_ONCE = 2

_rooms = threading.BoundedSemaphore(AT_ONCE)

#: Regions whose names are told.
NAMES_TOLD = 50


def try_file(kind: str, file: Path, **options: Any) -> dict[str, Any]:
    """What a file holds, found out by the reader of its kind.

    Parameters
    ----------
    kind : {"models", "tables", "polygons"}
    file : Path
    **options
        What the reader must be told: the camera of a table, the most vertices of polygons.

    Raises
    ------
    SourceError
        If it is not what it should be, or reading it takes too much.
    """
    asked = json.dumps([kind, str(file), options])
    command = [sys.executable, "-P", "-m", __name__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    too_much = (
        f"{file.name}: reading this file takes more than {CPU_S} s or {MEMORY_BYTES / 2**30:g} "
        "GiB; make it smaller"
    )
    try:
        with _rooms:
            ended = subprocess.run(
                command, input=asked, env=environment, cwd="/", timeout=WALL_S, check=False,
                capture_output=True, text=True,
            )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceError(too_much) from error
    said = ended.stdout.rpartition("\n")[2]
    if ended.returncode != 0 or not said.startswith("{"):
        raise SourceError(too_much)
    told: dict[str, Any] = json.loads(said)
    if "problem" in told:
        raise SourceError(str(told["problem"]))
    return told


def _model(file: Path) -> dict[str, Any]:
    from lunarscale.models.network import Network
    from lunarscale.models.registry import find_models

    found = find_models(str(file))
    for model in found:
        if isinstance(model, Network):
            model.open()
    if len({model.camera for model in found}) != 1:
        raise ModelError(f"{file.name}: its models are for several cameras; give one file each")
    return {
        "camera": found[0].camera,
        "bands_nm": sorted({band for model in found for band in model.bands_nm}),
        "quantities": sorted({q.name for model in found for q in model.quantities}),
        "models": [model.name for model in found],
        "source": "; ".join(dict.fromkeys(model.source for model in found if model.source))[:500],
    }


def _table(file: Path, camera: str) -> dict[str, Any]:
    from lunarscale.stations.reading import read_stations

    table = read_stations(file, camera)
    return {
        "camera": camera,
        "stations": len(table.stations),
        "warnings": list(table.warnings)[:NAMES_TOLD],
    }


def read_polygons(file: Path, vertices: int) -> dict[str, Any]:
    """What a file of polygons holds.

    Raises
    ------
    RegionError
        If they have more than so many places, or are none.
    """
    from lunarscale.readers.geojson import geojson_grouping
    from lunarscale.readers.outlines import MOST_NEAR
    from lunarscale.readers.wanted import Wanted

    blob = file.read_bytes()
    corners = blob.count(b"[")  # a bracket a place, and some
    if corners > 2 * vertices + 1_000:
        raise RegionError(
            f"{file.name}: polygons of {vertices:,} places at most are taken but these have more; "
            "simplify them, or cut them into files"
        )
    grouping = geojson_grouping(file.stem, blob, Wanted(), near=MOST_NEAR)
    return {
        "regions": len(grouping.groups),
        "polygons": len(grouping.polygons),
        "names": list(grouping.groups)[:NAMES_TOLD],
    }


_READERS: dict[str, Callable[..., dict[str, Any]]] = {
    "models": _model, "tables": _table, "polygons": read_polygons,
}  # fmt: skip


def main() -> None:
    """Read the file that standard input names; say on standard output what it holds."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kind, name, options = json.load(sys.stdin)
    try:
        told = _READERS[kind](Path(name), **options)
    except LunarscaleError as error:
        told = {"problem": str(error)}
    except RecursionError:
        told = {"problem": f"{Path(name).name}: it is nested too deeply; write it plainly"}
    sys.stdout.write(f"\n{json.dumps(told)}")


if __name__ == "__main__":
    main()
