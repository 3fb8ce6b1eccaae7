"""Tiles and undisturbed runs that the engine's tests are held against, made once."""

from pathlib import Path

import pytest
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
