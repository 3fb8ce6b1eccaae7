"""The oracle checked against itself: by hand, and by a loop that says each step in words."""

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracle
import pytest
from numpy.typing import ArrayLike
from oracle import EQUATIONS, NO_DATA, Mosaic, SourceTile
from oracle_tiles import RESOLUTION, make_tiles, write_tile

#: The archive's example label, UI03N003, its image left out.
UI03N003 = SourceTile(
    name="UI03N003",
    path="cl_4006/data/ui03n003.img",
    resolution=303.23349,
    lon0=15.0,
    line_offset=2123.6345297,
    sample_offset=4549.5024429,
    counts=np.zeros((5, 2127, 1844), dtype=np.int16),
)


def tile_of(
    counts: ArrayLike,
    *,
    name: str = "A",
    path: str = "a.img",
    resolution: float = 1.0,
    line: float = 0.6,
    sample: float = 2.3,
) -> SourceTile:
    """A tile about longitude 0 from one band's counts, the same in all five."""
    five = np.broadcast_to(np.asarray(counts, dtype=np.int16), (5, *np.shape(counts)))
    return SourceTile(name, path, resolution, 0.0, line, sample, five)


def test_the_archives_example_lies_where_its_label_says() -> None:
    """Lat 7.0 is line 1.0, lat 0 lon 0 is sample 1.0 (FORMATS.md's check of the label)."""
    t = UI03N003
    assert t.line_offset - 7.0 * t.resolution == pytest.approx(1.0, abs=1e-4)
    assert t.sample_offset + (0.0 - 15.0) * t.resolution == pytest.approx(1.0, abs=1e-4)


def test_nearest_puts_the_example_tile_between_0_and_6_east() -> None:
    """At 1 px/deg: 7 rows above the equator, 6 columns (its edge is 6.02 E at 6.5 N)."""
    target, line, sample = oracle.nearest(UI03N003, 180)
    row, col = np.divmod(target, 360)
    assert set(row) == set(range(83, 90))
    assert set(col) == set(range(180, 186))
    at_half = np.flatnonzero((row == 89) & (col == 180))  # lat 0.5, lon 0.5
    assert line[at_half] + 1 == round(2123.6345297 - 0.5 * 303.23349)
    k = 303.23349 * math.cos(math.radians(0.5))
    assert sample[at_half] + 1 == round(4549.5024429 - 14.5 * k)


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        (-32768, 1), (-32767, 2), (-32766, 3), (-32765, 4), (-32764, 5),
        (-32763, 7), (-32753, 7), (-32752, 6), (-1, 6), (0, 0), (1, 0),
        (7407, 0), (7408, 6), (32752, 6), (32753, 7), (32767, 7),
    ],
)  # fmt: skip
def test_every_kind_of_count_has_its_reason(count: int, reason: int) -> None:
    assert oracle.classify(np.array([count], dtype=np.int16)).tolist() == [reason]


@pytest.mark.parametrize(
    ("total", "number", "mean"),
    [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (10, 4, 2), (11, 4, 3), (9, 4, 2)],
)
def test_halves_go_to_the_even_number(total: int, number: int, mean: int) -> None:
    assert oracle.round_half_even(np.array([total]), np.array([number])) == [mean]
    assert round(total / number) == mean


def test_one_count_lands_on_the_pixel_worked_out_by_hand() -> None:
    """Line 1 of a tile with LPO 0.6 at 1 px/deg is 0.4 S; sample 2 with SPO 2.3 is 0.3 W."""
    m = oracle.mosaic([tile_of([[11, 22, 33]])], 180)
    row = m.counts[1, 90, 176:184]  # 0 to 1 S; columns of 3.5 W to 3.5 E
    # centre 2.5 W is sample -0.2, 1.5 W 0.8, 0.5 W 1.8, 0.5 E 2.8, 1.5 E 3.8: 1, 2, 3
    assert row.tolist() == [NO_DATA, NO_DATA, 11, 22, 33, NO_DATA, NO_DATA, NO_DATA]
    assert (m.counts[1] != NO_DATA).sum() == 3
    assert m.flags[90, 178] == 0
    assert m.flags[0, 0] == 0b001_001_001_001_001


def test_a_mean_takes_the_centres_inside_and_needs_half_of_them() -> None:
    """Lines 1-4 at 0.1-0.4 S, samples 1-4 at 0.1-0.4 E: one pixel of a degree holds all 16."""
    counts = np.full((4, 4), -32768)
    counts.ravel()[:7] = 10
    few = tile_of(counts, resolution=10.0, line=-0.1, sample=0.1)
    m = oracle.mosaic([few], 180)
    assert (m.counts[0, 90, 180], m.flags[90, 180] & 7) == (NO_DATA, 1)
    counts.ravel()[7] = 21
    half = tile_of(counts, resolution=10.0, line=-0.1, sample=0.1)
    m = oracle.mosaic([half], 180)
    assert (m.counts[0, 90, 180], m.flags[90, 180]) == (11, 0)  # 91 / 8 = 11.4
    assert (m.counts[0] != NO_DATA).sum() == 1


def test_tiles_are_laid_in_order_and_the_first_that_has_enough_settles() -> None:
    """B's mean never shows: A's seven valid pixels are made enough by one of the second A."""
    seven, one, full = np.full((4, 4), -32765), np.full((4, 4), -32767), np.full((4, 4), 500)
    seven.ravel()[:7], one[3, 3] = 10, 18
    made = [
        tile_of(counts, name=name, path=path, resolution=10.0, line=-0.1, sample=0.1)
        for name, path, counts in (("B", "1", full), ("A", "2", one), ("a", "1", seven))
    ]
    m = oracle.mosaic(made, 180)
    assert m.counts[:, 90, 180].tolist() == [11] * 5  # (7 x 10 + 18) / 8
    m = oracle.mosaic(made[2:], 180)
    assert m.flags[90, 180] == 0b100_100_100_100_100  # high instrument saturation in all bands


#: (line, sample), from 1, of a tile's contributions to each (row, col).
Sources = dict[tuple[int, int], list[tuple[int, int]]]


def sources_by_loops(tile: SourceTile, height: int) -> Sources:
    """What one tile gives to each pixel of the Moon."""
    pixel = 180.0 / height
    _, lines, samples = tile.counts.shape
    sources: Sources = defaultdict(list)
    if tile.resolution * pixel >= 1.5:
        for line in range(1, lines + 1):
            for sample in range(1, samples + 1):
                lat = (tile.line_offset - line) / tile.resolution
                parallel = tile.resolution * math.cos(math.radians(lat))
                east = (sample - tile.sample_offset) / parallel
                if -90 <= lat <= 90 and -180 <= east < 180:
                    lon = (tile.lon0 + east + 180) % 360 - 180
                    place = (math.floor((90 - lat) / pixel), math.floor((lon + 180) / pixel))
                    sources[place].append((line, sample))
    for row in range(height):
        for col in range(2 * height):
            lat, lon = 90 - (row + 0.5) * pixel, (col + 0.5) * pixel - 180
            east = (lon - tile.lon0 + 180) % 360 - 180
            parallel = tile.resolution * math.cos(math.radians(lat))
            line = math.floor(tile.line_offset - lat * tile.resolution + 0.5)
            sample = math.floor(tile.sample_offset + east * parallel + 0.5)
            if not sources[row, col] and 1 <= line <= lines and 1 <= sample <= samples:
                sources[row, col].append((line, sample))
    return sources


def mosaic_by_loops(tiles: list[SourceTile], height: int) -> Mosaic:
    """The definition of the mosaic, one pixel at a time and nothing clever."""
    in_order = sorted(tiles, key=lambda t: (t.name.upper(), t.path))
    per_tile = [(tile, sources_by_loops(tile, height)) for tile in in_order]
    counts = np.full((5, height, 2 * height), NO_DATA, dtype=np.int16)
    flags = np.zeros((height, 2 * height), dtype=np.uint16)
    for row in range(height):
        for col in range(2 * height):
            for band in range(5):
                count, reason = pixel_by_loops(per_tile, (row, col), band)
                counts[band, row, col] = count
                flags[row, col] |= reason << (3 * band)
    return Mosaic(counts, flags)


def pixel_by_loops(
    per_tile: list[tuple[SourceTile, Sources]], place: tuple[int, int], band: int
) -> tuple[int, int]:
    """Count and reason of one band of one pixel."""
    most, values, reasons = 0, [], [1]
    for tile, sources in per_tile:
        most = max(most, len(sources[place]))
        for line, sample in sources[place]:
            count = tile.counts[band, line - 1, sample - 1]
            reason = int(oracle.classify(np.array([count]))[0])
            if reason == 0:
                values.append(int(count))
            else:
                reasons.append(reason)
        if values and 2 * len(values) >= most:
            return round(sum(values) / len(values)), 0
    return NO_DATA, max(reasons)


@pytest.mark.parametrize("height", [20, 52])
def test_the_vectorised_oracle_equals_the_loops(height: int) -> None:
    """On tiles thinned to every eleventh pixel, at the mean and at the nearest pixel."""
    thinned = [
        replace(
            tile,
            resolution=RESOLUTION / 11,
            line_offset=(tile.line_offset - 1) / 11 + 1,
            sample_offset=(tile.sample_offset - 1) / 11 + 1,
            counts=tile.counts[:, ::11, ::11],
        )
        for tile in make_tiles()
    ]
    fast, slow = oracle.mosaic(thinned, height), mosaic_by_loops(thinned, height)
    np.testing.assert_array_equal(fast.counts, slow.counts)
    np.testing.assert_array_equal(fast.flags, slow.flags)
    assert (fast.flags == 0).mean() > 0.1


def test_the_equations_give_the_values_worked_out_by_hand() -> None:
    """R415, R750, R950 = 0.0999, 0.1998, 0.216: ratios 0.5 and 1.0811; and one bad band each."""
    counts = np.full((5, 1, 4), 1480, dtype=np.int16)
    counts[0], counts[3] = 740, 1600
    counts[0, 0, 1] = counts[2, 0, 2] = counts[3, 0, 3] = NO_DATA
    flags = np.array([[0, 2, 1 << 6, 6 << 9]], dtype=np.uint16)
    m = Mosaic(counts, flags)
    feo, feo_flag = oracle.predict(m, EQUATIONS["qiu-2025-feo"])
    # (1.08108 - 1.188) / (0.1998 - 0.018) = -0.58812; arctan 0.53164; x 24.770 - 8.053 = 5.1157
    assert feo.tolist() == [[1023, 1023, 1023, NO_DATA]]
    assert feo_flag.tolist() == [[0, 0, 0, 3]]
    tio2, tio2_flag = oracle.predict(m, EQUATIONS["qiu-2025-tio2"])
    # 0.019 / 0.1998 = 0.095095; arctan 0.094810; ^ 4.022 = 7.671e-5; x 7.128 = 5.468e-4
    assert tio2.tolist() == [[0, NO_DATA, 0, 0]]
    assert tio2_flag.tolist() == [[0, 2, 0, 0]]
    omat, _ = oracle.predict(m, EQUATIONS["qiu-2025-omat"])
    assert omat[0, 0] == 2109  # hypot(0.1818, 0.10692) = 0.21091


def test_a_box_over_the_seam_goes_on_past_180() -> None:
    rows, cols = oracle.box_pixels((178.2, 88.5, -177.9, 90.0), 180)
    assert rows.tolist() == [0, 1]
    assert cols.tolist() == [358, 359, 360, 361, 362]


def test_a_place_on_an_edge_is_refused() -> None:
    with pytest.raises(AssertionError, match="edge"):
        oracle.floor(np.array([0.3, 7.0 - 1e-12]))


def test_a_written_tile_is_the_archives_bytes(tmp_path: Path) -> None:
    """Read back by hand: the pointer leads to line 1 of the 415 nm band, big-endian."""
    tile = make_tiles()[0]
    write_tile(tile, tmp_path / tile.path)
    stored = (tmp_path / tile.path).read_bytes()
    text = stored[: stored.index(b"\r\nEND\r\n")].decode("ascii")
    value = {k.strip(): v.strip() for k, _, v in (s.partition("=") for s in text.split("\r\n"))}
    start = (int(value["^IMAGE"]) - 1) * int(value["RECORD_BYTES"])
    assert int(value["RECORD_BYTES"]) == 2 * int(value["LINE_SAMPLES"])
    assert len(stored) == int(value["FILE_RECORDS"]) * int(value["RECORD_BYTES"])
    assert start == int(value["LABEL_RECORDS"]) * int(value["RECORD_BYTES"])
    counts = np.frombuffer(stored[start:], ">i2").reshape(tile.counts.shape)
    np.testing.assert_array_equal(counts, tile.counts)
    assert float(value["LINE_PROJECTION_OFFSET"]) == tile.line_offset
    assert float(value["SAMPLE_PROJECTION_OFFSET"]) == tile.sample_offset
    assert float(value["MAP_RESOLUTION"]) == tile.resolution
