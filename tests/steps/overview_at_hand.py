"""Levels of maps as their tests look at them: pixels held against the ledger, objects as bytes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from lunarscale.engine.ledger import Ledger
from lunarscale.engine.promises import Promises
from lunarscale.store.cube import Cube

#: Pixels around the Moon of which the coarser grids (516, 258) cut some.
AROUND = 1030


def held(level: Cube, layer: str = "FeO") -> Any:
    """Counts and flags of a whole level, each object held against its ledger."""
    cube = replace(level, promised=Promises(Ledger.of(level)))
    return tuple(cube.read(name, cube.grid.window) for name in (layer, f"{layer}_flag"))


def bits(maps: str) -> dict[str, bytes]:
    """Every object of the levels that holds pixels."""
    root = Path(maps, "overviews")
    files = (path for path in root.rglob("*") if path.is_file() and "c" in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
