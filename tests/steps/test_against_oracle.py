"""From tiles to maps, every pixel held against the oracle.

Tiles in the archive's format over the 0/360 and 180 seams, both poles and gore boundaries go
through ``ingest`` and ``predict`` as a user's would; both stores are read with plain xarray.
Mosaic counts and all flags must be equal, map counts equal to the quantum.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from oracle import EQUATIONS, NO_DATA, Mosaic, SourceTile, box_pixels, mosaic, predict
from oracle_tiles import RESOLUTION, make_tiles, write_tiles

from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict as predict_maps

#: Over the seam at 180 degrees, from the middle south to the pole.
SEAM = (151.73, -38.31, -148.92, 90.0)

#: Less of it, for the tiles whose labels are off.
LITTLE = (166.37, -12.31, -165.18, 90.0)


@dataclass(frozen=True)
class Case:
    """One run: rows of the whole grid, the box in it, and the shards."""

    height: int
    box: tuple[float, float, float, float] | None
    shard: int
    chunk: int

    @property
    def ppd(self) -> float:
        """Pixels a degree, rounded as a user would write it."""
        return round(self.height / 180, 4)


#: Heights are multiples of 4: no pixel's centre is opposite a tile's central longitude.
CASES = {
    "nearest, global": Case(556, None, 256, 128),  # a target pixel is 1.07 native ones
    "mean, global": Case(148, None, 64, 32),  # 4.01
    "nearest, over the seam": Case(796, SEAM, 128, 32),  # 0.75
    "mean, over the seam": Case(344, SEAM, 64, 32),  # 1.73
}


@dataclass(frozen=True)
class Run:
    """What came out of one case, and what must."""

    case: Case
    expected: Mosaic
    mosaic: xr.Dataset
    maps: xr.Dataset


@cache
def whole_moon(height: int) -> Mosaic:
    """The oracle's mosaic of all tiles on a grid of so many rows."""
    return mosaic(make_tiles(), height)


def expected_mosaic(case: Case) -> Mosaic:
    """The oracle's mosaic of a case."""
    whole = whole_moon(case.height)
    return whole.crop(*case.box) if case.box else whole


def ingested(tiles: list[SourceTile], case: Case, folder: Path) -> xr.Dataset:
    """The package's mosaic of a case, as plain xarray sees it."""
    write_tiles(tiles, folder / "archive")
    out = folder / "mosaic.zarr"
    ingest(
        [str(folder / "archive")],
        out=str(out),
        ppd=case.ppd,
        bbox=case.box,
        shard=case.shard,
        chunk=case.chunk,
    )
    return xr.open_zarr(out, chunks=None, mask_and_scale=False)


@pytest.fixture(scope="module", params=CASES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Each case once for all the questions asked of it."""
    case = CASES[request.param]
    folder = tmp_path_factory.mktemp("oracle")
    with ingested(make_tiles(), case, folder) as counts:
        maps = folder / "maps.zarr"
        predict_maps(str(folder / "mosaic.zarr"), out=str(maps), models=list(EQUATIONS))
        with xr.open_zarr(maps, chunks=None, mask_and_scale=False) as layers:
            yield Run(case, expected_mosaic(case), counts.load(), layers.load())


def test_every_count_of_the_mosaic_is_the_oracles(run: Run) -> None:
    found = run.mosaic["reflectance"].transpose("band", "y", "x").values
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, run.expected.counts)


def test_every_flag_of_the_mosaic_is_the_oracles(run: Run) -> None:
    found = run.mosaic["flag"].transpose("y", "x").values
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, run.expected.flags)


@pytest.mark.parametrize("model", EQUATIONS)
def test_every_pixel_of_the_maps_is_the_oracles(run: Run, model: str) -> None:
    """Flags equal; counts equal but for float32 at a rounding tie, one count and rare."""
    layer = EQUATIONS[model].layer
    value, flag = predict(run.expected, EQUATIONS[model])
    found = run.maps[layer].transpose("y", "x")
    found_flag = run.maps[f"{layer}_flag"].transpose("y", "x").values
    assert (found.dtype, found_flag.dtype) == (np.int16, np.uint8)
    assert found.attrs["scale_factor"] == EQUATIONS[model].quantum
    np.testing.assert_array_equal(found_flag, flag)
    np.testing.assert_array_equal(found.values == NO_DATA, value == NO_DATA)
    off = np.abs(found.values.astype(np.int32) - value)
    assert off.max() <= 1
    held = np.count_nonzero(value != NO_DATA)
    print(f"{model}: {np.count_nonzero(off)} of {held} counts are off by one")
    assert np.count_nonzero(off) < 1e-3 * held


@pytest.mark.parametrize("name", ["nearest, global", "mean, global"])
def test_the_tiles_show_every_reason_and_every_qualifier(name: str) -> None:
    """Or the comparisons above would compare less than they say."""
    expected = expected_mosaic(CASES[name])
    reasons = (expected.flags[None] >> (3 * np.arange(5)[:, None, None])) & 7
    assert set(np.unique(reasons)) == set(range(8))
    flags = {name: predict(expected, equation)[1] for name, equation in EQUATIONS.items()}
    seen = {name: {int(f) for f in np.unique(flag)} for name, flag in flags.items()}
    assert seen["qiu-2025-feo"] == seen["lucey-2000-feo"] == {0, 1, 2, 3, 4, 8, 16, 24}
    assert seen["qiu-2025-tio2"] == seen["lucey-2000-tio2"] == {0, 1, 2, 3, 4, 5, 16}
    assert seen["qiu-2025-omat"] == seen["lucey-2000-omat"] == {0, 1, 2, 3, 4, 6, 16}


def test_the_edges_of_the_map_hold_data(run: Run) -> None:
    """Both columns at +-180 and both pole rows, where data are lost most silently."""
    height = run.case.height
    rows, cols = box_pixels(run.case.box or (-180.0, -90.0, 180.0, 90.0), height)
    assert run.mosaic["flag"].shape == (rows.size, cols.size)
    seam = np.flatnonzero(np.isin(cols % (2 * height), (0, 2 * height - 1)))
    poles = np.flatnonzero(np.isin(rows, (0, height - 1)))
    assert (seam.size, poles.size) == (2, 1 if run.case.box else 2)
    for equation in EQUATIONS.values():
        held = run.maps[equation.layer].values != NO_DATA
        must = predict(run.expected, equation)[0] != NO_DATA
        for edge in (np.s_[poles, :], np.s_[:, seam]):
            np.testing.assert_array_equal(held[edge], must[edge])
            assert must[edge].mean() > 0.5


def test_every_pixel_says_its_place(run: Run) -> None:
    """Longitudes go on past 180 in a box over the seam."""
    pixel = 180 / run.case.height
    rows, cols = box_pixels(run.case.box or (-180.0, -90.0, 180.0, 90.0), run.case.height)
    for store in (run.mosaic, run.maps):
        np.testing.assert_allclose(store["lat"], 90 - (rows + 0.5) * pixel, atol=1e-9)
        np.testing.assert_allclose(store["lon"], (cols + 0.5) * pixel - 180, atol=1e-9)


def shifted(tile: SourceTile, line: float, sample: float) -> SourceTile:
    """A tile as a reader that is off by so much would place it."""
    return replace(
        tile, line_offset=tile.line_offset + line, sample_offset=tile.sample_offset + sample
    )


def differing(found: xr.Dataset, expected: Mosaic) -> float:
    """Share of the pixels with data somewhere that differ in a count or a flag."""
    counts = found["reflectance"].transpose("band", "y", "x").values
    flags: NDArray[np.uint16] = found["flag"].transpose("y", "x").values
    differs = np.any(counts != expected.counts, axis=0) | (flags != expected.flags)
    return float(differs.sum() / np.any(expected.counts != NO_DATA, axis=0).sum())


@pytest.mark.parametrize(("line", "sample"), [(0.0, 0.0), (0.5, 0.0), (0.0, -0.5)])
@pytest.mark.parametrize("name", ["nearest, over the seam", "mean, over the seam"])
def test_half_a_pixel_would_be_seen(name: str, line: float, sample: float, tmp_path: Path) -> None:
    """The oracle's labels are right, the package's off by half a pixel: few pixels agree.

    The first of the shifts is none at all, and there every pixel agrees.
    """
    case = replace(CASES[name], box=LITTLE)
    off = [shifted(tile, line, sample) for tile in make_tiles()]
    with ingested(off, case, tmp_path) as found:
        share = differing(found, expected_mosaic(case))
    assert share == 0.0 if line == sample == 0.0 else share > 0.4


def test_ratios_are_what_the_cases_say() -> None:
    """Nearest under 1.5 native pixels, mean from there on; both sides of it are tried."""
    ratios = {name: RESOLUTION * 180 / case.height for name, case in CASES.items()}
    assert [round(r, 2) for r in ratios.values()] == [1.07, 4.01, 0.75, 1.73]
