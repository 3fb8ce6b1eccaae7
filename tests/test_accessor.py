"""``ds.lunar``: the statistics of a dataset are those of the store it came from."""

from pathlib import Path

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from dask.delayed import Delayed
from maps_at_hand import write_maps

import lunarscale
from lunarscale.accessor.blocks import counts_of
from lunarscale.engine.executors import Serial
from lunarscale.errors import ParametersError, RegionError
from lunarscale.flags import NO_DATA, MapReason
from lunarscale.grid.groupings import Seas
from lunarscale.grid.raster import RasterGrid
from lunarscale.quantities import QUANTITIES
from lunarscale.steps.compare import finding_of, prepare_compare
from lunarscale.steps.comparing.question import ask
from lunarscale.steps.sample import sample
from lunarscale.steps.summarise import summarise

BY = ("moon", "maria", "seas", "latitude:30")


GRID = RasterGrid(128, 0, 0, 64, 128)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Maps of noise with holes, 128 x 64 pixels in eight shards."""
    noise = np.random.default_rng(5)
    counts = {}
    for name, low, high in (("FeO", 0, 5000), ("TiO2", -100, 2000), ("OMAT", 500, 4000)):
        counts[name] = noise.integers(low, high, (64, 128)).astype(np.int16)
        counts[name][noise.random((64, 128)) < 0.1] = NO_DATA
    return write_maps(tmp_path_factory.mktemp("accessor") / "maps.zarr", counts, GRID)


@pytest.mark.parametrize("chunks", [None, 21, {"y": 64, "x": 50}])
def test_statistics_are_those_of_the_store(maps: str, chunks: object) -> None:
    """Bit for bit, however the dataset is cut."""
    dataset = lunarscale.open_dataset(maps, chunks=chunks)
    found = dataset.lunar.summarise(by=",".join(BY))
    wanted = summarise(maps, by=BY)
    assert found.rows == wanted.rows
    frame = found.to_frame()
    assert len(frame) == len(wanted.rows)
    assert set(frame["layer"]) == {"FeO", "TiO2", "OMAT"}


def test_loaded_and_undecoded_datasets_give_the_same(maps: str) -> None:
    """NumPy arrays instead of Dask's, and groupings as objects."""
    loaded = lunarscale.open_dataset(maps).load()
    found = loaded.lunar.summarise(by=["moon", Seas()])
    assert found.rows == summarise(maps, by=("moon", "seas")).rows


def test_nothing_is_computed_before_it_is_asked_for(maps: str) -> None:
    """``compute=False`` and ``groups`` are lazy, and reading a dataset is."""
    refuse = dask.config.set(scheduler=_refuse)
    with refuse:
        dataset = lunarscale.open_dataset(maps)
        later = dataset.lunar.summarise(compute=False)
        groups = dataset.lunar.groups("seas")
    assert isinstance(later, Delayed)
    assert dask.is_dask_collection(groups)
    with dask.config.set(scheduler="synchronous"):
        assert later.compute().rows == summarise(maps).rows


def _refuse(*args: object, **kwargs: object) -> None:
    raise AssertionError("something was computed")


def test_groups_are_those_of_the_grouping(maps: str) -> None:
    """Every pixel's number, with the names in CF's words."""
    dataset = lunarscale.open_dataset(maps, chunks=20)
    groups = dataset.lunar.groups("seas")
    np.testing.assert_array_equal(groups, Seas().numbers(GRID, GRID.window))
    assert groups.attrs["flag_meanings"].split()[0] == "Mare_Anguis"
    np.testing.assert_array_equal(groups.lat, dataset.lat)
    # as xarray users would do it: a mask by name
    crisium = Seas().groups.index("Mare Crisium") + 1
    assert bool((groups == crisium).any())


def test_areas_sum_to_the_sphere(maps: str) -> None:
    """Of every row's pixels, in square kilometres."""
    dataset = lunarscale.open_dataset(maps)
    areas = dataset.lunar.areas_km2()
    assert float(areas.sum()) * dataset.sizes["x"] == pytest.approx(37.93e6, rel=1e-3)


def test_a_part_of_the_grid_is_a_grid(maps: str) -> None:
    """Cut by rows and columns: the means are a weighted brute force."""
    part = lunarscale.open_dataset(maps).isel(y=slice(10, 50), x=slice(20, 90))
    assert part.lunar.grid == RasterGrid(128, 10, 20, 40, 70)
    row = next(r for r in part.lunar.summarise(by="moon").rows if r.layer == "FeO")
    values = part["FeO"].load().values.astype(np.float64)
    weights = np.broadcast_to(part.lunar.areas_km2().values[:, None], values.shape)
    valid = np.isfinite(values)
    mean = (values[valid] * weights[valid]).sum() / weights[valid].sum()
    assert row.mean == pytest.approx(mean, abs=1e-6)
    assert row.valid_area_km2 == pytest.approx(weights[valid].sum(), rel=1e-9)


def test_arithmetic_gives_maps_too(maps: str) -> None:
    """A constant added moves the mean by it; what it voids is counted as such."""
    dataset = lunarscale.open_dataset(maps)
    row = next(r for r in dataset.lunar.summarise(by="moon").rows if r.layer == "FeO")
    moved = dataset[["FeO"]] + 1.5
    found = moved.assign_coords(lat=dataset.lat, lon=dataset.lon).lunar.summarise(by="moon").rows
    assert found[0].mean == pytest.approx(row.mean + 1.5, abs=1e-4)
    high = dataset[["FeO", "FeO_flag"]].where(dataset.FeO > 10)
    (kept,) = high.lunar.summarise(by="moon").rows
    assert kept.min is not None
    assert kept.min > 10
    assert kept.valid_area_km2 < row.valid_area_km2


def test_counts_and_flags_of_values() -> None:
    """Rounding to the quantum, NaN, infinity, too large, and flags that know better."""
    values = np.array([[0.0049, np.nan, 1000.0, np.inf, -0.02]])
    counts, flags = counts_of(values, None, QUANTITIES["FeO"])
    np.testing.assert_array_equal(counts, [[1, NO_DATA, NO_DATA, NO_DATA, -4]])
    reasons = [MapReason.HAS_VALUE, MapReason.NO_INPUT, MapReason.BEYOND_RANGE]
    np.testing.assert_array_equal(flags, [[*reasons, MapReason.NO_INPUT, MapReason.HAS_VALUE]])
    given = np.array([[16, 4, 6, 2, 0]], dtype=np.uint8)
    _, flags = counts_of(values, given, QUANTITIES["FeO"])
    np.testing.assert_array_equal(flags, [[16, 4, 6, 2, 0]])


def test_what_is_no_map_of_the_moon_is_refused(maps: str) -> None:
    """One sentence, what was found and what to do."""
    dataset = lunarscale.open_dataset(maps)
    with pytest.raises(ParametersError, match="no map among iron"):
        dataset[["FeO"]].rename(FeO="iron").drop_attrs().lunar.summarise()
    with pytest.raises(RegionError, match="coordinates lat along y"):
        dataset.drop_vars(["lat", "lon"]).lunar.summarise()
    with pytest.raises(RegionError, match="no rectangle of square pixels"):
        dataset.isel(y=slice(None, None, -1)).lunar.summarise()
    with pytest.raises(RegionError, match="no rectangle of square pixels"):
        dataset.isel(x=slice(None, None, 3)).lunar.summarise()
    with pytest.raises(RegionError, match="one pixel"):
        dataset.isel(y=slice(1), x=slice(1)).lunar.summarise()
    with pytest.raises(RegionError, match="is no grouping"):
        dataset.lunar.summarise(by="craters")


def test_every_fourth_pixel_is_a_coarser_grid_only_where_it_is_one(maps: str) -> None:
    """Thinned rows and columns alike are off the coarser grid's centres, and refused."""
    dataset = xr.Dataset(
        {"FeO": (("y", "x"), np.zeros((2, 4)))},
        coords={"lat": ("y", [45.0, -45.0]), "lon": ("x", [-135.0, -45.0, 45.0, 135.0])},
    )
    assert dataset.lunar.grid == RasterGrid(4, 0, 0, 2, 4)
    thinned = lunarscale.open_dataset(maps).isel(y=slice(None, None, 4), x=slice(None, None, 4))
    with pytest.raises(RegionError, match="no rectangle of square pixels"):
        thinned.lunar.grid  # noqa: B018


@pytest.fixture(scope="module")
def other(maps: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another store on the same pixels: iron moved by noise, holes of its own."""
    noise = np.random.default_rng(6)
    counts = lunarscale.open_dataset(maps, chunks=64).FeO / 0.005
    moved = np.rint(counts.fillna(2000).values) + noise.integers(-40, 60, (64, 128))
    made = moved.astype(np.int16)
    made[noise.random((64, 128)) < 0.2] = NO_DATA
    made[3, 3] = -32767  # the difference to what is there fits; to 5000 it does not
    return write_maps(tmp_path_factory.mktemp("other") / "maps.zarr", {"FeO": made}, GRID)


@pytest.mark.parametrize("load", [False, True], ids=["dask", "numpy"])
def test_a_comparison_is_that_of_the_stores(maps: str, other: str, load: bool) -> None:
    """The difference pixel by pixel, and every figure of every region."""
    asked = ask(f"{maps}:FeO", f"{other}:FeO", by=["maria", "seas"])
    wanted = finding_of(asked, prepare_compare(asked).run(Serial()))
    first, second = (lunarscale.open_dataset(place, chunks=21) for place in (maps, other))
    if load:
        first, second = first.load(), second.load()
    found = first.lunar.compare(second, "FeO")
    assert found.rows == wanted.rows
    assert len(found.to_frame()) == len(wanted.rows)
    assert dask.is_dask_collection(found.difference) != load
    expected = (first.FeO - second.FeO).values
    expected[np.abs(expected) > 32767 * 0.005] = np.nan
    np.testing.assert_allclose(found.difference.values, expected, atol=1e-4)


def test_a_comparison_is_lazy_where_it_is_asked(maps: str, other: str) -> None:
    with dask.config.set(scheduler=_refuse):
        first, second = lunarscale.open_dataset(maps), lunarscale.open_dataset(other)
        later = first.lunar.compare(second, "FeO", by="hemispheres", compute=False)
    assert isinstance(later.rows, Delayed)
    with dask.config.set(scheduler="synchronous"):
        rows = later.rows.compute()
    assert [row.group for row in rows] == ["Moon", "nearside", "farside"]


def test_what_cannot_be_compared_is_refused(maps: str, other: str) -> None:
    first, second = lunarscale.open_dataset(maps), lunarscale.open_dataset(other)
    with pytest.raises(ParametersError, match="no map SiO2; it has FeO, TiO2, OMAT"):
        first.lunar.compare(second, "SiO2")
    with pytest.raises(ParametersError, match="only maps of one quantity"):
        first.lunar.compare(second, "TiO2", other_layer="FeO")
    with pytest.raises(RegionError, match="the maps have other pixels"):
        first.lunar.compare(second.isel(y=slice(3, None)), "FeO")


@pytest.mark.parametrize("area_km2", [9_000.0, 90_000.0])
@pytest.mark.parametrize("load", [False, True], ids=["dask", "numpy"])
def test_samples_are_those_of_the_store(
    maps: str, load: bool, area_km2: float, tmp_path: Path
) -> None:
    """The same cells, centres, values and flags as ``lunarscale sample`` writes."""
    sample(maps, out=str(tmp_path / "s.parquet"), cells_km2=area_km2, by=(), every=True)
    table = pd.read_parquet(tmp_path / "s.parquet")
    dataset = lunarscale.open_dataset(maps, chunks=21)
    if load:
        dataset = dataset.load()
        found = dataset.lunar.sample(area_km2)
    else:
        with dask.config.set(scheduler=_refuse):
            found = dataset.lunar.sample(area_km2)
        assert dask.is_dask_collection(found)
    frame = found.to_dataframe().reset_index()
    for name, column in {
        "cell": "cell", "lon": "lon", "lat": "lat", "FeO": "FeO_wt_pct", "OMAT": "OMAT",
        "TiO2": "TiO2_wt_pct",
    }.items():  # fmt: skip
        np.testing.assert_allclose(frame[name], table[column], rtol=1e-6)
    np.testing.assert_array_equal(frame["FeO_flag"], table["FeO_flag"])
