"""An export is of one run's maps from first to last, or there is no file."""

from pathlib import Path

import numpy as np
import pytest
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.ledger import Ledger
from lunarscale.errors import TornError
from lunarscale.grid.raster import RasterGrid
from lunarscale.steps.export import export


def test_maps_written_anew_in_the_middle_are_no_file(tmp_path: Path) -> None:
    grid = RasterGrid.whole(0.25)
    counts = np.arange(grid.height * grid.width, dtype=np.int16).reshape(grid.height, -1)
    maps = write_maps(tmp_path / "maps.zarr", {"FeO": counts}, grid, shard=32, chunk=16)
    cube = open_cube(maps)
    out = tmp_path / "feo.tif"

    def rewrite(done: int, todo: int) -> None:
        if done == 1:
            Ledger.of(cube).withdraw(cube.layout.windows()[0])

    with pytest.raises(TornError, match="a run has written to this store while it was read"):
        export(str(maps), layer="FeO", out=str(out), progress=rewrite)
    assert list(tmp_path.iterdir()) == [tmp_path / "maps.zarr"]
