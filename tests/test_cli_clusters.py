"""Clusters from the command line: one that stays, used by its name, looked at and stopped."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_at_hand import lunarscale, refused

from lunarscale.clusters.standing_files import records
from lunarscale.clusters.standing_members import end_all
from lunarscale.simulated.archive import write_archive


@pytest.fixture(autouse=True)
def of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder for the test, in which nothing is left running."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    for standing in records():
        end_all(standing, end_s=5)


@pytest.mark.cluster
@pytest.mark.slow
def test_a_cluster_that_stays(tmp_path: Path) -> None:
    options = ("--workers", "1", "--memory-limit", "2GiB", "--tls", tmp_path / "keys")
    said = lunarscale("cluster", "start", "--name", "moon", *options).stdout
    address = re.search(r"tls://127\.0\.0\.1:\d+", said)
    assert address is not None
    assert "moon, 1 worker\n" in re.sub(" +\n", "\n", said)
    assert re.search(r"dashboard +http://127\.0\.0\.1:\d+/status", said)
    assert "It stays until `lunarscale cluster stop --name moon`" in said

    write_archive(tmp_path / "tiles", ppd=6.0, bbox=(0.0, 0.0, 6.0, 7.0))
    grid = ("--ppd", "5", "--shard", "64", "--chunk", "32", "--bbox", "0", "0", "6", "7")
    ingest = ("ingest", tmp_path / "tiles", *grid)
    by_name = lunarscale(*ingest, "--out", tmp_path / "a.zarr", "--scheduler", "moon")
    assert "Warning" not in by_name.stderr, "the name brings the certificates along"
    said = refused(*ingest, "--out", tmp_path / "b.zarr", "--scheduler", "mars")
    assert "mars: no cluster of this name runs on" in said
    assert not (tmp_path / "b.zarr").exists()

    said = lunarscale("cluster", "status").stdout
    for line in (
        r"cluster +moon, of lunarscale \d", rf"address +{address[0]}", r"dashboard +http",
        r"workers +1, each of 1 thread\b", r"memory +0\.\d of 2\.0 GiB", r"runs +nothing",
        r"up +0:0\d:\d\d, \d processes",
    ):  # fmt: skip
        assert re.search(line, said), line
    assert lunarscale("cluster", "status", "--name", "moon").stdout.startswith("cluster")

    said = lunarscale("cluster", "stop", "--name", "moon").stdout
    assert re.fullmatch(rf"moon \(at {address[0]}\): stopped; \d processes ended\n", said)
    assert "No cluster of yours stands here" in lunarscale("cluster", "status").stdout


def test_what_is_not_there() -> None:
    said = refused("cluster", "stop", command="cluster stop")
    assert "local: no cluster of this name runs on" in said
    said = refused("cluster", "status", "--name", "mars", command="cluster status")
    assert "start one with `lunarscale cluster start --name mars`" in said
    said = refused("cluster", "start", "--name", "../up", command="cluster start")
    assert "has up to 40 letters" in said
    said = refused("cluster", "start", "--host", "10.0.0.5", command="cluster start")
    assert "add --tls FOLDER" in said


def test_a_folder_of_certificates(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert f"{folder}: made; who has it" in lunarscale("cluster", "keys", folder).stdout
    assert f"{folder}: good; who has it" in lunarscale("cluster", "keys", folder).stdout
    (folder / "ca.pem").unlink()
    assert "is without ca.pem" in refused("cluster", "keys", folder, command="cluster keys")
