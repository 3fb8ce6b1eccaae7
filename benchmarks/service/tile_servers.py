"""The servers that are compared, each a process of its own with one worker; what they are asked."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil

from lunarscale.service.tiles.matrices import MATRIX_SETS, Tile

#: Seconds in which a server must answer for the first time.
PATIENCE_S = 60.0

#: So that the rate of one address is not what is measured.
_UNLIMITED = ("requests_a_minute=100000000", "requests_at_once=100000000")


@dataclass(frozen=True)
class Shown:
    """What is drawn: one layer, in its colours.

    Parameters
    ----------
    data : Path
        The folder of the store.
    name, layer : str
        The store's name, and the layer's.
    file : Path
        The same layer as a GeoTIFF.
    low, high : float
        Values of the palette's ends.
    quantum : float
        Value of one count.
    """

    data: Path
    name: str
    layer: str
    file: Path
    low: float
    high: float
    quantum: float

    def ours(self, tile: Tile, kind: str = "png") -> str:
        """The path of a tile of ours."""
        query = {"layer": self.layer}
        if kind == "png":
            query |= {"palette": "batlow", "min": str(self.low), "max": str(self.high)}
        place = f"{tile.zoom}/{tile.col}/{tile.row}.{kind}"
        return f"/api/datasets/{self.name}/tiles/{tile.set.name}/{place}?{urlencode(query)}"

    def titilers(self, tile: Tile, kind: str = "png") -> str:
        """The path of the same tile of titiler's, in counts, which it is quickest with."""
        query = f"url={quote(str(self.file), safe='')}"
        if kind == "png":
            ends = f"{self.low / self.quantum},{self.high / self.quantum}"
            query += f"&rescale={ends}&colormap_name=batlow"
        return f"/tiles/{tile.set.name}/{tile.zoom}/{tile.col}/{tile.row}.{kind}?{query}"


@dataclass(frozen=True)
class Server:
    """One that listens.

    Parameters
    ----------
    port : int
    process : psutil.Process
    """

    port: int
    process: psutil.Process

    def spent(self) -> float:
        """Seconds of processor that it took so far."""
        user, system = self.process.cpu_times()[:2]
        return float(user + system)


def command(side: str, shown: Shown, port: int) -> list[str]:
    """How a side is started."""
    if side == "lunarscale":
        limits = [word for limit in _UNLIMITED for word in ("--limit", limit)]
        return [
            sys.executable, "-m", "lunarscale.cli", "serve", str(shown.data), "--port", str(port),
            "--workers", "0", *limits,
        ]  # fmt: skip
    program = [sys.executable, "-m", "benchmarks.service.titiler_peer", str(port)]
    return [*program, str(shown.file)] if side == "titiler" else program


@contextmanager
def started(side: str, shown: Shown) -> Iterator[Server]:
    """A server, from its first answer to the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command(side, shown, port), env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _wait(process, port)
            yield Server(port, psutil.Process(process.pid))
        finally:
            process.terminate()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server on port {port} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {PATIENCE_S:g} s")


def tiles_of(name: str, *, first: int, last: int) -> list[Tile]:
    """All tiles of a set from one zoom to another."""
    tiles = MATRIX_SETS[name]
    return [
        Tile(tiles, zoom, col, row)
        for zoom in range(first, last + 1)
        for col in range(tiles.across << zoom)
        for row in range(tiles.down << zoom)
    ]
