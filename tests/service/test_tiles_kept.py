"""What of tiles is kept: by clients, by caches between, in memory; and drawn once for all."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from maps_at_hand import open_cube, write_maps
from tile_twin import values
from tiles_at_hand import asked, tile_at, url

from lunarscale.engine.ledger import Ledger
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.service.tiles.asking import Asked
from lunarscale.service.tiles.making import Made, Tiles
from lunarscale.store.shard import ShardReader

Service = Callable[..., TestClient]


class TestKeeping:
    """What a client, or a cache between, may keep, and for how long."""

    PATH = url("noise.zarr", tile_at("MoonSouthPolar", (1, 0, 0)), "png")

    def test_a_tag_stands_for_what_is_shown(self, tile_client: TestClient) -> None:
        first = asked(tile_client, self.PATH)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        assert first.headers["cache-control"] == "public, max-age=60"
        assert asked(tile_client, self.PATH).headers["etag"] == tag
        others = [{"palette": "vik"}, {"min": -1}, {"size": 512}, {"hide": "extrapolated"}]
        others.append({"resampling": "bilinear"})
        tags = {asked(tile_client, self.PATH, **other).headers["etag"] for other in others}
        tags.add(asked(tile_client, self.PATH.replace("png", "npy")).headers["etag"])
        assert len(tags | {tag}) == 7

    def test_who_has_it_is_sent_nothing(
        self, tile_client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tag = asked(tile_client, self.PATH, min=0.5).headers["etag"]
        monkeypatch.setattr("lunarscale.service.tiles.making.Tiles.make", None)  # draws nothing
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            answer = tile_client.get(
                self.PATH, params={"min": 0.5}, headers={"if-none-match": known}
            )
            assert answer.status_code == 304
            assert answer.content == b""
            assert answer.headers["etag"] == tag

    def test_another_tag_is_sent_it(self, tile_client: TestClient) -> None:
        answer = tile_client.get(self.PATH, headers={"if-none-match": '"another"'})
        assert answer.status_code == 200

    def test_head_tells_the_same_as_get(self, tile_client: TestClient) -> None:
        for path in (self.PATH, self.PATH.replace("png", "npy")):
            told, given = tile_client.head(path), tile_client.get(path)
            assert told.status_code == 200
            assert told.headers == given.headers

    def test_the_address_of_a_version_is_kept_for_long(self, tile_client: TestClient) -> None:
        version = tile_client.get("/api/datasets/noise.zarr").json()["version"]
        now = asked(tile_client, self.PATH, v=version).headers["cache-control"]
        assert now == "public, max-age=31536000, immutable"
        past = asked(tile_client, self.PATH, v="of yesterday").headers["cache-control"]
        assert past == "public, max-age=60"

    def test_what_is_private_is_kept_by_nobody_between(
        self, service: Service, tile_data: Path, tokens: Any
    ) -> None:
        private = service(tile_data, private=True)
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
    service: Service, tile_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[str, int, int]] = []
    lock, together = threading.Lock(), threading.Barrier(32)
    really = ShardReader.chunk

    def counted(self: ShardReader, row: int, col: int) -> Any:
        with lock:
            decoded.append((self._where, row, col))
        return really(self, row, col)

    client = service(tile_data)
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
    service: Service, tile_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, really = threading.Event(), Tiles.make

    def slow(self: Tiles, tile: Asked) -> Made:
        go_on.wait()
        return really(self, tile)

    client = service(tile_data)
    monkeypatch.setattr(Tiles, "make", slow)
    path = "/api/datasets/noise.zarr/tiles/MoonCylindrical/2/{}/1.png"
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(client.get, path.format(col)) for col in range(8)]
        assert client.get("/api/tile-matrix-sets").status_code == 200
        assert not any(answer.done() for answer in waiting)
        go_on.set()
        assert all(answer.result().status_code == 200 for answer in waiting)


def test_memory_of_what_is_kept_is_bounded(service: Service, tile_data: Path) -> None:
    limit = 400_000
    client = service(tile_data, limits={"tile_cache_bytes": limit})
    tiles = client.app.state.house.tiles  # type: ignore[attr-defined]
    for col in range(8):
        for row in range(4):
            asked(client, url("noise.zarr", tile_at("MoonCylindrical", (2, col, row)), "png"))
    kept = tiles.blocks._chunks.weight, tiles.finished.weight
    assert 0 < sum(kept) <= limit
    assert min(kept) > 0


def test_tiles_that_wait_are_bounded(
    service: Service, tile_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunarscale.service.tiles.making.EACH", 2)
    client = service(tile_data)
    path = url("noise.zarr", tile_at("MoonCylindrical", (0, 0, 0)), "png")
    crowd = client.app.state.house.tiles._crowd  # type: ignore[attr-defined]
    with crowd.inside("unknown"), crowd.inside("unknown"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert client.get(path).status_code == 200
    assert len(crowd) == 0
