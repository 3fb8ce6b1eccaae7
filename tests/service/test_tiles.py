"""Tiles as the service gives them: pixel by pixel against brute force, and their headers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from maps_at_hand import open_cube, write_maps
from numpy.typing import NDArray
from tile_twin import all_counts, bilinear_counts, nearest_counts, rgba, values

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.engine.ledger import Ledger
from lunarscale.flags import EXTRAPOLATED, NO_DATA, OUTSIDE_MARE
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.app import create_app
from lunarscale.service.settings import Settings
from lunarscale.service.tiles.asking import Asked
from lunarscale.service.tiles.colours import colours_of, index_table
from lunarscale.service.tiles.making import Made, Tiles
from lunarscale.service.tiles.matrices import AROUND_M, MATRIX_SETS, Tile, matrix_set
from lunarscale.steps.overview import overview
from lunarscale.store.cube import Cube
from lunarscale.store.levels import levels
from lunarscale.store.shard import ShardReader

Service = Callable[..., TestClient]

#: A whole Moon that no power of two divides, in chunks of which a tile at a pole touches dozens.
AROUND = 2060
QUANTUM = 0.005

#: Where each set is looked at: everything, the seam, the poles, beyond the map's own pixels.
PLACES = {
    "MoonCylindrical": [(0, 0, 0), (0, 1, 0), (1, 0, 1), (2, 7, 0), (2, 0, 3), (4, 31, 8)],
    "MoonNorthPolar": [(0, 0, 0), (1, 0, 0), (1, 1, 1), (2, 1, 2), (4, 8, 7)],
    "MoonSouthPolar": [(0, 0, 0), (1, 1, 0), (2, 2, 1), (3, 0, 7)],
}
CASES = [(name, place) for name, places in PLACES.items() for place in places]


def moon(grid: RasterGrid, seed: int = 6) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Noise with holes and flags."""
    rng = np.random.default_rng(seed)
    shape = (grid.height, grid.width)
    counts, flags = rng.integers(0, 4000, shape).astype(np.int16), np.zeros(shape, np.uint8)
    flags[rng.random(shape) < 0.3] = EXTRAPOLATED
    flags[rng.random(shape) < 0.1] |= OUTSIDE_MARE
    holes = rng.random(shape) < 0.2
    counts[holes], flags[holes] = NO_DATA, 2
    return counts, flags


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``noise.zarr`` with levels, ``bare.zarr`` without, ``part.zarr`` over the seam."""
    made = tmp_path_factory.mktemp("tiles")
    whole = RasterGrid(AROUND, 0, 0, AROUND // 2, AROUND)
    counts, flags = moon(whole)
    kept = {"flags": {"FeO": flags}, "shard": 256, "chunk": 64}
    overview(write_maps(made / "noise.zarr", {"FeO": counts}, whole, **kept))
    write_maps(made / "bare.zarr", {"FeO": counts}, whole, **kept, simulated=False)
    part = RasterGrid(AROUND, 900, AROUND - 100, 120, 200)
    write_maps(made / "part.zarr", {"FeO": moon(part)[0]}, part, shard=64, chunk=32)
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    """A client of the service of ``folder``, which all tests share that look at tiles only."""
    settings = Settings(folder, cluster=ClusterChoice(workers=0), hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        yield client


def tile_at(name: str, place: tuple[int, int, int], size: int = 256) -> Tile:
    return Tile(matrix_set(name), *place, size)


def url(dataset: str, tile: Tile, kind: str = "npy") -> str:
    place = f"{tile.zoom}/{tile.col}/{tile.row}.{kind}"
    return f"/api/datasets/{dataset}/tiles/{tile.set.name}/{place}"


def asked(client: TestClient, path: str, **query: Any) -> httpx.Response:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer


def level_by_rule(path: Path, tile: Tile) -> Cube:
    """The coarsest level that is no coarser than the tile's pixels, else the map."""
    found = levels(open_cube(str(path)))
    fine = [level for level in found if AROUND_M / level.grid.around <= tile.cell_m]
    return fine[-1] if fine else found[0]


@pytest.mark.parametrize("size", [256, 512])
@pytest.mark.parametrize(("name", "place"), CASES)
def test_values_are_those_of_the_level_next_finer(
    client: TestClient, folder: Path, name: str, place: tuple[int, int, int], size: int
) -> None:
    tile = tile_at(name, place, size)
    level = level_by_rule(folder / "noise.zarr", tile)
    expected, is_sure = nearest_counts(tile, level.grid, all_counts(level, "FeO"))
    found = values(asked(client, url("noise.zarr", tile), size=size).content)
    assert found.dtype == np.float32
    assert found.shape == (size, size)
    truth = np.where(expected == NO_DATA, np.nan, expected * QUANTUM).astype(np.float32)
    assert is_sure.mean() > 0.98
    assert np.array_equal(found[is_sure], truth[is_sure], equal_nan=True)


def test_levels_are_used_from_the_coarsest_to_the_map_itself(folder: Path) -> None:
    used = {
        level_by_rule(folder / "noise.zarr", tile_at("MoonCylindrical", (zoom, 0, 0))).grid.around
        for zoom in range(5)
    }
    assert used == {516, 1032, AROUND} & used
    assert len(used) >= 2


@pytest.mark.parametrize(("name", "place"), CASES)
def test_bilinear_means_only_of_neighbours_with_a_value(
    client: TestClient, folder: Path, name: str, place: tuple[int, int, int]
) -> None:
    tile = tile_at(name, place)
    level = level_by_rule(folder / "noise.zarr", tile)
    expected = bilinear_counts(tile, level.grid, all_counts(level, "FeO")) * QUANTUM
    _, is_sure = nearest_counts(tile, level.grid, all_counts(level, "FeO"))
    found = values(asked(client, url("noise.zarr", tile), resampling="bilinear").content)
    assert np.array_equal(np.isnan(found)[is_sure], np.isnan(expected)[is_sure])
    assert np.nanmax(np.abs(found - expected)[is_sure]) < 1e-4


@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("name", PLACES)
def test_pictures_are_the_colours_of_the_values(
    client: TestClient, name: str, resampling: str
) -> None:
    tile, query = tile_at(name, PLACES[name][1]), {"resampling": resampling}
    seen = values(asked(client, url("noise.zarr", tile), **query).content)
    blob = asked(
        client, url("noise.zarr", tile, "png"), palette="vik", min=2.5, max=17.5, **query
    ).content  # fmt: skip
    counts = np.where(np.isnan(seen), NO_DATA, np.rint(seen / QUANTUM)).astype(np.int16)
    index = index_table(QUANTUM, 2.5, 17.5)[counts.view(np.uint16)]
    shown = rgba(blob)
    assert np.array_equal(shown[:, :, 3] == 0, np.isnan(seen))
    has_value = index > 0
    off = shown[has_value][:, :3].astype(int) - colours_of("vik")[index[has_value].astype(int) - 1]
    # a mean that lies between two counts may be rounded to either
    assert (np.abs(off).max(axis=1) > 0).mean() <= (0.001 if resampling == "bilinear" else 0.0)


def test_a_picture_has_the_layers_own_palette_and_range(client: TestClient) -> None:
    tile = tile_at("MoonCylindrical", (0, 0, 0))
    told = client.get("/api/datasets/noise.zarr/legend.json").json()
    assert told["palette"] == "batlow"
    usual = asked(client, url("noise.zarr", tile, "png")).content
    same = {"palette": "batlow", "min": told["min"], "max": told["max"], "layer": "FeO"}
    assert asked(client, url("noise.zarr", tile, "png"), **same).content == usual
    other = asked(client, url("noise.zarr", tile, "png"), max=told["max"] + 1).content
    assert other != usual


def test_two_times_as_fine_by_name_is_the_same_as_by_size(client: TestClient) -> None:
    tile = tile_at("MoonSouthPolar", (1, 0, 1), 512)
    fine = asked(client, url("noise.zarr", tile, "png"), size=512).content
    assert rgba(fine).shape == (512, 512, 4)
    by_name = url("noise.zarr", tile, "png").replace(".png", "@2x.png")
    assert asked(client, by_name).content == fine


@pytest.mark.parametrize(
    ("words", "bits"),
    [(["extrapolated"], EXTRAPOLATED), (["extrapolated", "outside_mare"], 48), (["negative"], 8)],
)
def test_what_is_flagged_is_hidden_where_that_is_asked_for(
    client: TestClient, folder: Path, words: list[str], bits: int
) -> None:
    tile = tile_at("MoonNorthPolar", (2, 1, 1))
    level = level_by_rule(folder / "noise.zarr", tile)
    flags, _ = nearest_counts(tile, level.grid, all_counts(level, "FeO_flag").astype(np.int16))
    everything = values(asked(client, url("noise.zarr", tile)).content)
    some = values(asked(client, url("noise.zarr", tile), hide=words).content)
    expected = np.where((flags & bits) != 0, np.nan, everything)
    _, is_sure = nearest_counts(tile, level.grid, all_counts(level, "FeO"))
    assert np.array_equal(some[is_sure], expected[is_sure], equal_nan=True)
    assert (np.isnan(some).sum() > np.isnan(everything).sum()) == (bits != 8)


def test_off_the_map_a_tile_is_transparent(client: TestClient, folder: Path) -> None:
    far = tile_at("MoonCylindrical", (2, 3, 0))
    assert (rgba(asked(client, url("part.zarr", far, "png")).content)[:, :, 3] == 0).all()
    cube = open_cube(str(folder / "part.zarr"))
    for col in (0, 15):  # on both sides of 180 degrees
        tile = tile_at("MoonCylindrical", (3, col, 7))
        expected, is_sure = nearest_counts(tile, cube.grid, all_counts(cube, "FeO"))
        found = values(asked(client, url("part.zarr", tile)).content)
        assert np.array_equal(np.isnan(found)[is_sure], (expected == NO_DATA)[is_sure])
        assert 0.3 < np.isfinite(found).mean() < 0.8


@pytest.mark.parametrize("name", PLACES)
def test_zooms_beyond_the_map_go_so_far_and_no_further(client: TestClient, name: str) -> None:
    told = client.get(f"/api/datasets/noise.zarr/tiles/{name}/tilejson.json").json()
    deepest = told["maxzoom"] + 4
    for zoom, status in ((deepest, 200), (deepest + 1, 404), (16, 404), (17, 404)):
        tile = tile_at(name, (zoom, 0, 0))
        answer = client.get(url("noise.zarr", tile))
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
    client: TestClient, path: str, status: int, words: str
) -> None:
    answer = client.get(f"/api/datasets/{path}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


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

    def test_small_ones_are_drawn_from_themselves(self, client: TestClient, folder: Path) -> None:
        tile = tile_at("MoonCylindrical", (0, 0, 0))
        cube = open_cube(str(folder / "bare.zarr"))
        expected, is_sure = nearest_counts(tile, cube.grid, all_counts(cube, "FeO"))
        found = values(asked(client, url("bare.zarr", tile)).content)
        assert np.array_equal(np.isnan(found)[is_sure], (expected == NO_DATA)[is_sure])

    @pytest.mark.parametrize("name", PLACES)
    def test_large_ones_name_the_command(
        self, service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        client = service(folder)
        monkeypatch.setattr("lunarscale.service.tiles.sampling.MOST_PIXELS", 2**18)
        answer = client.get(url("bare.zarr", tile_at(name, (0, 0, 0))))
        assert answer.status_code == 409
        assert "`lunarscale overview bare.zarr`" in answer.json()["detail"]
        told = client.get(f"/api/datasets/bare.zarr/tiles/{name}/tilejson.json").json()
        assert 0 < told["minzoom"] <= told["maxzoom"]
        across = 2 ** told["minzoom"]
        for col in range(across):
            for row in range(across if "Polar" in name else across // 2):
                tile = tile_at(name, (told["minzoom"], col, row))
                assert client.get(url("bare.zarr", tile)).status_code == 200
        with_levels = client.get(f"/api/datasets/noise.zarr/tiles/{name}/tilejson.json").json()
        assert with_levels["minzoom"] == 0


class TestKeeping:
    """What a client, or a cache between, may keep, and for how long."""

    PATH = url("noise.zarr", tile_at("MoonSouthPolar", (1, 0, 0)), "png")

    def test_a_tag_stands_for_what_is_shown(self, client: TestClient) -> None:
        first = asked(client, self.PATH)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        assert first.headers["cache-control"] == "public, max-age=60"
        assert asked(client, self.PATH).headers["etag"] == tag
        others = [{"palette": "vik"}, {"min": -1}, {"size": 512}, {"hide": "extrapolated"}]
        others.append({"resampling": "bilinear"})
        tags = {asked(client, self.PATH, **other).headers["etag"] for other in others}
        tags.add(asked(client, self.PATH.replace("png", "npy")).headers["etag"])
        assert len(tags | {tag}) == 7

    def test_who_has_it_is_sent_nothing(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tag = asked(client, self.PATH, min=0.5).headers["etag"]
        monkeypatch.setattr("lunarscale.service.tiles.making.Tiles.make", None)  # draws nothing
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            answer = client.get(self.PATH, params={"min": 0.5}, headers={"if-none-match": known})
            assert answer.status_code == 304
            assert answer.content == b""
            assert answer.headers["etag"] == tag

    def test_another_tag_is_sent_it(self, client: TestClient) -> None:
        answer = client.get(self.PATH, headers={"if-none-match": '"another"'})
        assert answer.status_code == 200

    def test_head_tells_the_same_as_get(self, client: TestClient) -> None:
        for path in (self.PATH, self.PATH.replace("png", "npy")):
            told, given = client.head(path), client.get(path)
            assert told.status_code == 200
            assert told.headers == given.headers

    def test_the_address_of_a_version_is_kept_for_long(self, client: TestClient) -> None:
        version = client.get("/api/datasets/noise.zarr").json()["version"]
        now = asked(client, self.PATH, v=version).headers["cache-control"]
        assert now == "public, max-age=31536000, immutable"
        past = asked(client, self.PATH, v="of yesterday").headers["cache-control"]
        assert past == "public, max-age=60"

    def test_what_is_private_is_kept_by_nobody_between(
        self, service: Service, folder: Path, tokens: Any
    ) -> None:
        private = service(folder, private=True)
        assert private.get(self.PATH).status_code == 401
        answer = private.get(self.PATH, headers=tokens.header("read"))
        assert answer.headers["cache-control"].startswith("private, ")

    def test_a_map_that_grows_is_not_kept_until_it_is_whole(
        self, service: Service, tmp_path: Path
    ) -> None:
        grid = RasterGrid(512, 0, 0, 256, 512)
        path = write_maps(
            tmp_path / "grows.zarr", {"FeO": np.full((256, 512), 7, np.int16)}, grid,
            shard=128, chunk=64,
        )  # fmt: skip
        ledger, corner = Ledger.of(open_cube(path)), Window(0, 0, 128, 128)
        entry = ledger.read(corner)
        assert entry is not None
        ledger.withdraw(corner)
        client = service(tmp_path)
        tile = url("grows.zarr", tile_at("MoonCylindrical", (0, 0, 0)))
        growing = asked(client, tile)
        assert growing.headers["cache-control"] == "no-store"
        assert "etag" not in growing.headers
        found = values(growing.content)
        assert np.isnan(found[:128, :128]).all()
        assert np.isfinite(found[128:]).all()
        other = asked(client, url("grows.zarr", tile_at("MoonCylindrical", (0, 1, 0))))
        assert "etag" in other.headers, "what is finished may be kept"
        ledger.write(corner, entry)
        whole = asked(service(tmp_path), tile)
        assert np.isfinite(values(whole.content)).all()
        assert "etag" in whole.headers

    def test_a_torn_shard_is_told(self, service: Service, tmp_path: Path) -> None:
        grid = RasterGrid(512, 0, 0, 256, 512)
        made = {"FeO": np.full((256, 512), 7, np.int16)}
        write_maps(tmp_path / "torn.zarr", made, grid, shard=128, chunk=64)
        (tmp_path / "torn.zarr" / "FeO" / "c" / "0" / "0").unlink()
        answer = service(tmp_path).get(
            url("torn.zarr", tile_at("MoonCylindrical", (0, 0, 0)), "png")
        )
        assert answer.status_code == 503
        assert "torn.zarr" in answer.json()["detail"]


def test_thirty_two_clients_have_each_chunk_decoded_once(
    service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[str, int, int]] = []
    lock, together = threading.Lock(), threading.Barrier(32)
    really = ShardReader.chunk

    def counted(self: ShardReader, row: int, col: int) -> Any:
        with lock:
            decoded.append((self._where, row, col))
        return really(self, row, col)

    client = service(folder)
    path = "/api/datasets/noise.zarr/tiles/MoonNorthPolar/2/{}/1.npy"
    client.get("/api/datasets")  # the ranges are known, whose chunks are read another way
    monkeypatch.setattr(ShardReader, "chunk", counted)

    def ask(number: int) -> bytes:
        together.wait()
        return asked(
            client, path.format(1 + number % 2), size=256 + 256 * (number % 4 // 2)
        ).content

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(ask, range(32)))
    assert len(set(found)) == 4
    assert len(decoded) == len(set(decoded)) > 10


def test_others_are_answered_while_tiles_are_drawn(
    service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, really = threading.Event(), Tiles.make

    def slow(self: Tiles, tile: Asked) -> Made:
        go_on.wait()
        return really(self, tile)

    client = service(folder)
    monkeypatch.setattr(Tiles, "make", slow)
    path = "/api/datasets/noise.zarr/tiles/MoonCylindrical/2/{}/1.png"
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(client.get, path.format(col)) for col in range(8)]
        assert client.get("/api/tile-matrix-sets").status_code == 200
        assert not any(answer.done() for answer in waiting)
        go_on.set()
        assert all(answer.result().status_code == 200 for answer in waiting)


def test_memory_of_what_is_kept_is_bounded(service: Service, folder: Path) -> None:
    limit = 400_000
    client = service(folder, limits={"tile_cache_bytes": limit})
    tiles = client.app.state.house.tiles  # type: ignore[attr-defined]
    for col in range(8):
        for row in range(4):
            asked(client, url("noise.zarr", tile_at("MoonCylindrical", (2, col, row)), "png"))
    kept = tiles.blocks._chunks.weight, tiles.finished.weight
    assert 0 < sum(kept) <= limit
    assert min(kept) > 0


class TestDescriptions:
    """TileJSON, legends, palettes and sets."""

    @pytest.mark.parametrize("name", PLACES)
    def test_tilejson_leads_to_tiles(self, client: TestClient, name: str) -> None:
        asked_for = {"layer": "FeO", "palette": "vik", "max": 20, "hide": "extrapolated"}
        told = asked(
            client, f"/api/datasets/noise.zarr/tiles/{name}/tilejson.json", **asked_for
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
        answer = client.get(link)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        direct = asked(client, urlsplit(link).path, **asked_for).content
        assert answer.content == direct
        assert client.get(told["legend_url"]).json()["max"] == 20.0
        assert client.get(told["tile_matrix_set"]).json()["id"] == name

    def test_measured_data_are_not_called_simulated(self, client: TestClient) -> None:
        path = "/api/datasets/bare.zarr/tiles/MoonCylindrical/tilejson.json"
        assert "SIMULATED" not in asked(client, path).json()["attribution"]

    def test_a_map_over_the_seam_has_bounds_within_one_turn(self, client: TestClient) -> None:
        path = "/api/datasets/part.zarr/tiles/MoonCylindrical/tilejson.json"
        west, south, east, north = asked(client, path).json()["bounds"]
        assert (west, east) == (-180.0, 180.0)
        assert -90 < south < north < 90

    def test_links_go_the_way_that_the_client_came(self, service: Service, folder: Path) -> None:
        path = "/api/datasets/noise.zarr/tiles/MoonCylindrical/tilejson.json"
        forwarded = {
            "x-forwarded-proto": "https",
            "x-forwarded-host": "moon.example.org:8443",
            "x-forwarded-prefix": "/maps/",
        }
        plain = service(folder).get(path, headers=forwarded).json()["tiles"][0]
        assert plain.startswith("http://testserver/api/"), "no proxy is believed unless told to"
        behind = service(folder, behind_proxy=True, hosts=())
        link = behind.get(path, headers=forwarded).json()["tiles"][0]
        assert link.startswith("https://moon.example.org:8443/maps/api/datasets/noise.zarr/")
        wrong = {
            "x-forwarded-proto": "javascript",
            "x-forwarded-host": "evil.example/<script>",
            "x-forwarded-prefix": "/a b",
        }
        link = behind.get(path, headers=wrong).json()["tiles"][0]
        assert link.startswith("http://127.0.0.1:8000/api/")

    def test_a_legend_tells_values_and_colours(self, client: TestClient) -> None:
        told = asked(client, "/api/datasets/noise.zarr/legend.json", palette="vik", min=1).json()
        assert (told["quantity"], told["unit"], told["min"]) == ("FeO", "wt %", 1.0)
        assert told["simulated"] is True
        colours = ["#" + bytes(each).hex() for each in colours_of("vik")]
        assert told["colours"] == colours

    def test_a_drawn_legend_has_the_palettes_ends(self, client: TestClient) -> None:
        answer = asked(client, "/api/datasets/noise.zarr/legend.png", palette="vik")
        assert answer.headers["content-type"] == "image/png"
        shown = {tuple(pixel) for row in rgba(answer.content)[:, :, :3].tolist() for pixel in row}
        ends = colours_of("vik")[[0, 127, 254]].tolist()
        assert {tuple(end) for end in ends} <= shown

    def test_palettes_are_listed(self, client: TestClient) -> None:
        told = client.get("/api/palettes").json()["palettes"]
        kinds = {each["name"]: each["kind"] for each in told}
        assert kinds["batlow"] == "sequential"
        assert kinds["vik"] == "diverging"
        assert all(len(each["colours"]) == 16 for each in told)

    def test_sets_are_listed_and_linked(self, client: TestClient) -> None:
        told = client.get("/api/tile-matrix-sets").json()["tileMatrixSets"]
        assert [each["id"] for each in told] == list(MATRIX_SETS)
        for each in told:
            described = client.get(each["links"][0]["href"]).json()
            assert described == matrix_set(each["id"]).as_json()
        assert client.get("/api/tile-matrix-sets/Mars").status_code == 404
