"""The whole way in a bucket: tiles, mosaic and maps in S3, equal to those of a local run.

The server is moto's, in a process of this machine; the credentials are made up.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rasterio
import xarray as xr
from s3_at_hand import KEY, SECRET, Bucket, served

import lunarscale
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask
from lunarscale.errors import FormatError, ParametersError, StoreError
from lunarscale.steps.export import export
from lunarscale.steps.info import describe
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

pytestmark = [pytest.mark.s3, pytest.mark.slow]

#: A part of the Moon over the seam, and shards that do not fit it.
RUN: dict[str, Any] = {"ppd": 1.0, "bbox": (150.0, -30.0, -150.0, 30.0), "shard": 32, "chunk": 16}


@pytest.fixture(scope="module")
def tiles(moon_tiles: Path, bucket: Bucket) -> str:
    """The tiles in the bucket."""
    for path in moon_tiles.iterdir():
        Location(bucket.url("tiles"), bucket.options).put(path.name, path.read_bytes())
    return bucket.url("tiles")


@dataclass(frozen=True)
class Stores:
    """Mosaic and maps of one run."""

    mosaic: str
    maps: str


@pytest.fixture(scope="module")
def local(moon_tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """The run on this machine."""
    folder = tmp_path_factory.mktemp("local")
    stores = Stores(str(folder / "mosaic.zarr"), str(folder / "maps.zarr"))
    ingest([str(moon_tiles)], out=stores.mosaic, **RUN)
    predict(stores.mosaic, out=stores.maps)
    return stores


@pytest.fixture(scope="module")
def remote(bucket: Bucket, tiles: str) -> Stores:
    """The run in the bucket."""
    stores = Stores(bucket.url("out/mosaic.zarr"), bucket.url("out/maps.zarr"))
    ingest([tiles], out=stores.mosaic, storage_options=bucket.options, **RUN)
    predict(stores.mosaic, out=stores.maps, storage_options=bucket.options)
    return stores


def _data(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Shards, entries and statistics: all that does not tell when and where it was made."""
    told = ("zarr.json", "ledger/runs/", "ledger/lock/", "ledger/tiles.json")
    return {key: blob for key, blob in objects.items() if not key.startswith(told)}


def _files(store: str) -> dict[str, bytes]:
    paths = (path for path in Path(store).rglob("*") if path.is_file())
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("which", ["mosaic", "maps"])
def test_every_shard_is_the_local_runs_bit_for_bit(
    which: str, remote: Stores, local: Stores, bucket: Bucket
) -> None:
    here = Cube.open(Location(getattr(local, which)))
    there = Cube.open(Location(getattr(remote, which), bucket.options))
    assert there.layout == here.layout
    held = 0
    for spec in here.layout.arrays():
        for window in here.layout.windows():
            for band in range(spec.bands) if spec.bands else [None]:
                key = here.key(spec.name, window, band)
                blob = here.location.get(key)
                assert there.location.get(key) == blob
                assert there.location.size(key) == (None if blob is None else len(blob))
                held += blob is not None
    assert held > 8


@pytest.mark.parametrize("which", ["mosaic", "maps"])
def test_xarray_opens_it_in_the_bucket(
    which: str, remote: Stores, local: Stores, bucket: Bucket
) -> None:
    url = getattr(remote, which)
    with (
        xr.open_zarr(url, storage_options=bucket.options, chunks=None) as there,
        xr.open_zarr(getattr(local, which), chunks=None) as here,
    ):
        xr.testing.assert_equal(there.load(), here.load())


def test_a_second_run_does_nothing(remote: Stores, bucket: Bucket, tiles: str) -> None:
    options = {"storage_options": bucket.options}
    again = prepare_ingest([tiles], out=remote.mosaic, **RUN, **options)
    assert (again.jobs, again.problems) == ([], [])
    again = prepare_predict(remote.mosaic, out=remote.maps, **options)
    assert (again.jobs, again.problems) == ([], [])


def test_a_shard_that_was_lost_is_made_again(remote: Stores, bucket: Bucket) -> None:
    """And no other; with it the store is whole again, to the byte."""
    options = {"storage_options": bucket.options}
    cube = Cube.open(Location(remote.maps, bucket.options))
    key = cube.key("FeO", cube.layout.windows()[1])
    blob = cube.location.get(key)
    assert blob is not None
    cube.location.delete(key)
    assert cube.location.size(key) is None
    again = prepare_predict(remote.mosaic, out=remote.maps, **options)
    assert [job.window for job in again.jobs] == [cube.layout.windows()[1]]
    predict(remote.mosaic, out=remote.maps, **options)
    assert cube.location.get(key) == blob


@pytest.mark.parametrize("which", ["mosaic", "maps"])
def test_validate_reads_every_byte(which: str, remote: Stores, bucket: Bucket) -> None:
    """Torn shards are found, and those of the right size whose bits are not right."""
    url, options = getattr(remote, which), bucket.options
    assert validate(url, deep=True, storage_options=options).is_whole
    cube = Cube.open(Location(url, options))
    name, band = ("FeO", None) if which == "maps" else ("reflectance", 0)
    window = cube.layout.windows()[0]
    key = cube.key(name, window, band)
    blob = cube.location.get(key)
    assert blob is not None
    kept = {name: cube.location.get(f"ledger/{name}") for name in cube.location.keys("ledger")}
    for damage in (blob[:-1], blob[:9] + bytes([blob[9] ^ 1]) + blob[10:]):
        cube.location.put(key, damage)
        verdict = validate(url, deep=True, storage_options=options)
        assert verdict.done == verdict.shards - 1
        assert all(key in sentence for sentence in verdict.torn)
        cube.location.put(key, blob)
        for name, written in kept.items():
            assert written is not None
            cube.location.put(f"ledger/{name}", written)
    assert validate(url, deep=True, storage_options=options).is_whole


def test_workers_in_processes_write_the_same_with_keys_of_the_environment(
    bucket: Bucket, tiles: str, local: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the keys are nowhere in what was written."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.server)
    mosaic, maps = bucket.url("dask/mosaic.zarr"), bucket.url("dask/maps.zarr")
    with open_cluster(ClusterChoice(workers=2)) as cluster:
        executor = OnDask(cluster.client)
        ingest([tiles], out=mosaic, executor=executor, **RUN)
        predict(mosaic, out=maps, executor=executor)
        table = summarise(maps, by=("moon",), executor=executor).rows
    assert table == summarise(local.maps, by=("moon",)).rows
    there = bucket.objects("dask")
    of_maps = {k.removeprefix("maps.zarr/"): v for k, v in there.items() if k.startswith("maps")}
    assert _shards(_data(of_maps)) == _shards(_data(_files(local.maps)))
    assert not [key for key, blob in there.items() if SECRET.encode() in blob]
    assert not [key for key, blob in there.items() if KEY.encode() in blob]
    with xr.open_zarr(Location(maps).zarr_store(), chunks=None) as opened:
        assert SECRET not in repr(opened)


def _shards(objects: dict[str, bytes]) -> dict[str, bytes]:
    return {key: blob for key, blob in objects.items() if not key.startswith("ledger/")}


def test_keys_given_as_options_are_not_written_either(remote: Stores, bucket: Bucket) -> None:
    there = bucket.objects("out")
    assert len(there) > 30
    for word in (KEY, SECRET):
        assert not [key for key, blob in there.items() if word.encode() in blob]
    assert SECRET not in json.dumps(describe(remote.maps, bucket.options))


def test_info_export_and_datasets(
    remote: Stores, local: Stores, bucket: Bucket, tmp_path: Path
) -> None:
    here, there = describe(local.maps), describe(remote.maps, bucket.options)
    assert [line for line in there if line[0] == "shards done"] == [
        line for line in here if line[0] == "shards done"
    ]
    paths = tmp_path / "there.tif", tmp_path / "here.tif"
    export(remote.maps, layer="FeO", out=str(paths[0]), storage_options=bucket.options)
    export(local.maps, layer="FeO", out=str(paths[1]))
    with rasterio.open(paths[0]) as one, rasterio.open(paths[1]) as other:
        assert (one.read(1) == other.read(1)).all()
    far = lunarscale.open_dataset(remote.maps, storage_options=bucket.options)
    near = lunarscale.open_dataset(local.maps)
    xr.testing.assert_equal(far.load(), near.load())


def test_the_table_is_the_local_runs(remote: Stores, local: Stores, bucket: Bucket) -> None:
    there = summarise(remote.maps, by=("moon", "seas"), storage_options=bucket.options)
    assert there.rows == summarise(local.maps, by=("moon", "seas")).rows


def test_another_parameter_is_refused_and_overwrite_starts_afresh(
    bucket: Bucket, tiles: str, remote: Stores
) -> None:
    """What is removed is the store's alone: a neighbour with a like name stays."""
    out, options = bucket.url("fresh/a"), {"storage_options": bucket.options}
    neighbour = Location(bucket.url("fresh/a-neighbour"), bucket.options)
    neighbour.put("thesis.tex", b"years of work")
    source = [tiles]
    ingest(source, out=out, **RUN, **options)
    otherwise = {**RUN, "shard": 16}
    with pytest.raises(ParametersError, match=r"made with shard 32 .* --overwrite"):
        prepare_ingest(source, out=out, **otherwise, **options)
    ingest(source, out=out, **otherwise, overwrite=True, **options)
    assert Cube.open(Location(out, bucket.options)).layout.shard == 16
    assert validate(out, deep=True, storage_options=bucket.options).is_whole
    assert neighbour.get("thesis.tex") == b"years of work"


def test_what_is_not_there_is_one_sentence(bucket: Bucket) -> None:
    with pytest.raises(FormatError, match="a lunarscale store was expected but there is nothing"):
        Cube.open(Location(bucket.url("nowhere"), bucket.options))
    at_once = {"retries": {"max_attempts": 0}}
    closed = {**bucket.options, "endpoint_url": "http://127.0.0.1:1", "config_kwargs": at_once}
    sentence = r"^s3://moon/x/a: PUT was tried 1 time in .*127\.0\.0\.1:1.* is up and reachable"
    with pytest.raises(StoreError, match=sentence) as told:
        Location("s3://moon/x", closed).put("a", b"")
    assert "\n" not in str(told.value)


def test_a_store_on_a_web_server_is_read(local: Stores) -> None:
    """Through fsspec; a server that fails now and then is waited for, and nothing is written."""
    pytest.importorskip("aiohttp", reason="fsspec reads HTTP by aiohttp, which is not installed")
    near = Path(local.maps)
    with served(near.parent) as url:
        far = f"{url}/{near.name}"
        there = summarise(far, by=("latitude:30",)).rows
        assert there == summarise(str(near), by=("latitude:30",)).rows
        assert describe(far) == describe(str(near))
        assert Location(url).get("nothing") is None
        blob = Location(far).opened("zarr.json", whole=False)
        assert blob is not None
        assert bytes(blob.at(0, 1)) == b"{"  # from a server that gives whole files only
        with pytest.raises(StoreError):
            Location(far).put("a", b"1")
