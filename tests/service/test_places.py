"""Named features and landing sites."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from fastapi.testclient import TestClient

from lunarscale.gazetteer import features
from lunarscale.moon import normalise_longitude
from lunarscale.stations import OXIDES, clementine_stations, kaguya_stations
from lunarscale.stations.landers import LANDERS

Service = Callable[..., TestClient]


@pytest.fixture
def client(service: Service, service_data: Path) -> TestClient:
    return service(service_data)


def found(client: TestClient, **asked: Any) -> list[str]:
    answer = client.get("/api/features", params=asked)
    assert answer.status_code == 200, answer.text
    return [feature["name"] for feature in answer.json()["features"]]


def test_features_are_found_however_they_are_spelled(client: TestClient) -> None:
    assert found(client, q="tycho") == ["Tycho"]
    assert found(client, q="SCHRODINGER")[0] == "Schrödinger"
    assert "Schrödinger" in found(client, q="schröd")
    assert "Mare Imbrium" in found(client, q="imbr")
    assert found(client, q="mare imb") == ["Mare Imbrium"]
    assert found(client, q="ycho") == []
    assert found(client, q="%00\x00<script>") == []
    assert any("(" in name for name in found(client, q="noether"))


def test_they_come_by_size_and_one_of_that_very_name_first(client: TestClient) -> None:
    answer = client.get("/api/features", params={"q": "a", "limit": 50}).json()
    sizes = [feature["diameter_km"] for feature in answer["features"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 50
    assert answer["found"] > 50
    every = client.get("/api/features", params={"limit": 5000}).json()
    assert every["found"] == len(every["features"]) == len(features())
    for feature in features()[::50]:
        assert found(client, q=feature.name)[0] == feature.name


def test_they_are_found_by_kind_and_place(client: TestClient) -> None:
    seas = found(client, kind="mare")
    assert len(seas) == len(features("mare"))
    assert all(name.startswith("Mare") for name in seas)
    inside = found(client, bbox="170,-90,-170,90", limit=1000)
    expected = [each.name for each in features() if abs(each.lon) >= 170]
    assert sorted(inside) == sorted(expected)
    assert "Tycho" in found(client, bbox="-15,-45,-5,-40", kind="crater")


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (422, {"kind": "city"}), (400, {"bbox": "1,2"}), (422, {"limit": 0}),
        (422, {"limit": 10**9}), (422, {"q": "a" * 101}),
    ],
)  # fmt: skip
def test_what_is_no_search_is_refused(
    client: TestClient, status: int, asked: dict[str, Any]
) -> None:
    assert client.get("/api/features", params=asked).status_code == status


def test_sites_have_what_the_tables_say(client: TestClient) -> None:
    told = client.get("/api/sites").json()
    assert told["dataset"] is None
    sites = {site["name"]: site for site in told["sites"]}
    assert len(sites) == len(told["sites"])
    for station in clementine_stations():
        site = sites[station.name]
        assert (site["lon"], site["lat"]) == (station.lon, station.lat)
        assert site["table"] == "clementine-uvvis"
        assert site["measured"] == station.oxides_wt_pct
        assert site["references"].keys() == site["measured"].keys()
        assert "Wilcox" in site["references"]["FeO"]
        assert site["predicted"] == {}
    assert {"Chang'e-3", "Chang'e-5", "Chang'e-6"} <= sites.keys()
    assert sites["Chang'e-6"]["lon"] == LANDERS["Chang'e-6"].lon
    assert "LROC" in sites["Chang'e-6"]["place_source"]
    assert all(set(site["measured"]) <= set(OXIDES) for site in told["sites"])


def test_landers_are_where_the_camera_saw_them() -> None:
    published = {"Chang'e-3": (340.488, 44.1215), "Chang'e-5": (308.0839, 43.0576),
                 "Chang'e-6": (206.0148, -41.6385)}  # fmt: skip
    for name, (east, north) in published.items():
        assert LANDERS[name].lon == pytest.approx(normalise_longitude(east), abs=1e-9)
        assert LANDERS[name].lat == north
    assert set(published) <= {station.name for station in kaguya_stations()}


def test_sites_have_what_the_map_says_there(client: TestClient, service_data: Path) -> None:
    told = client.get("/api/sites", params={"dataset": "maps.zarr"}).json()
    assert told["simulated"] is True
    seen = 0
    with xr.open_zarr(service_data / "maps.zarr") as kept:
        store = kept.load()
    for site in told["sites"]:
        if site["lon"] is None:
            assert site["predicted"] == {}
            continue
        assert set(site["predicted"]) == set(OXIDES)
        row = math.floor((90 - site["lat"]) / 0.703125)
        col = math.floor((site["lon"] + 180) / 0.703125)
        for oxide, value in site["predicted"].items():
            layer = site["predicted_by"][oxide]
            kept = float(store[layer].values[row, col])
            assert (value is None) == math.isnan(kept)
            if value is None:
                assert site["reasons"][oxide]
                continue
            assert value == kept
            ends = site["uncertainty"].get(oxide)
            if ends is not None:
                assert ends["lower"] <= ends["upper"]
                seen += 1
    assert seen > 100


def test_a_mosaic_predicts_nothing_and_an_unknown_one_is_told(client: TestClient) -> None:
    told = client.get("/api/sites", params={"dataset": "mosaic.zarr"}).json()
    assert all(site["predicted"] == {} for site in told["sites"])
    assert client.get("/api/sites", params={"dataset": "../maps.zarr"}).status_code == 404
