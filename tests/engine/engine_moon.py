"""What the engine's tests share: a simulated Moon in a few tiles, and stores compared by the bit.

Stores are read with plain xarray and tables as their rows: nothing here trusts the engine.
"""

from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.executors import Executor
from lunarscale.engine.ledger import Entry, Ledger
from lunarscale.models.registry import BUILT_IN
from lunarscale.simulated.archive import simulated_tile, write_tile
from lunarscale.simulated.tiling import TilePlan, plan_tile
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import summarise
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Every built-in model of the camera.
MODELS = [m.name for m in BUILT_IN.values() if m.camera == CLEMENTINE_UVVIS.name]

#: The little mosaic of the fault tests: 128 x 64 pixels, eight shards.
LITTLE: dict[str, Any] = {"ppd": 64 / 180, "shard": 32, "chunk": 16}


#: Edges of the tiles' rows in degrees.
TILE_ROWS = (-90, -50, -14, 14, 50, 90)


def plans(rows: int) -> list[TilePlan]:
    """Sixty tiles, twelve around the Moon in five rows, for a grid of so many rows."""
    return [
        plan_tile(
            f"UI{abs(south + north) // 2:02d}{'S' if south + north < 0 else 'N'}{west + 15:03d}",
            (float(west), float(south), west + 30.0, float(north)),
            ppd=1.01 * rows / 180,
        )
        for west in range(0, 360, 30)
        for south, north in pairwise(TILE_ROWS)
    ]


def write_moon(folder: Path, rows: int) -> Path:
    """Write the tiles of a whole simulated Moon; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for plan in plans(rows):
        write_tile(folder / plan.file_name, plan, simulated_tile(plan))
    return folder


def arrays(store: Path) -> dict[str, NDArray[Any]]:
    """Every variable of a store as plain xarray reads it, numbers as stored.

    Without Dask's arrays, which take several times as long as the run itself.
    """
    with xr.open_zarr(store, chunks=None, mask_and_scale=False) as dataset:
        return {str(name): dataset[name].values for name in dataset.variables}


def rows_of(maps: Path) -> list[tuple[Any, ...]]:
    """The table of the statistics, every float exact; NaN as a word, for it equals nothing."""
    return [
        tuple("NaN" if item != item else item for item in astuple(row))
        for row in summarise(str(maps)).rows
    ]


@dataclass(frozen=True)
class Contents:
    """All that a run made: arrays as stored, and the table."""

    mosaic: dict[str, NDArray[Any]]
    maps: dict[str, NDArray[Any]]
    rows: list[tuple[Any, ...]]

    def assert_equal(self, other: "Contents") -> None:
        """The same variables of the same types and bits, and the same table."""
        assert_same_arrays(self.mosaic, other.mosaic)
        assert_same_arrays(self.maps, other.maps)
        assert self.rows == other.rows


def contents(folder: Path) -> Contents:
    """What ``mosaic.zarr`` and ``maps.zarr`` of a folder hold."""
    maps = folder / "maps.zarr"
    return Contents(arrays(folder / "mosaic.zarr"), arrays(maps), rows_of(maps))


def assert_same_arrays(mine: dict[str, NDArray[Any]], theirs: dict[str, NDArray[Any]]) -> None:
    """The same variables of the same types, shapes and bits."""
    assert mine.keys() == theirs.keys()
    for name, values in mine.items():
        assert values.dtype == theirs[name].dtype, name
        assert values.shape == theirs[name].shape, name
        assert values.tobytes() == theirs[name].tobytes(), name


def make(tiles: Path, folder: Path, executor: Executor | None = None, **cut: Any) -> Path:
    """Tiles to mosaic to maps in a folder; ``cut`` is what ``ingest`` takes."""
    ingest([str(tiles)], out=str(folder / "mosaic.zarr"), executor=executor, **(cut or LITTLE))
    predict(
        str(folder / "mosaic.zarr"),
        out=str(folder / "maps.zarr"),
        executor=executor,
        models=MODELS,
    )
    return folder


def entries(store: Path) -> dict[str, Entry | None]:
    """The ledger of a store by the shards' names."""
    cube = Cube.open(Location(str(store)))
    ledger = Ledger.of(cube)
    return {ledger.name(window): ledger.read(window) for window in cube.layout.windows()}


def stamps(store: Path) -> dict[str, tuple[int, int]]:
    """Time of writing and inode of every file but the records of runs: a rewrite shows in both."""
    files = (path for path in store.rglob("*") if path.is_file())
    return {
        str(path.relative_to(store)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in files
        if "runs" not in path.parts
    }


def rewritten(before: dict[str, tuple[int, int]], store: Path) -> set[str]:
    """Shards any of whose files were written, made or removed since."""
    now = stamps(store)
    changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
    return {shard for shard in map(_shard, changed) if shard is not None}


def _shard(key: str) -> str | None:
    parts = key.split("/")
    if parts[0] == "ledger":
        return parts[1].split(".")[0] if parts[1].startswith("r") else None
    if "c" not in parts or len(parts) < 4:
        return None  # a document or a coordinate
    return f"r{int(parts[-2]):04d}c{int(parts[-1]):04d}"
