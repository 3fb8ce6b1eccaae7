"""Named features: the package's table against the gazetteer's own, names and places."""

import csv
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.errors import RegionError
from lunarscale.gazetteer import Feature, distance_km, features, find, holding, nearest
from lunarscale.gazetteer.kinds import LINEAR, is_lettered, kind_of
from lunarscale.moon import SEAS

SOURCE = "nomenclature/moon-GPN-gazetteer-source.csv"


def rows_of(path) -> list[Feature]:
    """The package's rows, made again from the gazetteer's own file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Approval_Status"] == "Approved"]
    kept = [row for row in rows if not is_lettered(row["Feature_Name"])]
    return sorted(
        Feature(
            row["Feature_Name"],
            kind_of(row["Feature_Name"], row["Origin"]),
            float(row["Center_Longitude"]),
            float(row["Center_Latitude"]),
            float(row["Diameter"]),
        )
        for row in kept
    )


def test_the_table_is_the_gazetteers(test_data) -> None:
    assert list(features()) == rows_of(test_data(SOURCE))


def test_the_table_is_whole_and_plausible() -> None:
    assert len(features()) == 1950
    assert len({feature.name for feature in features()}) == 1950
    for feature in features():
        assert -180.0 <= feature.lon <= 180.0
        assert -90.0 <= feature.lat <= 90.0
        assert 0.0 <= feature.diameter_km < 2600.0
        assert "[" not in feature.name  # dropped and proposed names stand in brackets


def test_the_seas_of_the_groupings_are_the_gazetteers() -> None:
    named = {f.name: f for kind in ("mare", "oceanus") for f in features(kind)}
    assert len(SEAS) == len(named) == 23
    for sea in SEAS:
        feature = named[sea.name]
        assert (feature.lon, feature.lat, feature.diameter_km) == sea[1:]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Copernicus", "crater"),
        ("Mare Imbrium", "mare"),
        ("Montes Apenninus", "mons"),
        ("Mont Blanc", "mons"),
        ("Rimae Hevelius", "rima"),
        ("Shorty", "astronaut-named feature"),
        ("South Massif", "astronaut-named feature"),
        ("Reiner Gamma", "albedo feature"),
        ("Statio Tranquillitatis", "landing site"),
        ("Vallis Schrödinger", "vallis"),
    ],
)
def test_kinds(name, kind) -> None:
    assert find(name).kind == kind
    assert find(name) in features(kind)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("Schrodinger", "Schrödinger"),
        ("SCHRÖDINGER", "Schrödinger"),
        ("von karman", "Von Kármán"),
        ("vant hoff", "van't Hoff"),
        ("Chang Ngo", "Chang-Ngo"),
        ("noether", "Nöther (Noether)"),
        ("Nother", "Nöther (Noether)"),
        ("Nöther (Noether)", "Nöther (Noether)"),
        ("g bond", "G. Bond"),
    ],
)
def test_names_are_found_however_they_are_spelled(spelled, name) -> None:
    assert find(spelled).name == name


def test_every_feature_is_found_by_its_own_name() -> None:
    assert [find(feature.name) for feature in features()] == list(features())


def test_places_of_the_paper() -> None:
    # Qiu 2025 names them by rounded centres
    for name, lon, lat in (("Schrödinger", 132.5, -75), ("Zeeman", -135.1, -75.1)):
        found = find(name)
        assert (found.lon, found.lat) == pytest.approx((lon, lat), abs=0.5)
    assert find("Antoniadi").lat == -69.3


def test_an_unknown_name_is_refused_with_names_like_it() -> None:
    with pytest.raises(RegionError, match=r"'Copernicos' is no named feature.*is it Copernicus"):
        find("Copernicos")
    with pytest.raises(RegionError, match="see the IAU gazetteer"):
        find("qqqqqqqqqq")
    with pytest.raises(RegionError, match=r"is it Nöther \(Noether\), Wöhler\?"):
        find("Nowhere")  # near both of Nöther's names, told once
    with pytest.raises(
        RegionError, match=r"'lake' is no kind.*crater, .*lacus, landing site, mare"
    ):
        features("lake")


def test_what_is_near() -> None:
    near = nearest(132.0, -75.0, at_least_km=100)
    assert near.feature.name == "Schrödinger"
    # degrees of an arc of about 0.36 degrees, by hand
    east = (132.93 - 132.0) * math.cos(math.radians(74.865))
    expected = math.radians(math.hypot(east, 0.27)) * 1737.4
    assert near.distance_km == pytest.approx(expected, rel=1e-3)
    assert nearest(179.99, 60.0).feature == nearest(-180.01, 60.0).feature
    assert nearest(0.0, 0.0, kind="mare").feature.kind == "mare"
    assert nearest(20.0, 90.0).feature == nearest(-95.0, 90.0).feature


def test_what_holds_a_place() -> None:
    assert holding(-20.08, 9.62).name == "Copernicus"
    assert holding(-15.0, 38.0).name == "Mare Imbrium"
    assert holding(132.93, -74.73).name == "Schrödinger"
    assert holding(-151.5, -40.0, at_least_km=500.0).name == "Apollo"
    assert holding(-20.08, 9.62, at_least_km=5000.0) is None


@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90))
def test_the_holder_is_the_smallest_of_those_that_hold(lon, lat) -> None:
    holds = [
        f
        for f in features()
        if f.kind not in LINEAR and distance_km((lon, lat), (f.lon, f.lat)) <= f.diameter_km / 2
    ]
    found = holding(lon, lat)
    assert (found is None) == (not holds)
    assert found is None or found.diameter_km == min(f.diameter_km for f in holds)
    near = nearest(lon, lat)
    assert near.distance_km == min(distance_km((lon, lat), (f.lon, f.lat)) for f in features())


def test_distances_on_the_sphere() -> None:
    quarter = math.pi / 2 * 1737.4
    assert distance_km((0, 0), (90, 0)) == pytest.approx(quarter)
    assert distance_km((12, 90), (77, -90)) == pytest.approx(2 * quarter)
    assert distance_km((179.5, 0), (-179.5, 0)) == pytest.approx(quarter / 90)
    assert distance_km((5, 5), (5, 5)) == 0.0


def test_no_place_on_the_moon_is_refused() -> None:
    with pytest.raises(RegionError, match="latitude 91 is no place"):
        nearest(0.0, 91.0)
    with pytest.raises(RegionError, match="no named crater of 9000 km"):
        nearest(0.0, 0.0, at_least_km=9000, kind="crater")
