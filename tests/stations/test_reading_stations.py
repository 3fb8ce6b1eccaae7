"""Users' tables: what is read comes back, what is wrong is told in one sentence."""

import dataclasses
import os
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.errors import StationError
from lunarscale.stations import STATION_BANDS, built_in_table, read_stations
from lunarscale.stations.reading import LARGEST_TABLE, table_of

CAMERA = "clementine-uvvis"
HEADER = "name,site,lon,lat,R415,R750,R900,R950,R1000,FeO_wt_pct,TiO2_wt_pct"
ROWS = (
    "A,One,23.5,0.7,0.0607,0.0918,0.0957,0.0971,0.0996,15.8,7.5",
    "B,One,336.7,-3.0,0.0701,0.1161,0.1182,0.1189,0.1231,15.4,3.1",
    "C,,,,0.0798,0.1364,0.1414,0.1437,0.1485,10.5,",
)


def text(header=HEADER, rows=ROWS):
    return "\n".join([header, *rows]) + "\n"


def read(content, **options):
    return table_of(content, CAMERA, title="t.csv", **options)


def test_a_table_with_what_may_be_left_out():
    table = read(text())
    a, b, c = table.stations
    assert [s.number for s in table.stations] == [1, 2, 3]
    assert (b.lon, b.lat) == (pytest.approx(-23.3), -3.0)
    assert (c.site, c.lon, c.lat) == ("C", None, None)
    assert c.oxides_wt_pct == {"FeO": 10.5}
    assert a.reflectance[950] == 0.0971
    assert table.warnings == ("t.csv: no TiO2 at 1 of 3 stations (C); left out where needed",)


@pytest.mark.parametrize("camera", STATION_BANDS)
def test_the_package_s_own_tables_are_examples(camera, tmp_path):
    name = {"clementine-uvvis": "clementine", "kaguya-mi": "kaguya"}[camera]
    path = tmp_path / "mine.csv"
    path.write_bytes(b"\xef\xbb\xbf" + files("lunarscale").joinpath(
        f"tables/{name}_stations.csv").read_bytes().replace(b"\n", b"\r\n"))  # fmt: skip
    table = read_stations(path, camera)
    assert table.stations == built_in_table(camera).stations
    assert table.digest == built_in_table(camera).digest
    assert table.title == "mine.csv"


def test_sources_of_columns_and_of_single_values():
    rows = [*(f"{row}," for row in ROWS[:2]), f'{ROWS[2]},"me: FeO_wt_pct; you: R415 R750"']
    table = read(text(f"# source all: R415 R750 FeO_wt_pct lon\n{HEADER},sources", rows))
    a, _, c = table.stations
    assert a.sources == dict.fromkeys(("R415", "R750", "FeO_wt_pct", "lon"), "all")
    assert c.sources == {"R415": "you", "R750": "you", "FeO_wt_pct": "me"}


def test_estimated_reflectances_are_marked():
    rows = [f"{row},{said}" for row, said in zip(ROWS, ("", "no", "yes"), strict=True)]
    table = read(text(f"{HEADER},estimated", rows))
    assert [s.estimated for s in table.stations] == [False, False, True]


def changed(row, column, value):
    cells = ROWS[row].split(",")
    cells[HEADER.split(",").index(column)] = value
    return text(rows=[*ROWS[:row], ",".join(cells), *ROWS[row + 1 :]])


FAULTS = {
    "empty": ("", "the table is empty"),
    "only comments": ("# nothing\n", "the table is empty"),
    "header only": (text(rows=()), "a header but no stations"),
    "missing column": (text(HEADER.replace("R950", "R95")), r"no column R950 \(R95\?\)"),
    "unknown column": (text(HEADER.replace("FeO_", "Fe0_")), r"unknown Fe0_wt_pct \(FeO_wt_pct\?"),
    "other delimiter": (text().replace(",", ";"), "are parted by semicolons; save the table"),
    "tabs": (text().replace(",", "\t"), "are parted by tabs; save the table"),
    "an endless cell": (text() + '"' + "x" * 200_000, "line 5: this is no row of a table"),
    "no text": ("\0" * 1000, "has the unknown .*…'; columns"),
    "digits parted": (changed(1, "R750", "0_1"), "line 3: R750 is '0_1', which is no number"),
    "a percent sign": (changed(1, "TiO2_wt_pct", "3.1%"), "line 3: TiO2_wt_pct is '3.1%', which"),
    "a decimal comma": (changed(1, "R750", '"0,1161"'), "line 3: R750 is '0,1161', which is no"),
    "minus nothing": (changed(1, "R750", "-0.0"), "line 3: R750 is -0, but a reflectance"),
    "a name of none": (
        changed(0, "name", "A\0B"),
        "line 2: the name .* is no name; write one line",
    ),
    "a long site": (changed(0, "site", "x" * 81), "line 2: the site 'x*…' is no name"),
    "beyond all": (changed(0, "FeO_wt_pct", "1e300"), r"the oxides of A sum to 1e\+300 wt %"),
    "column twice": (text(HEADER.replace("site", "lon")), "the column lon is there twice"),
    "no oxide": (text(HEADER.replace("FeO_wt_pct,TiO2_wt_pct", "note,sources")), "no oxide"),
    "short row": (text(rows=["A,B,1,2"]), "line 2: the row has 4 cells but the header 11"),
    "far longitude": (changed(0, "lon", "361"), "line 2: lon 361, lat 0.7 is no place"),
    "far latitude": (changed(1, "lat", "-90.5"), "line 3: lon 336.7, lat -90.5 is no place"),
    "half a place": (changed(1, "lat", ""), "line 3: lon and lat belong together"),
    "nan": (changed(1, "R750", "nan"), "line 3: R750 is 'nan', which is no number"),
    "words": (changed(1, "FeO_wt_pct", "much"), "line 3: FeO_wt_pct is 'much'"),
    "negative": (changed(0, "R950", "-0.1"), "line 2: R950 is -0.1, but a reflectance"),
    "zero": (changed(0, "R950", "0"), "line 2: R950 is 0, but a reflectance"),
    "percent": (changed(0, "R950", "9.71"), "R950 is 9.71, .* is it in percent"),
    "no reflectance": (changed(2, "R415", ""), "line 4: R415 is empty"),
    "no name": (changed(2, "name", ""), "line 4: the station has no name"),
    "same again": (text(rows=[*ROWS, ROWS[0]]), "line 5: the spectrum of A is also in .* line 2"),
    "negative oxide": (changed(0, "TiO2_wt_pct", "-1"), "line 2: TiO2 is -1 wt %"),
    "too much": (changed(0, "FeO_wt_pct", "99"), "line 2: the oxides of A sum to 106.5"),
    "constant": (
        text(rows=[r.replace(",10.5,", ",15.8,").replace(",15.4,", ",15.8,") for r in ROWS]),
        "FeO is 15.8 at all of 3",
    ),
    "number twice": (text(f"station,{HEADER}", [f"7,{r}" for r in ROWS]), "station 7 is also in"),
    "no number": (text(f"station,{HEADER}", [f"1.5,{r}" for r in ROWS]), "a whole number"),
    "estimated?": (text(f"{HEADER},estimated", [f"{r},perhaps" for r in ROWS]), "yes or no"),
    "bad sources": (text(f"{HEADER},sources", [f"{r},me" for r in ROWS]), "KEY: column"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told(fault):
    content, told = FAULTS[fault]
    with pytest.raises(StationError, match=told) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith("t.csv")
    assert "\n" not in message


def test_lines_are_counted_as_an_editor_does():
    with pytest.raises(StationError, match="line 5: R750 is 'x'"):
        read("# one\n\n" + changed(1, "R750", "x"))


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(StationError, match="no such file"):
        read_stations(tmp_path / "none.csv", CAMERA)
    with pytest.raises(StationError, match="no such file"):
        read_stations(tmp_path, CAMERA)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(StationError, match="no such file"):
        read_stations(tmp_path / "pipe.csv", CAMERA)
    (tmp_path / "long.csv").write_bytes(b"x" * (LARGEST_TABLE + 1))
    with pytest.raises(StationError, match="10,000,001 bytes but a table of stations may have 10"):
        read_stations(tmp_path / "long.csv", CAMERA)
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(StationError, match="not text in UTF-8"):
        read_stations(binary, CAMERA)
    with pytest.raises(StationError, match="no stations for the camera 'clementin'"):
        read_stations(binary, "clementin")


FRACTIONS = tuple(
    ",".join(
        [*row.split(",")[:9], *(f"{float(v) / 100:.4f}" if v else "" for v in row.split(",")[9:])]
    )
    for row in ROWS
)


def test_fractions_are_asked_about():
    with pytest.raises(
        StationError, match=r"FeO is 0\.158 wt % at most, which looks like a .*--units frac"
    ):
        read(text(rows=FRACTIONS))


def test_fractions_that_are_said_to_be():
    table = read(text(rows=FRACTIONS), fractions=True)
    assert table.stations[0].oxides_wt_pct == pytest.approx({"FeO": 15.8, "TiO2": 7.5})
    as_written = read(text(rows=FRACTIONS), fractions=False)
    assert as_written.stations[0].oxides_wt_pct["FeO"] == 0.158
    with pytest.raises(StationError, match=r"FeO is up to 15\.8, which is no weight fraction"):
        read(text(), fractions=True)


def test_titanium_of_highlands_is_no_fraction():
    rows = [row.rsplit(",", 2)[0] + f",5.{i},0.{5 + i}" for i, row in enumerate(ROWS)]
    assert read(text(rows=rows)).stations[0].oxides_wt_pct["TiO2"] == 0.5


@given(
    st.lists(
        st.tuples(
            st.floats(1e-4, 1.0), st.floats(-180.0, 180.0, exclude_max=True),
            st.floats(-90.0, 90.0), st.floats(2.0, 25.0),
        ),
        min_size=1, max_size=6, unique_by=(lambda t: t[0], lambda t: t[3]),
    )
)  # fmt: skip
def test_what_is_written_is_read(values):
    rows = [
        f"n{i},s,{lon!r},{lat!r},{r!r},{r!r},{r!r},{r!r},{r!r},{oxide!r},"
        for i, (r, lon, lat, oxide) in enumerate(values)
    ]
    found = read(text(rows=rows)).stations
    assert [(s.reflectance[415], s.lon, s.lat, s.oxides_wt_pct["FeO"]) for s in found] == values


def test_the_digest_knows_what_is_learnt_from():
    table = read(text())
    first = table.stations[0]
    for other in (
        dataclasses.replace(first, estimated=True),
        dataclasses.replace(first, reflectance={**first.reflectance, 750: 0.1}),
        dataclasses.replace(first, oxides_wt_pct={"FeO": 1.0}),
    ):
        changed_table = dataclasses.replace(table, stations=(other, *table.stations[1:]))
        assert changed_table.digest != table.digest
    moved = dataclasses.replace(first, note="else")
    assert dataclasses.replace(table, stations=(moved, *table.stations[1:])).digest == table.digest
