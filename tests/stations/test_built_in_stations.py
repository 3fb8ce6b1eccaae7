"""The package's own tables: every value as in the archive's files, every value with its source."""

import csv
from collections import Counter

import pytest

from lunarscale.stations import (
    OXIDES,
    SOURCES,
    built_in_table,
    clementine_stations,
    kaguya_stations,
)

TABLES = {"clementine-uvvis": 47, "kaguya-mi": 60}


def rows_of(path, key):
    with path.open(encoding="utf-8", newline="") as lines:
        return {int(row[key]): row for row in csv.DictReader(lines)}


def test_clementine_is_the_archive_s_table(test_data):
    rows = rows_of(test_data("stations/clementine_47.csv"), "sno")
    assert [s.number for s in clementine_stations()] == sorted(rows)
    for station in clementine_stations():
        row = rows[station.number]
        assert station.name == row["site"]
        assert (station.lon, station.lat) == pytest.approx(
            ((float(row["lon_e360"]) + 180) % 360 - 180, float(row["lat"]))
        )
        assert station.reflectance == {w: float(row[f"R{w}"]) for w in (415, 750, 900, 950, 1000)}
        columns = {o: o if o in ("FeO", "TiO2") else f"{o}_rlcm" for o in OXIDES}
        assert station.oxides_wt_pct == {o: float(row[c]) for o, c in columns.items() if row[c]}


def test_kaguya_is_the_archive_s_repaired_table(test_data):
    rows = rows_of(test_data("stations/kaguya_mi_60_realigned.csv"), "Point")
    bands = (414, 749, 901, 950, 1001, 1049, 1248, 1548)
    assert [s.number for s in kaguya_stations()] == sorted(rows)
    for station in kaguya_stations():
        row = rows[station.number]
        assert station.reflectance == {w: float(row[f"{w}nm"]) for w in bands}
        assert station.oxides_wt_pct == {o: float(row[o]) for o in OXIDES}
        repaired = f"the soil is that of point {row['chem_point']}"
        assert (repaired in station.note) == (row["realigned"] == "True")
        if not row["site_inferred"].startswith("UNKNOWN"):
            named = row["site_inferred"].replace("ChangE", "Chang'e-")
            assert station.name.replace(" ", "").replace("-", "") == named.replace("-", "")


def test_spectra_of_repaired_rows_are_those_that_were_published_there(test_data):
    published = rows_of(test_data("stations/kaguya_mi_60_as_published.csv"), "Point")
    by_number = {s.number: s for s in kaguya_stations()}
    for number in range(14, 24):
        soil = by_number[number].oxides_wt_pct["FeO"]
        assert by_number[number].reflectance[749] == float(published[number]["749nm"])
        assert soil != float(published[number]["FeO"])
        assert soil == float(published[14 if number == 23 else number + 1]["FeO"])


def test_inferred_identities_are_marked():
    marked = {s.number for s in kaguya_stations() if "identity" in s.note}
    assert marked == {9, 10, 18, 58, 60}
    sites = {s.number: s.site for s in kaguya_stations()}
    assert [sites[n] for n in (9, 18, 59, 60)] == [
        "unnamed 9", "Apollo 15", "Chang'e-5", "Chang'e-6",
    ]  # fmt: skip


@pytest.mark.parametrize("camera", TABLES)
def test_every_value_has_a_known_source(camera):
    stations = built_in_table(camera).stations
    assert len(stations) == TABLES[camera]
    for station in stations:
        values = {f"R{w}" for w in station.reflectance}
        values |= {f"{oxide}_wt_pct" for oxide in station.oxides_wt_pct}
        values |= {"lon", "lat"} if station.lon is not None else set()
        assert values <= set(station.sources)
        assert set(station.sources.values()) <= set(SOURCES)


def test_apollo_11_has_oxides_of_another_source():
    first, second = clementine_stations()[:2]
    assert first.sources["FeO_wt_pct"] == "wilcox-2005"
    assert first.sources["MgO_wt_pct"] == "korotev-gillis-2001"
    assert second.sources["MgO_wt_pct"] == "rlcm-dl"


def test_landing_sites():
    sites = Counter(s.site for s in clementine_stations())
    assert len(sites) == 9
    assert [sites[f"Apollo {n}"] for n in (17, 16, 15)] == [21, 10, 9]


def test_station_14_is_of_apollo_16():
    station = clementine_stations()[13]
    assert (station.number, station.name, station.site) == (14, "Apollo 16 - LM", "Apollo 16")
    assert station.lat == pytest.approx(-8.9548)
    assert "labelled Apollo 15" in station.note


def test_what_is_doubtful_is_said():
    (missing,) = built_in_table("clementine-uvvis").warnings
    assert "no Al2O3, MgO, CaO, SiO2 at 1 of 47 stations (Apollo 14 - Cone)" in missing
    low = built_in_table("kaguya-mi").warnings
    assert [text.split("sum to ")[1][:4] for text in low] == ["95.0", "92.5"]


def test_a_digest_tells_tables_apart():
    one, other = (built_in_table(camera).digest for camera in TABLES)
    assert one != other
    assert len(one) == 64
