"""Tiles and undisturbed runs that the engine's tests are held against, made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from engine_moon import Contents, contents, make, write_moon


@pytest.fixture(scope="session")
def little_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiles for the little mosaic of eight shards; nobody changes them."""
    return write_moon(tmp_path_factory.mktemp("little") / "tiles", rows=64)


@pytest.fixture(scope="session")
def undisturbed(little_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The little Moon as ``Serial`` makes it in peace."""
    return contents(make(little_tiles, tmp_path_factory.mktemp("undisturbed")))


@pytest.fixture(scope="session")
def moon_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiles for a mosaic of 1024 x 512 pixels; nobody changes them."""
    return write_moon(tmp_path_factory.mktemp("moon") / "tiles", rows=512)


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Client]:
    """A client of two worker processes of one thread each."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as local,
        Client(local, set_as_default=False) as client,
    ):  # fmt: skip
        yield client
