"""Dry runs of the commands that run in one process: what they tell is what is then made."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from cli_at_hand import lunarscale, refused
from maps_at_hand import write_maps

from lunarscale.grid.raster import RasterGrid
from lunarscale.readers.sources import index_sources

GRID = RasterGrid.whole(0.25)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    counts = np.arange(GRID.height * GRID.width, dtype=np.int16).reshape(GRID.height, -1)
    return write_maps(tmp_path_factory.mktemp("maps") / "maps.zarr", {"FeO": counts}, GRID)


def told(text: str, label: str) -> str:
    """What stands behind a label."""
    found = re.search(rf"^{label} +(\S.*?) *$", text, re.MULTILINE)
    assert found is not None, text
    return found[1]


@pytest.mark.parametrize(("camera", "ppd"), [("clementine", 1), ("kaguya-mi", 4)])
def test_simulate_tells_the_tiles_and_their_bytes(camera: str, ppd: int, tmp_path: Path) -> None:
    out = tmp_path / "tiles"
    asked = ("--camera", camera, "--ppd", ppd, "--bbox", 0, 0, 3, 3, "--out", out)
    text = lunarscale("simulate", *asked, "--dry-run").stdout
    assert not out.exists()
    lunarscale("simulate", *asked)
    made = index_sources([str(out)]).tiles
    # int16 a band; of Kaguya MI a float32 of altitude before them
    deep = 2 * len(made[0].camera.wavelengths_nm) + (4 if camera == "kaguya-mi" else 0)
    size, unit = told(text, "to write").split()
    assert told(text, "tiles") == f"{len(made)}, simulated"
    assert float(size) * {"bytes": 1, "kB": 1e3}[unit] == pytest.approx(
        sum(deep * tile.lines * tile.samples for tile in made), abs=500
    )


def test_simulate_refuses_in_a_dry_run_too(tmp_path: Path) -> None:
    given = ("--camera", "kaguya-mi", "--ppd", "2.5", "--out", tmp_path, "--dry-run")
    assert "whole pixels a degree" in refused("simulate", *given)


def test_export_tells_pixels_and_bytes(maps: str, tmp_path: Path) -> None:
    out = tmp_path / "feo.tif"
    asked = (maps, "--layer", "FeO", "--bbox", 0, 0, 40, 20, "--out", out)
    text = lunarscale("export", *asked, "--dry-run").stdout
    assert not out.exists()
    lunarscale("export", *asked)
    with rasterio.open(out) as file:
        assert told(text, "export") == f"FeO of {file.width} x {file.height} pixels"
        assert told(text, "to read, decoded") == f"{2 * file.width * file.height} bytes"
    assert told(text, "overviews") == "averaged by GDAL"


def test_export_refuses_in_a_dry_run_too(maps: str, tmp_path: Path) -> None:
    given = (maps, "--layer", "iron", "--out", tmp_path / "feo.tif", "--dry-run")
    assert "there is no layer iron; the store has FeO" in refused("export", *given)


def test_demo_tells_what_it_would_make(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    text = lunarscale("demo", "--out", out, "--dry-run").stdout
    assert told(text, "tiles").startswith("996, simulated, ")
    assert told(text, "mosaic") == "2,048 x 1,024 pixels, 32 shards"
    assert told(text, "page").endswith("report/index.html")
    assert not out.exists()
