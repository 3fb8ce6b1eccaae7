"""What tiles mean: TileJSON, legends, palettes and sets."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from tile_twin import rgba
from tiles_at_hand import PLACES, asked

from lunarscale.service.tiles.colours import colours_of
from lunarscale.service.tiles.matrices import MATRIX_SETS, matrix_set

Service = Callable[..., TestClient]


@pytest.mark.parametrize("name", PLACES)
def test_tilejson_leads_to_tiles(tile_client: TestClient, name: str) -> None:
    asked_for = {"layer": "FeO", "palette": "vik", "max": 20, "hide": "extrapolated"}
    told = asked(
        tile_client, f"/api/datasets/noise.zarr/tiles/{name}/tilejson.json", **asked_for
    ).json()
    assert told["tilejson"] == "3.0.0"
    assert told["scheme"] == "xyz"
    assert "SIMULATED" in told["attribution"]
    west, south, east, north = told["bounds"]
    assert (west, east) == (-180.0, 180.0)
    expected = {"MoonCylindrical": (-90.0, 90.0), "MoonNorthPolar": (60.0, 90.0)}
    assert (south, north) == expected.get(name, (-90.0, -60.0))
    (template,) = told["tiles"]
    link = template.format(z=1, x=0, y=0)
    answer = tile_client.get(link)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    direct = asked(tile_client, urlsplit(link).path, **asked_for).content
    assert answer.content == direct
    assert tile_client.get(told["legend_url"]).json()["max"] == 20.0
    assert tile_client.get(told["tile_matrix_set"]).json()["id"] == name


def test_measured_data_are_not_called_simulated(tile_client: TestClient) -> None:
    path = "/api/datasets/bare.zarr/tiles/MoonCylindrical/tilejson.json"
    assert "SIMULATED" not in asked(tile_client, path).json()["attribution"]


def test_a_map_over_the_seam_has_bounds_within_one_turn(tile_client: TestClient) -> None:
    path = "/api/datasets/part.zarr/tiles/MoonCylindrical/tilejson.json"
    west, south, east, north = asked(tile_client, path).json()["bounds"]
    assert (west, east) == (-180.0, 180.0)
    assert -90 < south < north < 90


def test_links_go_the_way_that_the_client_came(service: Service, tile_data: Path) -> None:
    path = "/api/datasets/noise.zarr/tiles/MoonCylindrical/tilejson.json"
    forwarded = {
        "x-forwarded-proto": "https",
        "x-forwarded-host": "moon.example.org:8443",
        "x-forwarded-prefix": "/maps/",
    }
    plain = service(tile_data).get(path, headers=forwarded).json()["tiles"][0]
    assert plain.startswith("http://testserver/api/"), "no proxy is believed unless told to"
    behind = service(tile_data, behind_proxy=True, hosts=())
    link = behind.get(path, headers=forwarded).json()["tiles"][0]
    assert link.startswith("https://moon.example.org:8443/maps/api/datasets/noise.zarr/")
    wrong = {
        "x-forwarded-proto": "javascript",
        "x-forwarded-host": "evil.example/<script>",
        "x-forwarded-prefix": "/a b",
    }
    link = behind.get(path, headers=wrong).json()["tiles"][0]
    assert link.startswith("http://127.0.0.1:8000/api/")


def test_a_legend_tells_values_and_colours(tile_client: TestClient) -> None:
    told = asked(tile_client, "/api/datasets/noise.zarr/legend.json", palette="vik", min=1).json()
    assert (told["quantity"], told["unit"], told["min"]) == ("FeO", "wt %", 1.0)
    assert told["simulated"] is True
    colours = ["#" + bytes(each).hex() for each in colours_of("vik")]
    assert told["colours"] == colours


def test_a_drawn_legend_has_the_palettes_ends(tile_client: TestClient) -> None:
    answer = asked(tile_client, "/api/datasets/noise.zarr/legend.png", palette="vik")
    assert answer.headers["content-type"] == "image/png"
    shown = {tuple(pixel) for row in rgba(answer.content)[:, :, :3].tolist() for pixel in row}
    ends = colours_of("vik")[[0, 127, 254]].tolist()
    assert {tuple(end) for end in ends} <= shown


def test_palettes_are_listed(tile_client: TestClient) -> None:
    told = tile_client.get("/api/palettes").json()["palettes"]
    kinds = {each["name"]: each["kind"] for each in told}
    assert kinds["batlow"] == "sequential"
    assert kinds["vik"] == "diverging"
    assert all(len(each["colours"]) == 16 for each in told)


def test_sets_are_listed_and_linked(tile_client: TestClient) -> None:
    told = tile_client.get("/api/tile-matrix-sets").json()["tileMatrixSets"]
    assert [each["id"] for each in told] == list(MATRIX_SETS)
    for each in told:
        described = tile_client.get(each["links"][0]["href"]).json()
        assert described == matrix_set(each["id"]).as_json()
    assert tile_client.get("/api/tile-matrix-sets/Mars").status_code == 404
