"""Tiles that there are none of: how deep zooms go, and what is no tile's address."""

import pytest
from fastapi.testclient import TestClient
from tiles_at_hand import PLACES, tile_at, url


@pytest.mark.parametrize("name", PLACES)
def test_zooms_beyond_the_map_go_so_far_and_no_further(tile_client: TestClient, name: str) -> None:
    told = tile_client.get(f"/api/datasets/noise.zarr/tiles/{name}/tilejson.json").json()
    deepest = told["maxzoom"] + 4
    for zoom, status in ((deepest, 200), (deepest + 1, 404), (16, 404), (17, 404)):
        tile = tile_at(name, (zoom, 0, 0))
        answer = tile_client.get(url("noise.zarr", tile))
        assert answer.status_code == status, zoom
    assert "zoom" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("noise.zarr/tiles/MoonCylindrical/0/2/0.png", 404, "2 x 1 tiles at zoom 0"),
        ("noise.zarr/tiles/MoonNorthPolar/1/0/2.npy", 404, "2 x 2 tiles"),
        ("noise.zarr/tiles/WebMercatorQuad/0/0/0.png", 404, "MoonSouthPolar"),
        ("none.zarr/tiles/MoonCylindrical/0/0/0.png", 404, "no dataset"),
        ("..%2Fnoise.zarr/tiles/MoonCylindrical/0/0/0.png", 404, ""),
        ("noise.zarr/tiles/MoonCylindrical/-1/0/0.png", 422, "z"),
        ("noise.zarr/tiles/MoonCylindrical/0/x/0.png", 422, "x"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/99999999999999999999.png", 422, "y"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?layer=TiO2", 404, "FeO"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?palette=jet", 404, "palette"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?min=5&max=5", 400, "min"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?min=1e300&max=-1", 400, "min"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?min=0&max=1e-320", 400, "min"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?min=-1e308&max=1e308", 400, "min"),
        ("noise.zarr/legend.png?min=1&max=1.0000000000000002", 400, "min"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?min=nan", 422, "min"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?max=inf", 422, "max"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?size=300", 422, "size"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?size=65536", 422, "size"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?hide=everything", 422, "hide"),
        ("noise.zarr/tiles/MoonCylindrical/0/0/0.png?resampling=cubic", 422, "resampling"),
        ("noise.zarr/tiles/MoonCylindrical/tilejson.json?palette=jet", 404, "palette"),
        ("noise.zarr/legend.png?min=3&max=2", 400, "min"),
    ],
)
def test_what_cannot_be_is_a_problem(
    tile_client: TestClient, path: str, status: int, words: str
) -> None:
    answer = tile_client.get(f"/api/datasets/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
