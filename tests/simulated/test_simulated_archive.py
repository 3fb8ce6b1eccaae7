"""The simulated archive: the real one's names, labels and lattices, read back by GDAL."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import RegionError, TileError
from lunarscale.simulated.archive import (
    TilePlan,
    plan_tile,
    simulated_tile,
    tiles,
    write_archive,
    write_tile,
)
from lunarscale.simulated.surface import counts

PPD = 6.06
RADIUS_M = 1_737_400.0

# GDAL counts projection offsets from 0 unless told to count from 1 as this archive does
GDAL_COUNTS_FROM_1 = {"PDS_SampleProjOffset_Shift": "-0.5", "PDS_LineProjOffset_Shift": "-0.5"}

anywhere = st.tuples(
    st.floats(0.0, 350.0), st.floats(-89.0, 85.0), st.floats(0.5, 10.0), st.floats(0.5, 5.0)
)


def label_of(path: Path) -> dict[str, str]:
    """Keywords and values of an attached label, in its order (the last wins where repeated)."""
    text = path.read_bytes().split(b"\r\nEND\r\n")[0].decode("ascii")
    return dict(re.findall(r"^ *(\^?\w+) *= (.*?)\r?$", text, flags=re.MULTILINE))


def any_counts(plan: TilePlan, seed: int = 0) -> np.ndarray:
    shape = (5, plan.lines, plan.samples)
    return np.random.default_rng(seed).integers(-32768, 32768, shape).astype(np.int16)


def test_the_tiles_have_the_archives_names(test_data: Callable[[str], Path]) -> None:
    with test_data("clementine_dim/uvvis_product_index.csv").open() as file:
        real = [row["pds3_product_id"].upper() for row in csv.DictReader(file)]
    names = [plan.name for plan in tiles(PPD)]
    assert len(names) == 996
    assert names == sorted(real)


def test_the_label_is_the_archives_word_for_word(
    tmp_path: Path, test_data: Callable[[str], Path]
) -> None:
    text = test_data("clementine_dim/uvvis_volinfo.txt").read_text("latin-1")
    example = text[text.index("PDS_VERSION_ID                 = PDS3\n\n/*          FILE FORMAT") :]
    example = example[: example.index("\nEND\n") + 5]
    plan = next(plan for plan in tiles(PPD) if plan.name == "UI03N003")
    write_tile(tmp_path / plan.file_name, plan, any_counts(plan))
    ours = (tmp_path / plan.file_name).read_bytes().split(b"\r\nEND\r\n")[0].decode() + "\nEND\n"

    def keywords(label: str) -> list[str]:
        return [line.split("=")[0].strip() for line in label.splitlines() if "=" in line]

    assert keywords(ours) == keywords(example)
    changed = {
        a.split("=")[0].strip()
        for a, b in zip(ours.splitlines(), example.splitlines(), strict=True)
        if a.strip() != b.strip()
    }
    assert changed == {
        *("RECORD_BYTES", "FILE_RECORDS", "LABEL_RECORDS", "^IMAGE"),
        *("PRODUCER_INSTITUTION_NAME", "PRODUCT_CREATION_TIME", "NOTE"),
        *("LINES", "LINE_SAMPLES", "LINE_LAST_PIXEL", "SAMPLE_LAST_PIXEL"),
        *("MINIMUM", "MAXIMUM", "CHECKSUM", "MAP_RESOLUTION", "MAP_SCALE"),
        *("MINIMUM_LATITUDE", "EASTERNMOST_LONGITUDE"),
        *("LINE_PROJECTION_OFFSET", "SAMPLE_PROJECTION_OFFSET"),
    }


def test_at_full_resolution_a_tile_lies_where_the_real_one_does() -> None:
    plan = next(plan for plan in tiles(303.2334900) if plan.name == "UI03N003")
    assert plan.lines == 2127
    assert abs(plan.samples - 1844) <= 1
    assert plan.lattice.lon0 == 15.0
    assert plan.lattice.line_offset == pytest.approx(2123.6345297, abs=2e-4)
    assert plan.lattice.sample_offset == pytest.approx(4549.5024429, abs=2e-4)


def test_the_central_meridian_is_the_gores() -> None:
    lon0 = {plan.name: plan.lattice.lon0 for plan in tiles(PPD)}
    assert lon0["UI03N033"] == lon0["UI38S055"] == lon0["UI73N037"] == lon0["UI80N045"] == 45.0
    assert lon0["UI59S352"] == 345.0
    assert lon0["UI87S330"] == 330.0


@settings(max_examples=40, deadline=None)
@given(anywhere, st.floats(2.0, 40.0))
def test_gdal_reads_the_same_counts_at_the_same_place(
    tmp_path_factory: pytest.TempPathFactory, where: tuple[float, ...], ppd: float
) -> None:
    west, south, width, height = where
    plan = plan_tile("UI00N000", (west, south, west + width, south + height), ppd=ppd)
    image = any_counts(plan)
    path = tmp_path_factory.mktemp("tile") / plan.file_name
    write_tile(path, plan, image)
    with rasterio.Env(**GDAL_COUNTS_FROM_1), rasterio.open(path) as source:
        assert source.driver == "PDS"
        np.testing.assert_array_equal(source.read(), image)
        # metres of a pixel centre by GDAL and by the sinusoidal formula
        x, y = source.xy(plan.lines - 1, plan.samples - 1)
        pixel_m = np.radians(RADIUS_M) / plan.lattice.ppd
        assert source.res == pytest.approx((pixel_m, pixel_m), rel=1e-6)
        lattice = plan.lattice
        assert x == pytest.approx((plan.samples - lattice.sample_offset) * pixel_m, rel=1e-6)
        assert y == pytest.approx((lattice.line_offset - plan.lines) * pixel_m, rel=1e-6)
        assert source.crs.to_dict()["lon_0"] == pytest.approx(lattice.lon0)
        assert source.crs.to_dict()["R"] == RADIUS_M


@settings(max_examples=40, deadline=None)
@given(anywhere, st.floats(2.0, 40.0))
def test_the_label_counts_its_records_and_bytes(
    tmp_path_factory: pytest.TempPathFactory, where: tuple[float, ...], ppd: float
) -> None:
    west, south, width, height = where
    plan = plan_tile("UI00N000", (west, south, west + width, south + height), ppd=ppd)
    image = any_counts(plan)
    path = tmp_path_factory.mktemp("tile") / plan.file_name
    write_tile(path, plan, image)
    label = label_of(path)
    record = int(label["RECORD_BYTES"])
    assert record == 2 * plan.samples
    assert path.stat().st_size == record * int(label["FILE_RECORDS"])
    start = record * (int(label["^IMAGE"]) - 1)
    assert int(label["^IMAGE"]) == int(label["LABEL_RECORDS"]) + 1
    content = path.read_bytes()
    np.testing.assert_array_equal(np.frombuffer(content[start:], ">i2"), image.ravel())
    assert int(label["CHECKSUM"]) == sum(content[start:]) % 2**32
    valid = image[image >= -32752]
    assert (int(label["MINIMUM"]), int(label["MAXIMUM"])) == (valid.min(), valid.max())
    assert set(content[:start].split(b"\r\nEND\r\n")[1]) <= {ord(" ")}
    assert b"\n" not in content[:start].replace(b"\r\n", b"")
    # the plan's lattice is exactly the label's
    assert float(label["MAP_RESOLUTION"]) == plan.lattice.ppd
    assert float(label["LINE_PROJECTION_OFFSET"]) == plan.lattice.line_offset
    assert float(label["SAMPLE_PROJECTION_OFFSET"]) == plan.lattice.sample_offset
    assert float(label["CENTER_LONGITUDE"]) == plan.lattice.lon0


@pytest.mark.parametrize("ppd", [2.0, 6.06, 11.37])
def test_every_place_falls_on_an_imaged_pixel(ppd: float) -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(0, 360, 20000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20000)))
    lat[:4], lon[4:8] = (90.0, -90.0, 89.999, -89.999), (0.0, 30.0, 180.0, 359.9999)
    times = np.zeros(20000, int)
    for plan in tiles(ppd):
        mine = (lon >= plan.west) & (lon < plan.east) & (lat >= plan.south) & (lat <= plan.north)
        # a place on the last half line belongs to the tile below
        line = np.rint(plan.lattice.line_of(lat[mine])).astype(int) - 1
        sample = np.rint(plan.lattice.sample_of(lon[mine], lat[mine])).astype(int) - 1
        times[mine] += plan.inside()[line, sample]
    assert (times >= 1).all()


def test_a_tile_is_the_surface_at_its_pixels_and_null_elsewhere() -> None:
    plan = next(plan for plan in tiles(PPD) if plan.name == "UI59N007")
    image, inside = simulated_tile(plan), plan.inside()
    lon, lat = plan.places()
    expected = counts(lon, lat, detail_deg=1.0 / plan.lattice.ppd)
    np.testing.assert_array_equal(image[:, inside], expected[:, inside])
    assert (image[:, ~inside] == -32768).all()
    pixel_deg = 1.0 / (PPD * np.cos(np.radians(lat)))
    assert (inside[(lon > plan.west) & (lon < plan.east)]).all()
    assert not inside[(lon < plan.west - 1.01 * pixel_deg)].any()
    assert not inside[(lon > plan.east + 1.01 * pixel_deg)].any()


def test_a_box_takes_the_tiles_that_touch_it(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    written = write_archive(
        tmp_path, ppd=2.0, bbox=(175, -3, -175, 8), progress=lambda *step: seen.append(step)
    )
    names = {path.name for path in written}
    east, west = ("177", "183"), ("10n", "03n", "03s")
    assert names == {f"ui{row}{turn}.img" for row in west for turn in east}
    assert seen == [(n, 6) for n in range(1, 7)]
    assert all(path.is_file() for path in written)
    whole = [plan for plan in tiles(2.0) if plan.touches((-180, -90, 180, 90))]
    assert len(whole) == 996
    assert sum(plan.touches((-6, 0, 0, 7)) for plan in tiles(2.0)) == 1


def test_the_archive_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    box = (0, 80, 90, 90)
    first, second = (write_archive(tmp_path / name, ppd=2.0, bbox=box) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert b'NOTE                           = "SIMULATED UVVIS 5-BAND' in first[0].read_bytes()


def test_a_plan_off_the_moon_and_foreign_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="no part of the Moon"):
        plan_tile("UI00N000", (10, 80, 20, 95), ppd=4.0)
    with pytest.raises(RegionError, match="positive resolution"):
        plan_tile("UI00N000", (10, 0, 20, 5), ppd=0.0)
    plan = plan_tile("UI00N000", (10, 0, 20, 5), ppd=4.0)
    with pytest.raises(TileError, match=r"promises int16 counts of shape \(5, 21, 42\)"):
        write_tile(tmp_path / "x.img", plan, np.zeros((5, 3, 3), np.int16))
