"""What the tests of remote stores share: one S3 server for all of them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lunarscale.store.location import Location

if TYPE_CHECKING:
    from s3_at_hand import Bucket, Proxy


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an S3 server; no setting of this machine's own is read."""
    pytest.importorskip("moto.server", reason="moto[server] is not installed")
    from s3_at_hand import FOREIGN, s3_server

    nothing = tmp_path_factory.mktemp("aws") / "nothing"
    with pytest.MonkeyPatch.context() as patch, s3_server() as server:
        for name in FOREIGN:
            patch.delenv(name, raising=False)
        patch.setenv("AWS_CONFIG_FILE", str(nothing))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nothing))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield server


@pytest.fixture(scope="session")
def moon_tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated tiles, on either side of the seam."""
    from lunarscale.simulated.archive import simulated_tile, write_tile
    from lunarscale.simulated.tiling import plan_tile

    folder = tmp_path_factory.mktemp("tiles")
    for name, west in (("UI00N165", 150), ("UI00N195", 180)):
        plan = plan_tile(name, (west, -30, west + 30, 30), ppd=1.0)
        write_tile(folder / plan.file_name, plan, simulated_tile(plan))
    return folder


@pytest.fixture(scope="session")
def new_name() -> Callable[[], str]:
    """Names of buckets."""
    return lambda: f"moon-{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def bucket(s3: str, new_name: Callable[[], str]) -> "Bucket":
    """A bucket of a module's own."""
    from s3_at_hand import Bucket

    return Bucket.new(s3, new_name())


@pytest.fixture(scope="module")
def proxy(s3: str) -> "Iterator[Proxy]":
    """A server that plays tricks."""
    from s3_at_hand import proxy_before

    with proxy_before(s3) as made:
        yield made


@pytest.fixture
def place(bucket: "Bucket") -> Location:
    """An empty place, reached directly."""
    return Location(bucket.url(uuid.uuid4().hex), bucket.options)


@pytest.fixture
def patient(bucket: "Bucket", proxy: "Proxy") -> Location:
    """An empty place behind the proxy; faults are waited for as long as users wait."""
    options = {**bucket.options, "endpoint_url": proxy.url}
    return Location(bucket.url(uuid.uuid4().hex), options)


@pytest.fixture
def tricky(bucket: "Bucket", proxy: "Proxy") -> Location:
    """An empty place behind the proxy; faults are waited for a few seconds at the most."""
    options = {**bucket.options, "endpoint_url": proxy.url, "patience_s": 3}
    return Location(bucket.url(uuid.uuid4().hex), options)
