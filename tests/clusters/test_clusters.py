"""Clusters: one of our own as it was asked for, one that runs already, and none at all."""

import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import perf_counter

import dask
import psutil
import pytest
from dask.utils import parse_timedelta
from distributed import Client, LocalCluster
from distributed.security import Security

from lunarscale.clusters import connecting
from lunarscale.clusters.certificates import open_certificates
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.clusters.standing_members import left_of
from lunarscale.engine.executors import OnDask
from lunarscale.engine.flight import AHEAD, IN_FLIGHT
from lunarscale.errors import ClusterError, PlanError


def square(job: int) -> int:
    """A task."""
    return job * job


def add(total: int, result: int) -> int:
    """A merge that commutes."""
    return total + result


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not answer is waited for, but not for long."""
    monkeypatch.setattr(connecting, "_ANSWER_S", 0.5)
    monkeypatch.setattr(connecting, "_SILENCE_S", 0.5)


def test_no_scheduler_at_the_address(impatient: None) -> None:
    start = perf_counter()
    with (
        pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9;"),
        open_cluster(ClusterChoice(scheduler="tcp://127.0.0.1:9")),
    ):
        pytest.fail("there is none")
    assert 0.5 < perf_counter() - start < 60, "one that starts just now is waited for"


@pytest.mark.parametrize("address", ["nonsense://host", "tcp://127.0.0.1:notaport"])
def test_an_address_that_is_none(address: str, impatient: None) -> None:
    with (
        pytest.raises(ClusterError, match="no Dask scheduler answers at"),
        open_cluster(ClusterChoice(scheduler=address)),
    ):
        pytest.fail("there is none")


@pytest.mark.cluster
def test_a_scheduler_without_workers() -> None:
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as local:
        address = local.scheduler_address
        with (
            pytest.raises(ClusterError, match="has no workers") as error,
            open_cluster(ClusterChoice(scheduler=address)),
        ):
            pytest.fail("there are none")
    assert f"dask worker {address}" in str(error.value)


@pytest.mark.cluster
def test_a_running_scheduler_is_used_and_left_running(two_workers: Client) -> None:
    address = two_workers.scheduler.address
    with open_cluster(ClusterChoice(scheduler=address)) as cluster:
        assert (cluster.threads, cluster.client.scheduler.address) == (1, address)
        limits = [w["memory_limit"] for w in two_workers.scheduler_info()["workers"].values()]
        assert cluster.worker_bytes == min(limits)
        assert OnDask(cluster.client).fold(square, range(5), merge=add, initial=0) == 30
    assert OnDask(two_workers).fold(square, range(5), merge=add, initial=0) == 30


@pytest.mark.cluster
def test_our_own_cluster_is_as_asked_and_gone_after() -> None:
    with open_cluster(ClusterChoice(workers=1, threads=2, memory_limit="700MB")) as cluster:
        assert list(cluster.client.nthreads().values()) == [2]
        assert (cluster.threads, cluster.worker_bytes) == (2, 700_000_000)
        pid = OnDask(cluster.client).fold(process_of, [0], merge=add, initial=0)
        assert pid != os.getpid()
        worker = psutil.Process(pid)
        assert cluster.dashboard.startswith("http://127.0.0.1:")
        assert cluster.join is None
        assert {address for _, address, _ in listeners()} == {"127.0.0.1"}
    assert left_of([worker], within_s=60) == []


@pytest.mark.cluster
@pytest.mark.slow
def test_no_worker_of_our_own_cluster_is_given_up() -> None:
    setting = "distributed.deploy.lost-worker-timeout"
    before = dask.config.get(setting)
    with open_cluster(ClusterChoice(workers=1, memory_limit="700MB")) as cluster:
        assert parse_timedelta(dask.config.get(setting)) > 30 * 86400
        assert cluster.client.cluster is None, "or it would wait for workers through the cluster"
        for _ in range(2):  # one that had come back, too
            (pid,) = cluster.client.run(os.getpid).values()
            os.kill(pid, signal.SIGKILL)
            assert OnDask(cluster.client).fold(process_of, [0], merge=add, initial=0) != pid
    assert dask.config.get(setting) == before


def process_of(job: int) -> int:
    """The worker's process."""
    return os.getpid()


def test_memory_limits_are_read_or_refused() -> None:
    assert ClusterChoice(memory_limit="4GiB").worker_bytes == 4 * 2**30
    assert ClusterChoice(memory_limit="500MB").worker_bytes == 500_000_000
    with pytest.raises(PlanError, match="--memory-limit plenty: not a number of bytes"):
        _ = ClusterChoice(memory_limit="plenty").worker_bytes


def test_the_default_cluster_shares_the_machine() -> None:
    cores = len(os.sched_getaffinity(0))
    assert ClusterChoice().worker_count == cores
    assert ClusterChoice(threads=10_000).worker_count == 1
    one, two = (ClusterChoice(workers=n).worker_bytes for n in (1, 2))
    assert 0.4 < two / one < 0.6


def listeners() -> set[tuple[int, str, int]]:
    """Process, address and port of everything that this process and its children listen at."""
    me, found = psutil.Process(), set()
    for process in [me, *me.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            found |= {
                (process.pid, connection.laddr.ip, connection.laddr.port)
                for connection in process.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
    return found


def other_address() -> str:
    """An address of this machine that other machines could reach."""
    found = [
        each.address
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    ]
    if not found:
        pytest.skip("this machine has no address but loopback")
    return found[0]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates."""
    return open_certificates(str(tmp_path_factory.mktemp("keys") / "tls")).folder


@pytest.fixture(scope="module")
def tls_scheduler(keys: Path) -> Iterator[str]:
    """Address of a scheduler with certificates and one worker, made as a local cluster with TLS."""
    with open_cluster(ClusterChoice(workers=1, memory_limit="700MB", tls=str(keys))) as cluster:
        address: str = cluster.client.scheduler.address
        workers = cluster.client.scheduler_info()["workers"]
        assert address.startswith("tls://")
        assert all(worker.startswith("tls://") for worker in workers)
        yield address


@pytest.mark.cluster
def test_who_has_the_certificates_comes_in(tls_scheduler: str, keys: Path) -> None:
    choice = ClusterChoice(scheduler=tls_scheduler, tls=str(keys))
    assert choice.warning is None
    with open_cluster(choice) as cluster:
        assert OnDask(cluster.client).fold(square, range(5), merge=add, initial=0) == 30


@pytest.mark.cluster
def test_who_comes_without_certificates_does_not(
    tls_scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "_SILENCE_S", 0.5)
    other = open_certificates(str(tmp_path / "other")).folder
    refused = {
        (tls_scheduler, None): r"it lets in who has a certificate of its authority; add --tls",
        (tls_scheduler.replace("tls:", "tcp:"), None): "nobody in without a certificate; write tls",
        (tls_scheduler, str(other)): "does not belong to the certificates in .*other; name the fol",
        (tls_scheduler, str(tmp_path / "none")): "no certificates are there, .* not know new ones",
    }
    for (scheduler, tls), sentence in refused.items():
        with (
            pytest.raises(ClusterError, match=sentence),
            open_cluster(ClusterChoice(scheduler=scheduler, tls=tls)),
        ):
            pytest.fail("it is shut")
    assert not (tmp_path / "none").exists()


@pytest.mark.cluster
def test_a_scheduler_really_wants_a_certificate(tls_scheduler: str) -> None:
    """Not our client's politeness: somebody with a TLS library but no certificate hears nothing."""
    host, port = tls_scheduler.removeprefix("tls://").split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, int(port)), timeout=60) as bare,
        pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
        context.wrap_socket(bare) as line,
    ):
        line.recv(1)


@pytest.mark.cluster
def test_a_scheduler_without_certificates_is_told(two_workers: Client, keys: Path) -> None:
    plain = two_workers.scheduler.address
    for scheduler, sentence in {
        plain: "--tls was given but the address is not encrypted; write tls://",
        plain.replace("tcp:", "tls:"): f"was started without certificates; .*--tls-ca-file {keys}",
    }.items():
        with (
            pytest.raises(ClusterError, match=sentence),
            open_cluster(ClusterChoice(scheduler=scheduler, tls=str(keys))),
        ):
            pytest.fail("it speaks no TLS")


def test_what_is_no_scheduler_is_told(impatient: None) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        with (
            pytest.raises(ClusterError, match="is no Dask scheduler; give the address that"),
            open_cluster(ClusterChoice(scheduler=f"tcp://127.0.0.1:{server.server_port}")),
        ):
            pytest.fail("it is none")
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_a_scheduler_that_is_slow_to_speak_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_SILENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as slow, ThreadPoolExecutor(1) as other:

        def speak_late() -> None:
            with slow.accept()[0] as first:
                first.recv(1)  # until the other side has had enough
                with slow.accept()[0]:  # does it speak TLS?
                    pass
            with slow.accept()[0] as line:
                line.sendall((60).to_bytes(8, "little"))

        spoken = other.submit(speak_late)
        address = f"tcp://127.0.0.1:{slow.getsockname()[1]}"
        assert connecting._awaited(address, Security()) == "Dask"
        spoken.result(timeout=60)


@pytest.mark.parametrize("host", ["10.0.0.5", "192.168.1.7:8786", "8.8.8.8", "[fd00::7]"])
def test_no_door_without_a_lock(host: str) -> None:
    with (
        pytest.raises(ClusterError, match="runs code as its user, in a private network too"),
        open_cluster(ClusterChoice(host=host)),
    ):
        pytest.fail("everybody would come in")


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (ClusterChoice(host="0.0.0.0"), "stands for every network of the machine"),
        (ClusterChoice(host="[::]:8786"), "stands for every network of the machine"),
        (ClusterChoice(host="nowhere.invalid"), "this is no address of this machine"),
        (ClusterChoice(host="127.0.0.1:moon"), "this is no address of this machine"),
        (ClusterChoice(host="::1"), r"ipv6 needs brackets like \[::1\]"),
        (ClusterChoice(host="10.0.0.5", scheduler="tcp://x:1"), "give one of the two"),
        (ClusterChoice(host="10.0.0.5", workers=0), "leave one of the two away"),
    ],
)
def test_hosts_that_make_no_sense(choice: ClusterChoice, sentence: str) -> None:
    with pytest.raises(ClusterError, match=sentence), open_cluster(choice):
        pytest.fail("it makes no sense")


@pytest.mark.cluster
def test_an_address_that_is_not_ours_or_taken(keys: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for host in ("192.0.2.77", f"127.0.0.1:{taken.getsockname()[1]}"):
            choice = ClusterChoice(workers=1, memory_limit="700MB", host=host, tls=str(keys))
            with (
                pytest.raises(ClusterError, match=r"no scheduler can listen there \(.* in use|Can"),
                open_cluster(choice),
            ):
                pytest.fail("it cannot listen")


@pytest.mark.cluster
def test_a_cluster_that_others_join_shows_nothing_else(keys: Path) -> None:
    address = other_address()
    choice = ClusterChoice(workers=1, memory_limit="700MB", host=address, tls=str(keys))
    before = listeners()
    with open_cluster(choice) as cluster:
        scheduler = cluster.client.scheduler.address
        assert scheduler.startswith(f"tls://{address}:")
        assert cluster.join is not None
        assert f"dask worker {scheduler} --nthreads 1 --memory-limit 700MB" in cluster.join
        assert str(keys) in cluster.join
        assert cluster.dashboard.startswith("http://127.0.0.1:")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        open_to_others = {place for place in listeners() - before if place[1] != "127.0.0.1"}
        assert len(open_to_others) == 3, "scheduler, nanny and worker"
        for _, ip, port in open_to_others:
            with (
                socket.create_connection((ip, port), timeout=60) as bare,
                pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
                context.wrap_socket(bare) as line,
            ):
                line.recv(1)


def slowly(job: int) -> int:
    """A task that takes a while."""
    time.sleep(0.02)
    return job


@pytest.mark.cluster
@pytest.mark.slow
def test_what_is_in_flight_follows_workers_that_come_and_go() -> None:
    """As an adaptive cluster lets them; so many jobs a thread, and no job is lost or done twice."""
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as local,
        Client(local.scheduler_address, set_as_default=False) as client,
    ):  # fmt: skip
        most = AHEAD * IN_FLIGHT  # a thread
        done, seen = 0, [0]
        patience = time.monotonic() + 120

        def until(enough: Callable[[int], bool]) -> Iterator[int]:
            """Jobs, until so many are in flight."""
            while not enough(seen[-1]):
                assert time.monotonic() < patience, f"in flight were {seen}"
                seen.append(len(sent) - done)
                sent.append(len(sent))
                yield sent[-1]

        def jobs() -> Iterator[int]:
            yield from until(lambda in_flight: len(sent) == 10)
            assert max(seen) < most, "on one thread"
            local.scale(3)
            yield from until(lambda in_flight: in_flight == 3 * most - 1)
            local.scale(1)
            yield from until(lambda in_flight: in_flight == IN_FLIGHT)

        def merge(total: int, result: int) -> int:
            nonlocal done
            done += 1
            return total + result

        sent: list[int] = []
        total = OnDask(client, patience_s=2).fold(slowly, jobs(), merge=merge, initial=0)
        assert max(seen) < 3 * most, "on three threads"
        assert total == sum(sent)


@pytest.mark.parametrize(
    ("scheduler", "warned"),
    [
        (None, False),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tls://10.0.0.5:8786", False),
        ("tcp://10.0.0.5:8786", True),
        ("tcp://[fd00::7]:8786", True),
        ("tcp://nowhere.invalid:8786", True),
    ],
)
def test_who_is_warned(scheduler: str | None, warned: bool) -> None:
    warning = ClusterChoice(scheduler=scheduler).warning
    assert (warning is not None) == warned
    assert warning is None or "runs code" in warning
