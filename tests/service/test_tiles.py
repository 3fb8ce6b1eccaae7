"""Tiles as the service gives them: pixel by pixel against brute force."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from maps_at_hand import open_cube
from tile_twin import all_counts, bilinear_counts, nearest_counts, rgba, values
from tiles_at_hand import AROUND, CASES, PLACES, QUANTUM, asked, level_by_rule, tile_at, url

from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.service.tiles.colours import colours_of, index_table

Service = Callable[..., TestClient]


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize(("name", "place"), CASES)
def test_values_are_those_of_the_level_next_finer(
    tile_client: TestClient, tile_data: Path, name: str, place: tuple[int, int, int], size: int
) -> None:
    tile = tile_at(name, place, size)
    level = level_by_rule(tile_data / "noise.zarr", tile)
    expected, is_sure = nearest_counts(tile, level.grid, all_counts(level, "FeO"))
    found = values(asked(tile_client, url("noise.zarr", tile), size=size).content)
    assert found.dtype == np.float32
    assert found.shape == (size, size)
    truth = np.where(expected == NO_DATA, np.nan, expected * QUANTUM).astype(np.float32)
    assert is_sure.mean() > 0.98
    assert np.array_equal(found[is_sure], truth[is_sure], equal_nan=True)


def test_levels_are_used_from_the_coarsest_to_the_map_itself(tile_data: Path) -> None:
    used = {
        level_by_rule(
            tile_data / "noise.zarr", tile_at("MoonCylindrical", (zoom, 0, 0))
        ).grid.around
        for zoom in range(5)
    }
    assert used == {516, 1032, AROUND} & used
    assert len(used) >= 2


@pytest.mark.parametrize(("name", "place"), CASES)
def test_bilinear_means_only_of_neighbours_with_a_value(
    tile_client: TestClient, tile_data: Path, name: str, place: tuple[int, int, int]
) -> None:
    tile = tile_at(name, place)
    level = level_by_rule(tile_data / "noise.zarr", tile)
    expected = bilinear_counts(tile, level.grid, all_counts(level, "FeO")) * QUANTUM
    _, is_sure = nearest_counts(tile, level.grid, all_counts(level, "FeO"))
    found = values(asked(tile_client, url("noise.zarr", tile), resampling="bilinear").content)
    assert np.array_equal(np.isnan(found)[is_sure], np.isnan(expected)[is_sure])
    assert np.nanmax(np.abs(found - expected)[is_sure]) < 1e-4


@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("name", PLACES)
def test_pictures_are_the_colours_of_the_values(
    tile_client: TestClient, name: str, resampling: str
) -> None:
    tile, query = tile_at(name, PLACES[name][1]), {"resampling": resampling}
    seen = values(asked(tile_client, url("noise.zarr", tile), **query).content)
    blob = asked(
        tile_client, url("noise.zarr", tile, "png"), palette="vik", min=2.5, max=17.5, **query
    ).content  # fmt: skip
    counts = np.where(np.isnan(seen), NO_DATA, np.rint(seen / QUANTUM)).astype(np.int16)
    index = index_table(QUANTUM, 2.5, 17.5)[counts.view(np.uint16)]
    shown = rgba(blob)
    assert np.array_equal(shown[:, :, 3] == 0, np.isnan(seen))
    has_value = index > 0
    off = shown[has_value][:, :3].astype(int) - colours_of("vik")[index[has_value].astype(int) - 1]
    # a mean that lies between two counts may be rounded to either
    assert (np.abs(off).max(axis=1) > 0).mean() <= (0.001 if resampling == "bilinear" else 0.0)


def test_a_picture_has_the_layers_own_palette_and_range(tile_client: TestClient) -> None:
    tile = tile_at("MoonCylindrical", (0, 0, 0))
    told = tile_client.get("/api/datasets/noise.zarr/legend.json").json()
    assert told["palette"] == "batlow"
    usual = asked(tile_client, url("noise.zarr", tile, "png")).content
    same = {"palette": "batlow", "min": told["min"], "max": told["max"], "layer": "FeO"}
    assert asked(tile_client, url("noise.zarr", tile, "png"), **same).content == usual
    other = asked(tile_client, url("noise.zarr", tile, "png"), max=told["max"] + 1).content
    assert other != usual


def test_two_times_as_fine_by_name_is_the_same_as_by_size(tile_client: TestClient) -> None:
    tile = tile_at("MoonSouthPolar", (1, 0, 1), 512)
    fine = asked(tile_client, url("noise.zarr", tile, "png"), size=512).content
    assert rgba(fine).shape == (512, 512, 4)
    by_name = url("noise.zarr", tile, "png").replace(".png", "@2x.png")
    assert asked(tile_client, by_name).content == fine


@pytest.mark.parametrize(
    ("words", "bits"),
    [(["extrapolated"], EXTRAPOLATED), (["extrapolated", "outside_mare"], 48), (["negative"], 8)],
)
def test_what_is_flagged_is_hidden_where_that_is_asked_for(
    tile_client: TestClient, tile_data: Path, words: list[str], bits: int
) -> None:
    tile = tile_at("MoonNorthPolar", (2, 1, 1))
    level = level_by_rule(tile_data / "noise.zarr", tile)
    flags, _ = nearest_counts(tile, level.grid, all_counts(level, "FeO_flag").astype(np.int16))
    everything = values(asked(tile_client, url("noise.zarr", tile)).content)
    some = values(asked(tile_client, url("noise.zarr", tile), hide=words).content)
    expected = np.where((flags & bits) != 0, np.nan, everything)
    _, is_sure = nearest_counts(tile, level.grid, all_counts(level, "FeO"))
    assert np.array_equal(some[is_sure], expected[is_sure], equal_nan=True)
    assert (np.isnan(some).sum() > np.isnan(everything).sum()) == (bits != 8)


def test_off_the_map_a_tile_is_transparent(tile_client: TestClient, tile_data: Path) -> None:
    far = tile_at("MoonCylindrical", (2, 3, 0))
    assert (rgba(asked(tile_client, url("part.zarr", far, "png")).content)[:, :, 3] == 0).all()
    cube = open_cube(str(tile_data / "part.zarr"))
    for col in (0, 15):  # on both sides of 180 degrees
        tile = tile_at("MoonCylindrical", (3, col, 7))
        expected, is_sure = nearest_counts(tile, cube.grid, all_counts(cube, "FeO"))
        found = values(asked(tile_client, url("part.zarr", tile)).content)
        assert np.array_equal(np.isnan(found)[is_sure], (expected == NO_DATA)[is_sure])
        assert 0.3 < np.isfinite(found).mean() < 0.8


def test_a_mosaics_bands_are_tiles_too_but_have_no_flags(
    service: Service, service_data: Path
) -> None:
    client = service(service_data)
    tile = tile_at("MoonCylindrical", (1, 2, 0))
    cube = open_cube(str(service_data / "mosaic.zarr"))
    expected, is_sure = nearest_counts(
        tile, cube.grid, cube.read("reflectance", cube.grid.window, 1)
    )  # fmt: skip
    found = values(asked(client, url("mosaic.zarr", tile), layer="R750").content)
    scale = cube.layout.camera_facts.scale
    assert np.allclose(found[is_sure], np.where(expected == NO_DATA, np.nan, expected * scale)[
        is_sure
    ], equal_nan=True)  # fmt: skip
    answer = client.get(url("mosaic.zarr", tile), params={"hide": "extrapolated"})
    assert answer.status_code == 400
    assert "mosaic" in answer.json()["detail"]
    assert client.get("/api/datasets/mosaic.zarr/legend.json").json()["palette"] == "grayC"


class TestWithoutLevels:
    """Maps that nobody has made an overview of."""

    def test_small_ones_are_drawn_from_themselves(
        self, tile_client: TestClient, tile_data: Path
    ) -> None:
        tile = tile_at("MoonCylindrical", (0, 0, 0))
        cube = open_cube(str(tile_data / "bare.zarr"))
        expected, is_sure = nearest_counts(tile, cube.grid, all_counts(cube, "FeO"))
        found = values(asked(tile_client, url("bare.zarr", tile)).content)
        assert np.array_equal(np.isnan(found)[is_sure], (expected == NO_DATA)[is_sure])

    @pytest.mark.parametrize("name", PLACES)
    def test_large_ones_name_the_command(
        self, service: Service, tile_data: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        client = service(tile_data)
        monkeypatch.setattr("lunarscale.service.tiles.sampling.MOST_PIXELS", 2**18)
        answer = client.get(url("bare.zarr", tile_at(name, (0, 0, 0))))
        assert answer.status_code == 409
        assert "a job `overview` of bare.zarr" in answer.json()["detail"]
        told = client.get(f"/api/datasets/bare.zarr/tiles/{name}/tilejson.json").json()
        assert 0 < told["minzoom"] <= told["maxzoom"]
        across = 2 ** told["minzoom"]
        for col in range(across):
            for row in range(across if "Polar" in name else across // 2):
                tile = tile_at(name, (told["minzoom"], col, row))
                assert client.get(url("bare.zarr", tile)).status_code == 200
        with_levels = client.get(f"/api/datasets/noise.zarr/tiles/{name}/tilejson.json").json()
        assert with_levels["minzoom"] == 0
