"""Tables of gamma-ray abundances: what they say, and what is refused."""

import numpy as np
import pytest

from lunarscale.errors import SourceError
from lunarscale.moon import AREA_KM2
from lunarscale.readers.grs import ELEMENTS, OXIDES, ROW_LETTERS, read_grs
from lunarscale.simulated.grs import SIGMAS, grs_cells, pixel_means, write_grs

FIVE_DEGREES = "lp_grs/lpgrs_high1_elem_abundance_5deg.tab"

#: Area means of the archive's 5 degree table, wt %.
MEANS = {
    "MgO": 7.215, "Al2O3": 23.288, "SiO2": 43.404, "CaO": 15.800, "TiO2": 0.955, "FeO": 7.668,
}  # fmt: skip


@pytest.fixture(scope="module")
def cells():
    return grs_cells(30)


@pytest.fixture(scope="module")
def abundances(cells):
    rng = np.random.default_rng(5)
    oxides = {name: rng.uniform(0.0, 30.0, cells.count).round(2) for name in OXIDES}
    return oxides | {name: rng.uniform(0.0, 9.0, cells.count).round(2) for name in ELEMENTS}


@pytest.fixture
def table(tmp_path, cells, abundances):
    return write_grs(tmp_path / "sim_30deg.tab", cells, abundances)


@pytest.fixture
def damaged(table):
    """Change the table's lines, and read it without its label."""

    def change(edit):
        lines = table.read_bytes().decode().split("\r\n")[:-1]
        table.with_suffix(".lbl").unlink()
        table.write_bytes("".join(f"{line}\r\n" for line in edit(lines)).encode())
        return str(table)

    return change


def put(line, column, text):
    """A line with another field: 0 the index, 1-4 the edges, from 5 on the wide ones."""
    starts = [0, 10, 17, 24, 31, *range(38, ROW_LETTERS, 15)]
    width = 10 if column == 0 else 7 if column < 5 else 15
    start = starts[column]
    return line[:start] + text.rjust(width) + line[start + width :]


def test_area_means_of_the_real_table(test_data):
    real = read_grs(str(test_data(FIVE_DEGREES)))
    assert {name: round(real.area_mean(name), 3) for name in OXIDES} == MEANS
    assert not real.simulated
    assert real.cells.count == 1790
    assert real.pixel_deg == 5.0
    assert real.cells.areas_km2().sum() == pytest.approx(AREA_KM2)


def test_area_means_two_ways(test_data):
    path = test_data(FIVE_DEGREES)
    rows = [[float(word) for word in line.split()] for line in path.read_text().splitlines()]
    raw = np.array(rows)
    south, north, west, east = raw[:, 1:5].T
    areas = (np.sin(np.radians(north)) - np.sin(np.radians(south))) * (east - west)
    real = read_grs(str(path))
    for column, name in enumerate(OXIDES, start=7):
        twin = 100.0 * (areas * raw[:, column]).sum() / areas.sum()
        assert real.area_mean(name) == pytest.approx(twin, rel=1e-12)
    np.testing.assert_array_equal(real.thorium_ppm, raw[:, 14])
    np.testing.assert_allclose(real.uncertainty("MgO"), 100.0 * np.sqrt(raw[:, 16]))
    np.testing.assert_allclose(real.uncertainty("U"), np.sqrt(raw[:, 60]))


def test_rule_gives_the_real_pixels(test_data):
    real, made = read_grs(str(test_data(FIVE_DEGREES))).cells, grs_cells(5)
    assert (made.edges_deg, made.per_band) == (real.edges_deg, real.per_band)
    assert made.digest == real.digest


@pytest.mark.parametrize(("size", "count"), [(5, 1790), (2, 11_306)])
def test_both_tables_have_their_pixels(size, count):
    assert grs_cells(size).count == count


def test_a_table_reads_back(table, cells, abundances):
    read = read_grs(str(table))
    assert read.simulated
    assert read.name == "sim_30deg"
    assert read.cells.digest == cells.digest
    for name in OXIDES + ELEMENTS:
        np.testing.assert_allclose(read.of(name), abundances[name], rtol=1e-4, atol=1e-12)
        sigma = SIGMAS[(OXIDES + ELEMENTS).index(name)]
        np.testing.assert_allclose(read.uncertainty(name), sigma, rtol=1e-4)
    np.testing.assert_array_equal(read.errors, read.errors.transpose(0, 2, 1))
    with pytest.raises(SourceError, match="there is no Na2O; gamma rays gave MgO, Al2O3"):
        read.of("Na2O")


def test_the_two_degree_table_reads_back(tmp_path):
    read = read_grs(str(write_grs(tmp_path / "two.tab", grs_cells(2))))
    assert read.cells.count == 11_306
    assert read.pixel_deg == 2.0
    means = pixel_means(read.cells)
    np.testing.assert_allclose(read.of("FeO"), means["FeO"], rtol=1e-4)


def test_error_matrix_is_mirrored_from_its_upper_triangle(damaged):
    path = damaged(lambda lines: [put(lines[0], 17, "2.5000e-006"), *lines[1:]])
    errors = read_grs(path).errors[0]
    assert errors[0, 1] == errors[1, 0] == pytest.approx(2.5e-6 * 100 * 100)


def test_pixels_may_stand_in_any_order(damaged, cells, abundances):
    read = read_grs(damaged(lambda lines: lines[::-1]))
    assert read.cells.digest == cells.digest
    np.testing.assert_allclose(read.of("FeO"), abundances["FeO"], rtol=1e-4)


def test_one_kind_of_line_end_is_as_good_as_another(table, cells):
    table.write_bytes(table.read_bytes().replace(b"\r\n", b"\n"))
    assert read_grs(str(table)).cells.digest == cells.digest


BAD = {
    "cut within a line": (
        lambda rows: [*rows[:-1], rows[-1][:400]],
        "letters but has 400: the file is truncated",
    ),
    "cut between lines": (lambda rows: rows[:-1], "end at latitude 75 .* truncated"),
    "cut within a band": (lambda rows: rows[:-3], "eastern edge of 90 as the last of its band"),
    "another product": (lambda rows: ["PDS_VERSION_ID = PDS3"], "another product, or the table's"),
    "no number": (lambda rows: [put(rows[0], 12, "****"), *rows[1:]], r"line 1 has '\*\*\*\*' as"),
    "nothing": (lambda rows: [put(rows[0], 7, ""), *rows[1:]], "line 1 has '' as its MgO"),
    "not finite": (lambda rows: [put(rows[0], 8, "nan"), *rows[1:]], "no finite number"),
    "percent": (lambda rows: [put(rows[0], 7, "7.2e+000"), *rows[1:]], "pixel 0 has 7.2 of MgO"),
    "below zero": (lambda rows: [put(rows[0], 14, "-1.0"), *rows[1:]], "-1 of Th where 0 ppm"),
    "a gap": (lambda rows: [*rows[:3], *rows[4:]], "pixel 4 has a gap before it"),
    "twice": (lambda rows: [*rows, rows[3]], "pixel 3 has an overlap"),
    "uneven": (
        lambda rows: [rows[0], put(rows[1], 4, "-100.0"), put(rows[2], 3, "-100.0"), *rows[3:]],
        "pixel 1 has an eastern edge of -100 where",
    ),
    "another height": (
        lambda rows: [*rows[:2], put(rows[2], 2, "-40.0"), *rows[3:]],
        "pixel 2 has other latitudes",
    ),
    "upside down": (
        lambda rows: [*rows[:-1], put(put(rows[-1], 1, "90.0"), 2, "75.0")],
        "has no height",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_damage_is_told(damaged, fault):
    edit, told = BAD[fault]
    with pytest.raises(SourceError, match=told):
        read_grs(damaged(edit))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="there is no such file; give an LPGRS"):
        read_grs(str(tmp_path / "nothing.tab"))


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.tab").write_bytes(b"")
    with pytest.raises(SourceError, match="the file is empty"):
        read_grs(str(tmp_path / "empty.tab"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("LP-L-GRS-5-ELEM-ABUNDANCE-V1.0", "LP-L-NS-5-V1.0", "was expected but it is LP-L-NS"),
        ("ROWS                        = ", "ROWS                        = 9", "promises 9"),
        ("PDS_VERSION_ID", "!!", "label"),
    ],
)
def test_a_label_that_does_not_fit(table, old, new, told):
    label = table.with_suffix(".lbl")
    label.write_bytes(label.read_bytes().replace(old.encode(), new.encode()))
    with pytest.raises(SourceError, match=told):
        read_grs(str(table))


def test_two_degree_label_is_the_real_ones(test_data):
    """The label of the 2 degree table promises the rows that the rule gives."""
    text = test_data("lp_grs/lpgrs_high1_elem_abundance_2deg.lbl").read_text()
    assert f"ROWS                        = {grs_cells(2).count}" in text
