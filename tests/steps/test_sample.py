"""Samples as a table: every cell's value read by hand, the same bytes whoever writes them."""

import errno
import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from cli_at_hand import lunarscale as run
from distributed import Client
from maps_at_hand import open_cube, write_maps

from lunarscale.engine.executors import OnDask, Serial
from lunarscale.errors import SourceError, StoreError
from lunarscale.flags import NO_DATA
from lunarscale.grid.cells import equal_area_cells, qiu_2025_cells
from lunarscale.grid.raster import RasterGrid
from lunarscale.quantities import QUANTITIES
from lunarscale.readers.regions import read_grouping
from lunarscale.steps import sample as step
from lunarscale.steps.sample import STRIP_CELLS, sample, strips
from lunarscale.steps.sampling.file import SampleFile

LAYERS = ("FeO", "OMAT")
QUANTA = (0.005, 1e-4)
AREA_KM2 = 9_000.0
CELLS = equal_area_cells(AREA_KM2)
GRID = RasterGrid.whole(0.5)


def counts(grid: RasterGrid) -> dict[str, np.ndarray]:
    """Two layers of noise; one pixel in three has no value, all of some rows have none."""
    rng = np.random.default_rng(20_251_121)
    made = {}
    for layer in LAYERS:
        values = rng.integers(-2000, 9000, (grid.height, grid.width)).astype(np.int16)
        values[rng.random(values.shape) < 1 / 3] = NO_DATA
        values[40:43] = NO_DATA
        made[layer] = values
    return made


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A whole Moon of 180 x 90 pixels."""
    return write_maps(tmp_path_factory.mktemp("sampled") / "maps.zarr", counts(GRID), GRID)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips of few cells, so that there are several."""
    monkeypatch.setattr(step, "STRIP_CELLS", 300)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("every", [False, True])
def test_each_row_is_the_pixel_that_holds_the_cells_centre(
    maps: str, tmp_path: Path, *, every: bool
) -> None:
    """Against a walk over all cells by ``RasterGrid.locate``, values in float64."""
    out = tmp_path / "samples.parquet"
    rows = sample(maps, out=str(out), cells_km2=AREA_KM2, every=every)
    table = pyarrow.parquet.read_table(out)
    lons, lats = CELLS.centres()
    where = np.array([GRID.locate(lon, lat) for lon, lat in zip(lons, lats, strict=True)])
    stored = np.array([counts(GRID)[layer][tuple(where.T)] for layer in LAYERS])
    kept = np.flatnonzero(np.full(CELLS.count, every) | (stored != NO_DATA).any(axis=0))
    assert rows == table.num_rows == len(kept)
    assert (rows == CELLS.count) == every
    np.testing.assert_array_equal(table["cell"], kept)
    np.testing.assert_array_equal(table["lon"], lons[kept])
    np.testing.assert_array_equal(table["lat"], lats[kept])
    for layer, column, quantum, values in zip(
        LAYERS, ("FeO_wt_pct", "OMAT"), QUANTA, stored[:, kept], strict=True
    ):
        expected = np.where(values == NO_DATA, np.nan, values.astype(np.float64) * quantum)
        found = table[column].to_numpy()
        np.testing.assert_array_equal(np.isnan(found), values == NO_DATA)
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=0)
        np.testing.assert_array_equal(table[f"{layer}_flag"], values == NO_DATA)
    for name in step.GROUPINGS:
        grouping = read_grouping(name)
        numbers = grouping.numbers(GRID, GRID.window)[tuple(where[kept].T)]
        expected = [None if n == 0 else grouping.groups[n - 1] for n in numbers]
        assert table[grouping.name].to_pylist() == expected


@pytest.mark.usefixtures("few")
def test_the_table_says_what_it_holds(maps: str, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "samples.parquet"
    sample(maps, out=str(out), cells_km2=AREA_KM2, by=("maria",))
    file = pyarrow.parquet.ParquetFile(out)
    schema = file.schema_arrow
    assert schema.names == [
        "cell", "lon", "lat", "FeO_wt_pct", "OMAT", "FeO_flag", "OMAT_flag", "maria",
    ]  # fmt: skip
    assert schema.field("FeO_wt_pct").metadata[b"units"] == b"wt %"
    assert schema.field("FeO_wt_pct").metadata[b"model"] == b"made-by-hand"
    assert b"no_input" in schema.field("FeO_flag").metadata[b"flag_meanings"]
    facts = json.loads(schema.metadata[b"lunarscale"])
    assert facts["simulated"] is True
    assert facts["maps"] == maps
    assert facts["cells"]["sha256"] == CELLS.digest
    # a row group a strip; the last two rows of pixels hold no centre
    assert file.num_row_groups == len(list(strips(open_cube(maps), CELLS))) - 1 > 3
    assert [path.name for path in out.parent.iterdir()] == ["samples.parquet"]


@pytest.mark.usefixtures("few")
def test_csv_says_the_same(maps: str, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("samples.parquet", "samples.csv")]
    for path in paths:
        sample(maps, out=str(path), cells_km2=AREA_KM2)
    exact = pyarrow.parquet.read_table(paths[0])
    text = pyarrow.csv.read_csv(
        paths[1], convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True)
    )
    assert text.column_names == exact.column_names
    for name in text.column_names:
        mine, other = text[name].to_pylist(), exact[name].to_pylist()
        if name in ("FeO_wt_pct", "OMAT"):
            mine = [None if value is None else float(np.float32(value)) for value in mine]
        assert mine == other, name


class Backwards:
    """Runs the jobs from the last to the first, so that every strip but one waits."""

    def fold(self, task, jobs, *, merge, initial):  # type: ignore[no-untyped-def]
        """As ``Serial``, in the other order."""
        return Serial().fold(task, list(jobs)[::-1], merge=merge, initial=initial)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_order_of_the_work_leaves_no_trace(maps: str, tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in ("usual", "backwards")]
    for path, executor in zip(paths, (Serial(), Backwards()), strict=True):
        sample(maps, out=str(path), cells_km2=AREA_KM2, executor=executor)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.cluster
@pytest.mark.usefixtures("few")
def test_a_cluster_writes_the_same_bytes(maps: str, tmp_path: Path, two_workers: Client) -> None:
    paths = [tmp_path / f"{name}.parquet" for name in ("serial", "cluster")]
    for path, executor in zip(paths, (Serial(), OnDask(two_workers)), strict=True):
        sample(maps, out=str(path), cells_km2=AREA_KM2, executor=executor)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.usefixtures("few")
def test_a_run_that_fails_leaves_what_was_there(maps: str, tmp_path: Path) -> None:
    torn = write_maps(tmp_path / "torn.zarr", counts(GRID), GRID)
    out = tmp_path / "out" / "samples.parquet"
    sample(maps, out=str(out), cells_km2=AREA_KM2)
    before = out.read_bytes()
    asked = step.ask(torn, out=str(out), cells_km2=AREA_KM2)
    shard = tmp_path / "torn.zarr" / "FeO" / "c" / "1" / "2"
    blob = bytearray(shard.read_bytes())
    blob[10] ^= 0xFF
    shard.write_bytes(bytes(blob))
    with asked.open_file() as file:
        tale = step.prepare_sample(asked, file).run(Serial())
    assert tale.problems
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["samples.parquet"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_full_disk_is_told_with_the_tables_name(
    maps: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / f"samples.{suffix}"
    monkeypatch.setattr(SampleFile, "_write", full)
    with pytest.raises(StoreError, match=f"samples.{suffix}: the disk is full"):
        sample(maps, out=str(out), cells_km2=AREA_KM2)
    assert list(tmp_path.iterdir()) == []


def test_strips_hold_all_rows_once_and_few_cells() -> None:
    """At the archive's resolution a strip is a row of shards; coarser maps are cut finer."""
    for ppd, shard, chunk in ((303.23349, 2048, 512), (45.5, 2048, 512), (4, 2048, 512)):
        found = list(strips(_layout_only(ppd, shard, chunk), qiu_2025_cells()))
        height = round(180 * ppd)
        assert [w.row + w.height for w in found] == [height, *(w.row for w in found[:-1])]
        assert found[-1].row == 0
        for window in found:
            north, south = 90 - window.row / ppd, 90 - (window.row + window.height) / ppd
            lats = qiu_2025_cells().band_lats()
            per_band = np.array(qiu_2025_cells().per_band)
            assert per_band[(lats < north) & (lats >= south)].sum() <= STRIP_CELLS
        if ppd > 300:
            assert {window.height for window in found[1:]} == {shard}


def _layout_only(ppd: float, shard: int, chunk: int):  # type: ignore[no-untyped-def]
    from lunarscale.store.cube import Cube
    from lunarscale.store.layout import Layout
    from lunarscale.store.location import Location

    grid = RasterGrid.whole(ppd)
    return Cube(Location("nowhere"), Layout("maps", grid, shard, chunk, "clementine-uvvis"), {})


def test_a_region_is_sampled_where_it_lies(tmp_path: Path) -> None:
    """Over the seam at 180 degrees."""
    grid = RasterGrid.whole(0.5).crop(150.0, -40.0, -160.0, 30.0)
    maps = write_maps(tmp_path / "region.zarr", counts(grid), grid)
    out = tmp_path / "region.parquet"
    sample(maps, out=str(out), cells_km2=AREA_KM2, by=(), every=True)
    lons, lats = CELLS.centres()
    inside = [grid.locate(x, y) is not None for x, y in zip(lons, lats, strict=True)]
    np.testing.assert_array_equal(pyarrow.parquet.read_table(out)["cell"], np.flatnonzero(inside))


def test_the_quanta_are_those_of_the_layers() -> None:
    assert tuple(QUANTITIES[layer].quantum for layer in LAYERS) == QUANTA


def test_another_suffix_is_refused_before_the_work(maps: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"as \.parquet or \.csv, not as \.txt"):
        sample(maps, out=str(tmp_path / "samples.txt"))


def test_the_command_says_how_many_rows_it_wrote(maps: str, tmp_path: Path) -> None:
    out = tmp_path / "samples.csv"
    dry = run("sample", maps, "--out", out, "--cells", AREA_KM2, "--dry-run")
    assert "memory a task" in dry.output
    assert not list(tmp_path.iterdir())
    told = run("sample", maps, "--out", out, "--cells", AREA_KM2, "--workers", 0)
    rows = len(out.read_text().splitlines()) - 1
    assert f"{rows:,} of {CELLS.count:,} cells of 9000 km2" in " ".join(told.output.split())
