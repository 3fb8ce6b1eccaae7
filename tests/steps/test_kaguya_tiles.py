"""From Kaguya tiles of both versions to maps, every pixel against plain float64 arithmetic.

Tiles with every invalid value planted in every band, on borders and corners and on either side of
the meridians 0/360 and 180, go through ``ingest`` at the tiles' own resolution and at a quarter of
it, and through ``predict`` with the angles of Otake 2012. What they must give is computed here
from the counts alone: a degree is an array, so the mosaic is arrays beside each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from lunarscale.errors import SourceError
from lunarscale.simulated.archive import plan_tile, write_tile
from lunarscale.simulated.kaguya_archive import KaguyaPlan, write_kaguya_tile
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict

PPD = 16
NO_DATA = -32768
WAVELENGTHS = (414, 749, 901, 950, 1001, 1000, 1049, 1248, 1548)

#: Counts that are none: their names, the codes in the mosaic, and the reasons in a map.
INVALID = {
    -30000: ("out_of_bounds", 1, 1),
    -22000: ("dummy_defect", 2, 1),
    -23000: ("other", 3, 1),
    -20000: ("saturation", 4, 2),
    32767: ("saturation", 4, 2),
    -21000: ("minus", 5, 3),
    -1: ("off_scale", 6, 3),
    -19999: ("off_scale", 6, 3),
}
MAP_REASON = np.zeros(8, np.int64)
for _, code_, reason_ in INVALID.values():
    MAP_REASON[code_] = reason_

#: Western and northern edges, two latitudes each; one of the tiles is left out.
EDGES = {"0/360": (358, 359, 0, 1), "180": (178, 179, 180, 181)}
NORTHS = (1, 0)
LEFT_OUT = (359, 0), (180, 1)


@cache
def tile_counts(west: int, north: int) -> NDArray[np.int16]:
    """A soil's counts in noise, with everything that can be wrong planted in every band."""
    rng = np.random.default_rng([west, north + 90])
    base = rng.uniform(1500, 9000, (PPD, PPD))  # down to R749 0.03, below the origin
    counts = np.stack([base * k for k in (0.6, 1.0, 1.1, 1.12, 1.16, 1.15, 1.18, 1.4, 1.65)])
    counts *= rng.uniform(0.85, 1.15, counts.shape)
    image = counts.astype(np.int16)
    corners = [(0, 0), (0, PPD - 1), (PPD - 1, 0), (PPD - 1, PPD - 1)]
    for band in range(9):
        free = [divmod(int(at), PPD) for at in rng.permutation(PPD**2)]
        places = [corners[band % 4], *free[:23]]
        for index, place in enumerate(places):
            image[(band, *place)] = list(INVALID)[index % len(INVALID)]
    # whole targets of a quarter: eight of sixteen are enough, seven are not; and all of them
    image[1, 4:6, 0:4] = -21000
    image[1, 4:6, 4:8], image[1, 6, 4] = -20000, -30000
    image[3, 8:12, 8:12] = -23000
    image[:, 12:16, 12:16] = -30000
    return image


def tile_places(seam: str) -> list[tuple[int, int]]:
    """The tiles that there are."""
    all_places = [(west, north) for north in NORTHS for west in EDGES[seam]]
    return [place for place in all_places if place not in LEFT_OUT]


@dataclass(frozen=True)
class Expected:
    """What a mosaic and its maps must hold."""

    counts: NDArray[np.int16]
    codes: NDArray[np.int64]

    @classmethod
    def native(cls, seam: str) -> "Expected":
        """The tiles beside each other; nothing, where one is left out."""
        nothing = np.full((9, PPD, PPD), -30000, np.int16)
        have = tile_places(seam)
        rows = [
            np.concatenate(
                [tile_counts(w, n) if (w, n) in have else nothing for w in EDGES[seam]], axis=2
            )
            for n in NORTHS
        ]
        raw = np.concatenate(rows, axis=1)
        codes = np.zeros(raw.shape, np.int64)
        codes[raw < 0] = 6
        for count, (_, code, _) in INVALID.items():
            codes[raw == count] = code
        return cls(np.where(codes == 0, raw, NO_DATA).astype(np.int16), codes)

    def quarter(self) -> "Expected":
        """The mean of four by four where at least half are valid, else the largest code."""
        bands, height, width = self.counts.shape
        shape = bands, height // 4, 4, width // 4, 4
        values = self.counts.reshape(shape).astype(np.float64)
        codes = self.codes.reshape(shape)
        valid = (codes == 0).sum(axis=(2, 4))
        total = np.where(codes == 0, values, 0.0).sum(axis=(2, 4))
        enough = valid >= 8
        mean = np.rint(total / np.maximum(valid, 1))
        worst = codes.max(axis=(2, 4))
        return Expected(
            np.where(enough, mean, NO_DATA).astype(np.int16), np.where(enough, 0, worst)
        )

    @property
    def flags(self) -> NDArray[np.int64]:
        """Three bits a band."""
        return np.bitwise_or.reduce(self.codes << (3 * np.arange(9)[:, None, None]), axis=0)

    def angle(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Otake's angle in float64, radians, and its flag."""
        x0, y0, sign, other = {
            "theta_Fe": (0.037, 1.250, -1.0, 3),
            "theta_Ti": (-0.108, 0.208, 1.0, 0),
        }[name]
        base, second = (self.counts[band].astype(np.float64) * 2e-5 for band in (1, other))
        with np.errstate(divide="ignore", invalid="ignore"):
            value = sign * np.arctan((second / base - y0) / (base - x0))
        reason = MAP_REASON[self.codes[[1, other]]].max(axis=0)
        outside = base <= max(x0, 0.0)
        flag = np.where(reason > 0, reason, np.where(outside, 4, np.where(value < 0, 8, 0)))
        return np.where((flag & 7) == 0, value, np.nan), flag


@dataclass(frozen=True)
class Run:
    """What came out of a case, and what must."""

    seam: str
    expected: Expected
    mosaic: xr.Dataset
    maps: xr.Dataset


CASES = [(seam, ppd) for seam in EDGES for ppd in (PPD, PPD // 4)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]} at {case[1]}")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Tiles of alternating versions, ingested and mapped."""
    seam, ppd = request.param
    folder = tmp_path_factory.mktemp("kaguya")
    for index, place in enumerate(tile_places(seam)):
        plan = KaguyaPlan(*place, PPD, ("02", "03")[index % 2])
        write_kaguya_tile(folder, plan, tile_counts(*place))
    west, east = EDGES[seam][0], EDGES[seam][-1] + 1
    box = ((west + 180.0) % 360 - 180, -1.0, (east + 180.0) % 360 - 180, 1.0)
    mosaic, maps = folder / "mosaic.zarr", folder / "maps.zarr"
    ingest([str(folder)], out=str(mosaic), ppd=ppd, bbox=box, shard=24, chunk=8)
    angles = ["otake-2012-theta-fe", "otake-2012-theta-ti"]
    predict(str(mosaic), out=str(maps), models=angles)
    expected = Expected.native(seam)
    with (
        xr.open_zarr(mosaic, chunks=None, mask_and_scale=False) as counts,
        xr.open_zarr(maps, chunks=None, mask_and_scale=False) as layers,
    ):
        expected = expected if ppd == PPD else expected.quarter()
        yield Run(seam, expected, counts.load(), layers.load())


def test_every_count_of_the_mosaic(run: Run) -> None:
    found = run.mosaic["reflectance"].transpose("band", "y", "x")
    np.testing.assert_array_equal(found.values, run.expected.counts)
    assert found.attrs["scale_factor"] == 2e-5
    np.testing.assert_array_equal(run.mosaic["band"].values, WAVELENGTHS)


def test_every_flag_of_the_mosaic(run: Run) -> None:
    found = run.mosaic["flag"].transpose("y", "x").values
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, run.expected.flags)


def test_the_flags_say_in_words_what_was_planted(run: Run) -> None:
    """By CF's masks, values and meanings alone, as a foreign reader would decode them."""
    flag = run.mosaic["flag"].transpose("y", "x")
    triples = zip(
        flag.attrs["flag_masks"], flag.attrs["flag_values"], flag.attrs["flag_meanings"].split(),
        strict=True,
    )  # fmt: skip
    said = {name: (flag.values & mask) == value for mask, value, name in triples}
    assert len(said) == 9 * 6
    for band, wavelength in enumerate(WAVELENGTHS):
        for name, code, _ in INVALID.values():
            planted = run.expected.codes[band] == code
            np.testing.assert_array_equal(said[f"{name}_{wavelength}nm"], planted)
            assert planted.any() or run.expected.counts.shape[1] < 2 * PPD


@pytest.mark.parametrize("name", ["theta_Fe", "theta_Ti"])
def test_every_pixel_of_the_maps(run: Run, name: str) -> None:
    value, flag = run.expected.angle(name)
    found = run.maps[name].transpose("y", "x")
    found_flag = run.maps[f"{name}_flag"].transpose("y", "x").values
    np.testing.assert_array_equal(found_flag, flag)
    held = ~np.isnan(value)
    np.testing.assert_array_equal(found.values != NO_DATA, held)
    quantum = found.attrs["scale_factor"]
    error = np.abs(found.values[held] * quantum - value[held])
    assert error.max() <= 0.51 * quantum  # half of it is the rounding
    wanted = {"theta_Fe": {0, 1, 2, 3, 4, 8}, "theta_Ti": {0, 1, 2, 3}}[name]
    assert held.any()
    assert set(np.unique(flag)) <= wanted
    if run.expected.counts.shape[1] == 2 * PPD:
        assert set(np.unique(flag)) == wanted


def test_every_pixel_is_where_it_should_be(run: Run) -> None:
    """The seam is no seam: longitudes go on, and both its sides hold data."""
    height = run.expected.counts.shape[1]
    pixel = 2.0 / height
    west = (EDGES[run.seam][0] + 180) % 360 - 180
    for store in (run.mosaic, run.maps):
        np.testing.assert_allclose(store["lon"], west + (np.arange(2 * height) + 0.5) * pixel)
        np.testing.assert_allclose(store["lat"], 1.0 - (np.arange(height) + 0.5) * pixel)
    held = run.expected.counts[:, :, height - 1 : height + 1] != NO_DATA
    assert held.any(axis=(0, 1)).all()


# --- one camera a mosaic ----------------------------------------------------------------------


def test_two_cameras_do_not_mix(tmp_path: Path) -> None:
    write_kaguya_tile(tmp_path, KaguyaPlan(0, 1, PPD), tile_counts(0, 1))
    plan = plan_tile("UI03N003", (0.0, 0.0, 1.0, 1.0), ppd=4.0)
    write_tile(tmp_path / plan.file_name, plan, np.ones((5, plan.lines, plan.samples), np.int16))
    with pytest.raises(SourceError) as caught:
        prepare_ingest([str(tmp_path)], out=str(tmp_path / "m.zarr"))
    assert str(caught.value) == (
        "a mosaic is of one camera but the tiles are 1 of Kaguya MI and 1 of Clementine UVVIS; "
        "ingest them into two stores"
    )


def test_the_usual_resolution_is_the_cameras(tmp_path: Path) -> None:
    """Kaguya MI is mapped at 512 pixels a degree unless asked otherwise."""
    write_kaguya_tile(tmp_path, KaguyaPlan(0, 1, PPD), tile_counts(0, 1))
    prepared = prepare_ingest([str(tmp_path)], out=str(tmp_path / "m.zarr"), bbox=(0, 0, 1, 1))
    assert (prepared.layout.camera, prepared.layout.grid.height) == ("kaguya-mi", 512)


def test_the_later_version_is_laid_first(tmp_path: Path) -> None:
    for version, count in (("02", 4000), ("03", 5000)):
        image = np.full((9, PPD, PPD), count, np.int16)
        image[:, 0, 0] = -20000 if version == "03" else 4000
        write_kaguya_tile(tmp_path, KaguyaPlan(0, 1, PPD, version), image)
    out = tmp_path / "m.zarr"
    ingest([str(tmp_path)], out=str(out), ppd=PPD, bbox=(0, 0, 1, 1), shard=16, chunk=16)
    with xr.open_zarr(out, chunks=None, mask_and_scale=False) as mosaic:
        counts = mosaic["reflectance"].transpose("band", "y", "x").values
    expected = np.full((9, PPD, PPD), 5000)
    expected[:, 0, 0] = 4000  # the older version fills what the later one lacks
    np.testing.assert_array_equal(counts, expected)
