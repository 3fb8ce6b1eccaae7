"""The command that compares: what it says and writes, and what it refuses."""

import numpy as np
import pytest
from cli_at_hand import lunarscale, refused
from maps_at_hand import write_maps

from lunarscale.grid.raster import RasterGrid
from lunarscale.simulated.grs import grs_cells, pixel_means, write_grs

GRID = RasterGrid.whole(0.5)


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    counts = np.random.default_rng(6).integers(800, 3000, (GRID.height, GRID.width))
    layers = {"FeO": counts, "FeO_b": counts + 20, "TiO2": counts}
    layers = {name: values.astype(np.int16) for name, values in layers.items()}
    return write_maps(tmp_path_factory.mktemp("maps") / "maps.zarr", layers, GRID)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    cells = grs_cells(30)
    return write_grs(tmp_path_factory.mktemp("grs") / "sim.tab", cells, pixel_means(cells))


@pytest.mark.slow
def test_two_maps(maps, tmp_path):
    out = tmp_path / "out"
    shown = lunarscale(
        "compare", f"{maps}:FeO", f"{maps}:FeO_b", "--out", out, "--by", "hemispheres",
        "--density-above", "6", "--workers", "0",
    ).output  # fmt: skip
    assert "mean −0.100 wt %" in " ".join(shown.replace("\N{NO-BREAK SPACE}", " ").split())
    assert "nearside" in shown
    assert (out / "FeO_difference.tif").exists()
    written = {path.name for path in out.iterdir()}
    assert all(name in shown.replace("\n", "") for name in written)


def test_lunar_prospector(maps, table, tmp_path):
    shown = lunarscale(
        "compare", f"{maps}:FeO", "--with", f"grs:{table}", "--out", tmp_path, "--workers", "0"
    ).output
    assert "RMSE" in shown
    assert "independent" in shown
    assert (tmp_path / "FeO_grs.csv").exists()


def test_a_dry_run_writes_nothing(maps, table, tmp_path):
    out = tmp_path / "out"
    for other in ([f"{maps}:FeO_b"], ["--with", f"grs:{table}"]):
        shown = lunarscale("compare", f"{maps}:FeO", *other, "--out", out, "--dry-run").output
        assert "memory a task" in shown
    assert not out.exists()


def test_refusals(maps, table, tmp_path):
    def told(*args):
        return refused("compare", *args, "--out", tmp_path, "--workers", "0")

    assert "nothing given; name a second map" in told(f"{maps}:FeO")
    both = (f"{maps}:FeO", f"{maps}:FeO_b", "--with", f"grs:{table}")
    assert "B and --with given" in told(*both)
    assert "a layer must be named too" in told(maps, f"{maps}:FeO_b")
    assert "there is no map CaO; the store has FeO, FeO_b, TiO2" in told(
        f"{maps}:FeO", f"{maps}:CaO"
    )
    assert "only maps of one quantity can be compared" in told(f"{maps}:FeO", f"{maps}:TiO2")
    assert "there is before-after and equation-network" in told(maps, "--preset", "both")
    assert "no pair of layers" in told(maps, "--preset", "before-after")
    assert "grs: and a table" in told(f"{maps}:FeO", "--with", table)
