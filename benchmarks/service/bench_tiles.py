"""Tiles a second for 32 clients, beside titiler on the same map, in turns.

``python -m benchmarks.service.bench_tiles`` prints the tables; under ``pytest`` both draw the same
tiles of a small simulated Moon.

Both are processes with one worker of the same server (uvicorn, h11) on loopback. *Cold*: started
afresh, each tile asked for once; before that each has drawn zoom 0, so that all code is loaded.
*Warm*: the same tiles again, in another order. The *limit* is an app on the same server that sends
the same bytes whatever is asked for. Files come from the system's cache for both.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graphs.inputs import make_mosaic
from benchmarks.graphs.options import moon_options
from benchmarks.kernels.bench_equations import processor
from benchmarks.service.many_clients import Answers, ask_all, fetched
from benchmarks.service.same_tiles import Differences, compare
from benchmarks.service.tile_servers import Server, Shown, started, tiles_of
from benchmarks.service.titiler_peer import titiler_app
from lunarscale.engine.executors import Serial
from lunarscale.engine.run import complain
from lunarscale.service.app import create_app
from lunarscale.service.settings import Settings
from lunarscale.service.tiles.matrices import AROUND_M, MATRIX_SETS, Tile
from lunarscale.steps.export import export
from lunarscale.steps.overview import overview
from lunarscale.steps.predict import prepare_predict

CLIENTS = 32
SIDES = ("lunarscale", "titiler", "limit")

#: Ours over titiler's, tiles a second, at least.
REQUIRED = 1.0

LAYER, LOW, HIGH, QUANTUM = "FeO", 0.0, 20.0, 0.005


def make_shown(folder: Path, *, width: int, shard: int, chunk: int) -> Shown:
    """A simulated Moon's iron with its levels, and the same as a GeoTIFF with overviews."""
    data = folder / "data"
    data.mkdir()
    mosaic, maps = str(folder / "mosaic.zarr"), data / "maps.zarr"
    make_mosaic(mosaic, width=width, shard=shard, chunk=chunk, executor=Serial())
    prepared = prepare_predict(mosaic, out=str(maps), models=("qiu-2025-feo",))
    complain(prepared.run(Serial()), str(maps))
    shutil.rmtree(mosaic)
    overview(str(maps))
    file = export(str(maps), layer=LAYER, out=str(folder / "iron.tif"))
    return Shown(data, maps.name, LAYER, file, LOW, HIGH, QUANTUM)


@pytest.mark.filterwarnings("ignore")  # titiler, rio-tiler and affine give theirs
def test_both_draw_the_same(tmp_path: Path) -> None:
    """At the map's own zoom each pixel is the same; about a pole theirs are warped.

    There coarser tiles of ours are nearer to the true means.
    """
    shown = make_shown(tmp_path, width=2048, shard=512, chunk=128)
    ours = TestClient(create_app(Settings(shown.data)), base_url="http://localhost")
    peer = TestClient(titiler_app())
    with ours:
        for name, every in (("MoonCylindrical", 5), ("MoonSouthPolar", 2)):
            native = native_zoom(name, 2048)
            tiles = tiles_of(name, first=0, last=native)[::every]
            found = compare(
                shown, tiles, ours=lambda path: ours.get(path).content,
                theirs=lambda path: peer.get(path).content, native=native,
            )  # fmt: skip
            assert found.tiles == len(tiles)
            assert found.is_same, found


def test_the_clients_count_every_answer(tmp_path: Path) -> None:
    """As many answers as paths, each with its time; a refusal is no answer."""
    shown = Shown(tmp_path, "none", LAYER, tmp_path / "none.tif", LOW, HIGH, QUANTUM)
    with started("limit", shown) as server:
        answers = ask_all(server.port, ["/"] * 200, clients=8)
    assert len(answers.latencies) == 200
    assert 0 < answers.quantile(0.5) <= answers.quantile(0.99) <= answers.seconds
    assert answers.bytes == 200 * 32_768


@dataclass(frozen=True)
class Pass:
    """All tiles asked for once.

    Parameters
    ----------
    answers : Answers
    processor : float
        Seconds of the server's.
    """

    answers: Answers
    processor: float


def ask(server: Server, paths: list[str]) -> Pass:
    """One pass of 32 clients over all tiles."""
    before = server.spent()
    answers = ask_all(server.port, paths, clients=CLIENTS)
    return Pass(answers, server.spent() - before)


@dataclass(frozen=True)
class Measured:
    """Passes of every side and state, and how far both sides agree."""

    passes: dict[tuple[str, str], list[Pass]]
    differences: Differences
    tiles: int

    def median(self, side: str, state: str, of: Callable[[Pass], float]) -> float:
        """Of all passes."""
        return float(np.median([of(each) for each in self.passes[side, state]]))

    def ratio(self, state: str) -> float:
        """Ours over titiler's, tiles a second."""
        return self.rate("lunarscale", state) / self.rate("titiler", state)

    def rate(self, side: str, state: str) -> float:
        """Tiles a second."""
        return self.median(side, state, lambda each: each.answers.rate)


def path_for(side: str, shown: Shown) -> Callable[[Tile], str]:
    """How a side is asked for a tile."""
    return shown.titilers if side == "titiler" else shown.ours


def native_zoom(name: str, width: int) -> int:
    """The first zoom of a set that shows the pixels of a map as wide as this."""
    pixel_m = AROUND_M / width * (1.0 + 1e-9)
    return next(zoom for zoom in range(17) if MATRIX_SETS[name].cell_m(zoom) <= pixel_m)


def measure(shown: Shown, name: str, asked: argparse.Namespace) -> Measured:
    """Turns of all sides, cold and warm, one after the other."""
    native = native_zoom(name, asked.width)
    tiles = tiles_of(name, first=1, last=native)
    order = random.Random(6)
    tiles = order.sample(tiles, min(asked.tiles, len(tiles)))
    passes: dict[tuple[str, str], list[Pass]] = {}
    for turn in range(asked.repeats):
        for side in SIDES if turn % 2 == 0 else SIDES[::-1]:
            with started(side, shown) as server:
                path = path_for(side, shown)
                ask(server, [path(tile) for tile in tiles_of(name, first=0, last=0)])
                states = ("cold", *["warm"] * asked.warm) if side != "limit" else ("warm",)
                for state in states:
                    order.shuffle(tiles)
                    found = ask(server, [path(tile) for tile in tiles])
                    passes.setdefault((side, state), []).append(found)
    return Measured(passes, _differences(shown, tiles, native), len(tiles))


def _differences(shown: Shown, tiles: list[Tile], native: int) -> Differences:
    """How far both sides' tiles agree, some of each zoom."""
    with started("lunarscale", shown) as ours, started("titiler", shown) as theirs:
        return compare(
            shown,
            tiles[:60],
            ours=lambda path: fetched(ours.port, path),
            theirs=lambda path: fetched(theirs.port, path),
            native=native,
        )


def show(found: dict[str, Measured]) -> None:
    """Print the tables."""
    console = Console(width=110)
    for name, of in found.items():
        table = Table(
            title=f"{of.tiles} tiles of {name} for {CLIENTS} clients, {processor()}",
            box=box.SIMPLE_HEAD,
        )
        for heading in ("", "", "tiles/s", "median ms", "99 % ms", "processor ms a tile", "kB"):
            table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
        for side, state in of.passes:
            figures = (
                of.rate(side, state),
                1e3 * of.median(side, state, lambda each: each.answers.quantile(0.5)),
                1e3 * of.median(side, state, lambda each: each.answers.quantile(0.99)),
                1e3 * of.median(side, state, lambda each: each.processor) / of.tiles,
                1e-3 * of.median(side, state, lambda each: each.answers.bytes) / of.tiles,
            )
            digits = (0, 1, 1, 2, 1)
            told = [f"{figure:,.{n}f}" for figure, n in zip(figures, digits, strict=True)]
            table.add_row(side, state, *told)
        console.print(table)
        for state in ("cold", "warm"):
            console.print(f"{state}: {of.ratio(state):.1f} times titiler's tiles a second")
        differences = of.differences
        console.print(
            f"of {differences.tiles} tiles {differences.at_native:.4%} of the pixels differ at the "
            f"map's own zoom, {differences.coarser:.2%} by more than two colours elsewhere"
        )
        if differences.off_means is not None:
            ours, theirs = differences.off_means
            console.print(
                f"off the true means there: ours {ours:.1f}, titiler's {theirs:.1f} colours"
            )
        console.print()


def settings() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = moon_options(__doc__.splitlines()[0], room="1 GB")
    parser.set_defaults(width=8192)
    parser.add_argument("--tiles", type=int, default=600, help="different ones, of all zooms")
    parser.add_argument("--warm", type=int, default=3, help="passes over them once they are known")
    parser.add_argument("--sets", nargs="*", default=["MoonCylindrical", "MoonSouthPolar"])
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if titiler is faster somewhere, or draws another map."""
    asked = settings()
    folder = Path(tempfile.mkdtemp(prefix="bench-tiles-", dir=asked.folder))
    try:
        shown = make_shown(folder, width=asked.width, shard=asked.shard, chunk=asked.chunk)
        found = {name: measure(shown, name, asked) for name in asked.sets}
    finally:
        shutil.rmtree(folder)
    show(found)
    fast = all(of.ratio(state) >= REQUIRED for of in found.values() for state in ("cold", "warm"))
    same = all(of.differences.is_same for of in found.values())
    return 0 if fast and same else 1


if __name__ == "__main__":
    sys.exit(main())
