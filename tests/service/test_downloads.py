"""Windows as files: what ``export`` writes, and rows of CSV; nothing stays behind."""

import io
import os
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from fastapi.testclient import TestClient
from jobs_at_hand import wait_for
from maps_at_hand import open_cube, write_maps
from service_at_hand import Live

from lunarscale.engine.ledger import Ledger
from lunarscale.errors import StoreError, TornError
from lunarscale.flags import EXTRAPOLATED, NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.service.queries import downloads
from lunarscale.steps.export import export

Service = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go; at the end of each test there is none."""
    found = tmp_path / "temporary"
    found.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    return found


def ask(client: TestClient, name: str = "maps.zarr", **asked: Any) -> Any:
    return client.get(f"/api/datasets/{name}/download", params={"layer": "FeO", **asked})


def opened(content: bytes) -> rasterio.io.DatasetReader:
    return rasterio.io.MemoryFile(content).open()


@pytest.mark.parametrize("bbox", ["-15,-45,35,-10", "160,-60,-160,60", None])
def test_a_geotiff_is_what_export_writes(
    service: Service, service_data: Path, tmp_path: Path, folder: Path, bbox: str | None
) -> None:
    answer = ask(service(service_data), **({"bbox": bbox} if bbox else {}))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("image/tiff")
    assert int(answer.headers["content-length"]) == len(answer.content)
    edges = None if bbox is None else tuple(map(float, bbox.split(",")))
    twin = export(
        str(service_data / "maps.zarr"), layer="FeO", out=str(tmp_path / "twin.tif"),
        bbox=edges,  # type: ignore[arg-type]
    )  # fmt: skip
    with opened(answer.content) as ours, rasterio.open(twin) as theirs:
        np.testing.assert_array_equal(ours.read(1), theirs.read(1))
        assert ours.transform == theirs.transform
        assert ours.crs == theirs.crs
        assert ours.scales == theirs.scales == (0.005,)
        assert ours.overviews(1) == theirs.overviews(1)
        assert ours.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        tags, expected = ours.tags(), theirs.tags()
    assert tags["simulated"] == "True"
    assert re.search(r"from /\S+/mosaic.zarr", expected.pop("history"))
    assert tags.pop("history").endswith("from mosaic.zarr")  # nothing of this machine
    assert tags == expected
    assert list(folder.iterdir()) == []


def test_the_name_says_what_it_is(service: Service, service_data: Path) -> None:
    client = service(service_data)
    told = ask(client, bbox="-15,-45,35,-10").headers["content-disposition"]
    name = re.fullmatch(r'attachment; filename="([A-Za-z0-9._-]+)"', told)
    assert name is not None
    assert name[1].startswith("maps_FeO_-15.4688_-45_")
    assert name[1].endswith("_SIMULATED.tif")
    coarse = ask(client, level=2, format="csv").headers["content-disposition"]
    assert coarse.endswith('_level-2_SIMULATED.csv"')


def test_a_name_from_a_folder_is_made_safe(service: Service, tmp_path: Path) -> None:
    grid = RasterGrid.whole(0.25)
    counts = np.ones((grid.height, grid.width), np.int16)
    write_maps(tmp_path / "data" / "Mären 1.zarr", {"FeO": counts}, grid, simulated=False)
    told = ask(service(tmp_path / "data"), "Mären 1.zarr", format="csv").headers
    assert told["content-disposition"] == ('attachment; filename="M-ren-1_FeO_-180_-90_180_90.csv"')


def table_of(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), comment="#", keep_default_na=True)


@pytest.mark.parametrize("bbox", ["-15,-45,35,-10", "160,-60,-160,60"])
def test_csv_has_a_row_a_pixel(service: Service, service_data: Path, bbox: str) -> None:
    answer = ask(service(service_data), bbox=bbox, format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head = [line for line in answer.text.splitlines() if line.startswith("#")]
    assert head[0].startswith("# SIMULATED")
    assert any(line.startswith("# history: ") for line in head)
    assert not any("/" in line for line in head if line.startswith("# history"))
    table = table_of(answer.content)
    assert list(table) == ["lon", "lat", "value", "flags"]
    with xr.open_zarr(service_data / "maps.zarr") as store:
        lons = (table.lon.values + 180) % 360 - 180
        cols = np.rint((lons + 180) / 0.703125 - 0.5).astype(int)
        rows = np.rint((90 - table.lat.values) / 0.703125 - 0.5).astype(int)
        np.testing.assert_allclose(store.lon.values[cols], lons, atol=1e-7)
        expected = store.FeO.values[rows, cols]
        np.testing.assert_allclose(table.value.values, expected, rtol=0, atol=1e-9)
    assert len(table) == len(set(zip(rows, cols, strict=True)))


def test_csv_says_why_there_is_no_value(service: Service, tmp_path: Path) -> None:
    grid = RasterGrid.whole(0.25)
    counts = np.full((grid.height, grid.width), -3, np.int16)
    flags = np.zeros(counts.shape, np.uint8)
    counts[0, 0], flags[0, 0], flags[0, 1] = NO_DATA, 2, EXTRAPOLATED
    write_maps(tmp_path / "data" / "maps.zarr", {"FeO": counts}, grid, flags={"FeO": flags})
    lines = ask(service(tmp_path / "data"), format="csv").text.splitlines()
    rows = [line for line in lines if not line.startswith("#")][1:4]
    assert [row.split(",")[2:] for row in rows] == [
        ["", "saturated_input"], ["-0.015", "extrapolated"], ["-0.015", ""],
    ]  # fmt: skip
    assert rows[0].startswith("-178.00000000,88.00000000,")


def test_a_mosaics_band_can_be_had(service: Service, service_data: Path) -> None:
    client = service(service_data)
    answer = ask(client, "mosaic.zarr", layer="R750", bbox="0,0,30,30")
    assert answer.status_code == 200, answer.text
    with (
        opened(answer.content) as file,
        xr.open_zarr(service_data / "mosaic.zarr", mask_and_scale=False) as store,
    ):
        rows = slice(round((90 - 30.234375) / 0.703125), 128)
        np.testing.assert_array_equal(
            file.read(1), store.reflectance.values[1, rows, 256 : 256 + file.width]
        )
        assert file.scales == (1.35e-4,)
    assert ask(client, "mosaic.zarr", layer="R750", bbox="0,0,9,9", format="csv").status_code == 200


@pytest.mark.parametrize("format", ["geotiff", "csv"])
def test_what_is_too_large_is_told_the_level_that_fits(
    service: Service, service_data: Path, format: str
) -> None:
    limits = {"download_pixels": 40_000, "csv_pixels": 40_000}
    client = service(service_data, limits=limits)
    refused = ask(client, format=format)
    assert refused.status_code == 413
    assert f"a download as {format} has 40,000 pixels at most" in refused.json()["detail"]
    assert "with level=2" in refused.json()["detail"]
    fine = ask(client, format=format, level=2)
    assert fine.status_code == 200
    if format == "geotiff":
        with (
            opened(fine.content) as file,
            xr.open_zarr(
                service_data / "maps.zarr" / "overviews" / "2", mask_and_scale=False
            ) as store,
        ):
            np.testing.assert_array_equal(file.read(1), store.FeO.values)


@pytest.mark.parametrize(
    ("status", "asked"),
    [
        (404, {"layer": "Au"}), (404, {"layer": "../../etc/passwd"}), (404, {"level": 3}),
        (422, {"format": "shell"}), (400, {"bbox": "1,2"}), (422, {"bbox": "0,0,0,0"}),
        (404, {"layer": "FeO_flag"}), (422, {"level": 0}), (422, {"level": 10**30}),
    ],
)  # fmt: skip
def test_what_is_no_window_is_refused(
    service: Service, service_data: Path, folder: Path, status: int, asked: dict[str, Any]
) -> None:
    assert ask(service(service_data), **asked).status_code == status
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("format", ["geotiff", "csv"])
def test_what_is_not_finished_cannot_be_had(service: Service, tmp_path: Path, format: str) -> None:
    grid = RasterGrid.whole(0.25)
    counts = np.full((grid.height, grid.width), 100, np.int16)
    cube = open_cube(write_maps(tmp_path / "data" / "maps.zarr", {"FeO": counts}, grid))
    Ledger.of(cube).withdraw(cube.layout.windows()[0])
    client = service(tmp_path / "data")
    refused = ask(client, format=format)
    assert refused.status_code == 409
    assert "1 of the 6 shards under this window" in refused.json()["detail"]
    assert ask(client, format=format, bbox="100,-40,170,40").status_code == 200


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "disk for temporary files is full"),
        (StoreError("GDAL cannot write it"), "disk for temporary files is full"),
        (TornError("a shard has changed"), "a shard has changed"),
    ],
)
def test_a_full_disk_is_told_and_no_other_fault_taken_for_one(
    service: Service, service_data: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *,
    error: Exception, told: str,
) -> None:  # fmt: skip
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(downloads, "write_layer", fail)
    refused = ask(service(service_data))
    assert refused.status_code == 503
    assert told in refused.json()["detail"]
    assert list(folder.iterdir()) == []


def held() -> list[str]:
    """Files of downloads that this process has open."""
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue
    return [link for link in links if "lunarscale-download-" in link]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are told by /proc")
def test_a_client_that_hangs_up_leaves_nothing(live_service: Live, folder: Path) -> None:
    head = (
        b"GET /api/datasets/maps.zarr/download?layer=FeO&format=csv HTTP/1.1\r\n"
        b"Host: 127.0.0.1\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", live_service.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(head)
        assert line.recv(100).startswith(b"HTTP/1.1 200")
        assert list(folder.iterdir()) == []  # nothing can be left, whatever comes
    wait_for(lambda: not held(), "the end of its file")


def test_files_on_their_way_are_bounded(service: Service, service_data: Path) -> None:
    client = service(service_data, limits={"downloads": 2, "downloads_each": 1})
    files = client.app.state.house.files  # type: ignore[attr-defined]
    with files.inside("unknown"):  # how this client's address is called
        assert ask(client, bbox="0,0,5,5").status_code == 429
    for _ in range(2):  # whatever becomes of it, it makes room
        assert ask(client, bbox="0,0,5,5").status_code == 200
        assert ask(client, bbox="0,0,5,95").status_code == 422
    assert len(files) == 0
    with files.inside("a"), files.inside("b"):
        assert ask(client, bbox="0,0,5,5").status_code == 503
