"""The whole way in a bucket: tiles, mosaic and maps in S3, equal to those of a local run.

The server is moto's, on this machine; the credentials are made up.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pytest
import xarray as xr

from lunarscale.errors import FormatError, ParametersError, StoreError
from lunarscale.simulated.archive import plan_tile, simulated_tile, write_tile
from lunarscale.steps.ingest import ingest, prepare_ingest
from lunarscale.steps.predict import predict, prepare_predict
from lunarscale.steps.summarise import summarise
from lunarscale.steps.validate import validate
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

moto_server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
pytest.importorskip("s3fs", reason="s3fs is not installed")

pytestmark = [pytest.mark.s3, pytest.mark.slow]

#: A part of the Moon over the seam, and shards that do not fit it.
RUN: dict[str, Any] = {"ppd": 1.0, "bbox": (150.0, -30.0, -150.0, 30.0), "shard": 32, "chunk": 16}


@dataclass(frozen=True)
class Bucket:
    """A bucket and how to reach it."""

    name: str
    options: dict[str, Any] = field(repr=False)

    def url(self, path: str) -> str:
        """Of something in it."""
        return f"s3://{self.name}/{path}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an S3 server; no setting of this machine's own is read."""
    nothing = tmp_path_factory.mktemp("aws") / "nothing"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_CONFIG_FILE", str(nothing))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nothing))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "127.0.0.1")
        server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="module")
def bucket(server: str) -> Bucket:
    """An empty bucket."""
    options = {"key": "made-up", "secret": "made-up", "endpoint_url": server}
    name = f"moon-{uuid.uuid4().hex}"
    fsspec.filesystem("s3", **options).mkdir(name)
    return Bucket(name, options)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated tiles, on either side of the seam."""
    folder = tmp_path_factory.mktemp("tiles")
    for name, west in (("UI00N165", 150), ("UI00N195", 180)):
        plan = plan_tile(name, (west, -30, west + 30, 30), ppd=1.0)
        write_tile(folder / plan.file_name, plan, simulated_tile(plan))
    return folder


@dataclass(frozen=True)
class Stores:
    """Mosaic and maps of one run."""

    mosaic: str
    maps: str


@pytest.fixture(scope="module")
def local(tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """The run on this machine."""
    folder = tmp_path_factory.mktemp("local")
    stores = Stores(str(folder / "mosaic.zarr"), str(folder / "maps.zarr"))
    ingest([str(tiles)], out=stores.mosaic, **RUN)
    predict(stores.mosaic, out=stores.maps)
    return stores


@pytest.fixture(scope="module")
def remote(bucket: Bucket, tiles: Path) -> Stores:
    """The run in the bucket."""
    files = fsspec.filesystem("s3", **bucket.options)
    for path in tiles.iterdir():
        files.put_file(str(path), f"{bucket.name}/tiles/{path.name}")
    stores = Stores(bucket.url("out/mosaic.zarr"), bucket.url("out/maps.zarr"))
    ingest([bucket.url("tiles")], out=stores.mosaic, storage_options=bucket.options, **RUN)
    predict(stores.mosaic, out=stores.maps, storage_options=bucket.options)
    return stores


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


def test_a_second_run_does_nothing(remote: Stores, bucket: Bucket) -> None:
    options = {"storage_options": bucket.options}
    again = prepare_ingest([bucket.url("tiles")], out=remote.mosaic, **RUN, **options)
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


def test_the_table_is_the_local_runs(remote: Stores, local: Stores, bucket: Bucket) -> None:
    there = summarise(remote.maps, by=("moon", "seas"), storage_options=bucket.options)
    assert there.rows == summarise(local.maps, by=("moon", "seas")).rows


def test_another_parameter_is_refused_and_overwrite_starts_afresh(
    bucket: Bucket, tiles: Path, remote: Stores
) -> None:
    """What is removed is the store's alone: a neighbour with a like name stays."""
    out, options = bucket.url("fresh/a"), {"storage_options": bucket.options}
    neighbour = Location(bucket.url("fresh/a-neighbour"), bucket.options)
    neighbour.put("thesis.tex", b"years of work")
    source = [bucket.url("tiles")]
    ingest(source, out=out, **RUN, **options)
    coarser = {**RUN, "ppd": 0.5}
    with pytest.raises(ParametersError, match=r"made with grid .* --overwrite"):
        prepare_ingest(source, out=out, **coarser, **options)
    ingest(source, out=out, **coarser, overwrite=True, **options)
    assert Cube.open(Location(out, bucket.options)).grid.around == 180
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
