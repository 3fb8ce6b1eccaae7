"""Three hosts: a scheduler with the client, and two workers; links are cut and slowed in mid-run.

The hosts are network namespaces on one machine (``hosts_at_hand``), they share its disk as a
cluster's hosts share a file system, and they speak TLS. The commands are those that users type. A
worker that is cut off keeps running, and goes on writing: what is stored must be the same all the
same, bit for bit, and each run must end in a bounded time.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from engine_moon import LITTLE, MODELS, Contents, arrays, assert_same_arrays, contents
from hosts_at_hand import Hosts

from lunarscale.clusters.certificates import Certificates, open_certificates

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: Seconds until a silent connection is given up: Dask's least; its own setting is 30.
SILENCE_S = 11

#: Seconds that anything here may take on a machine with other things to do.
PATIENCE_S = 240.0

#: What workers load before they begin.
PACED = str(Path(__file__).with_name("paced.py"))

#: As users may have them in their configuration.
SETTINGS = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": f"{SILENCE_S}s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
}

ARGUMENTS = {
    "ingest": [f"--{name}={value}" for name, value in LITTLE.items()],
    "predict": [f"--model={model}" for model in MODELS],
}


#: A client that gives up after three seconds without a worker.
IMPATIENT = str(Path(__file__).with_name("impatient.py"))


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"{what}: waited for in vain for {PATIENCE_S:.0f} s"
        time.sleep(0.05)


@dataclass
class Site:
    """A cluster of three hosts.

    Parameters
    ----------
    hosts : Hosts
    folder : Path
        Where workers tell what they begin, and where gates are.
    tls : Certificates
    started : dict of int to Popen
        By hosts: the scheduler and the workers.
    """

    hosts: Hosts
    folder: Path
    tls: Certificates
    started: dict[int, "subprocess.Popen[str]"] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The scheduler's."""
        return f"tls://{self.hosts.hosts[0].address}:8786"

    def start(self, host: int, *arguments: str) -> "subprocess.Popen[str]":
        """A Python process in a host; what it prints goes to its log."""
        program = arguments[1] if arguments[0] == "-m" else Path(arguments[0]).stem
        settings = {"PACED_FOLDER": str(self.folder), "PACED_HOST": str(host), **SETTINGS}
        with self.log(host, program).open("w") as log:
            place = self.hosts.hosts[host]
            return place.start(
                sys.executable, *arguments, env={**os.environ, **settings},
                stdout=log, stderr=log, text=True,
            )  # fmt: skip

    def log(self, host: int, what: str) -> Path:
        """Where a process of a host prints to."""
        return self.folder / f"{host}-{what}.log"

    def run(self, step: str, source: Path, out: Path) -> "subprocess.Popen[str]":
        """Begin a command of ours, on the scheduler's host."""
        where = ["--out", str(out), "--scheduler", self.address, "--tls", str(self.tls.folder)]
        return self.start(0, "-m", "lunarscale.cli", step, str(source), *where, *ARGUMENTS[step])

    def end(self, process: "subprocess.Popen[str]", within_s: float = PATIENCE_S) -> None:
        """Wait for the end of a command: it must end well, and in time."""
        code = process.wait(timeout=within_s)
        assert code == 0, self.log(0, "lunarscale.cli").read_text()

    def open_shop(self, host: int) -> None:
        """Start the scheduler, or a host's worker."""
        keys = [*self.tls.options.split(), "--dashboard-address", "127.0.0.1:0"]
        if host == 0:
            command = ["scheduler", *keys, "--port", "8786"]
        else:
            size = ["--nthreads", "1", "--memory-limit", "700MB"]
            # a nanny would end with its worker, only later
            load = ["--preload", PACED, "--local-directory", str(self.folder), "--no-nanny"]
            command = ["worker", self.address, *keys, *size, *load]
        address = self.hosts.hosts[host].address
        self.started[host] = self.start(host, "-m", "dask", *command, "--host", address)

    @property
    def alive(self) -> list[int]:
        """Hosts whose worker runs."""
        return [
            host for host in (1, 2) if host in self.started and self.started[host].poll() is None
        ]

    def need(self, *hosts: int) -> None:
        """Make sure that these hosts' workers, at least, are there."""
        for host in hosts:
            if host not in self.alive:
                self.open_shop(host)
        for host in hosts:
            log = self.log(host, "dask")
            wait_for(lambda log=log: "Registered to:" in log.read_text(), f"host {host} is there")

    def shut(self, host: int) -> None:
        """From now on tasks of a host wait before they do anything."""
        (self.folder / f"shut-{host}").touch()

    def is_shut(self, host: int) -> bool:
        """Whether they wait."""
        return (self.folder / f"shut-{host}").exists()

    def open(self, host: int) -> None:
        """They go on."""
        (self.folder / f"shut-{host}").unlink()

    def begun(self, host: int) -> int:
        """Tasks that a host has begun."""
        diary = self.folder / "begun"
        lines = diary.read_text().splitlines() if diary.exists() else []
        return sum(line.split()[0] == str(host) for line in lines)

    def hold(self, host: int) -> None:
        """Wait until a host has a task in hand, which waits at the gate.

        The others wait too meanwhile: one that is slow to begin would find nothing left to do.
        """
        already = self.begun(host)
        others = [other for other in self.alive if not self.is_shut(other) and other != host]
        for each in (host, *others):
            self.shut(each)
        wait_for(lambda: self.begun(host) > already, f"host {host} begins a task")
        for other in others:
            self.open(other)

    @contextmanager
    def cut_off(self, *hosts: int) -> Iterator[None]:
        """Without their links within; their workers end, as Dask's do, and are not started anew."""
        for host in hosts:
            self.link(host).is_cut = True
        yield
        for host in hosts:
            (self.folder / f"shut-{host}").unlink(missing_ok=True)
            self.started[host].wait(timeout=PATIENCE_S)
            self.link(host).is_cut = False

    def link(self, host: int) -> Any:
        """A host's link."""
        return self.hosts.hosts[host].link


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A scheduler, and two hosts with a worker each."""
    try:
        hosts = Hosts(3)
    except OSError as error:
        pytest.skip(f"this machine lets nobody make network namespaces: {error}")
    folder = tmp_path_factory.mktemp("site")
    with hosts:
        keys = open_certificates(str(folder / "tls"), host=hosts.hosts[0].address)
        made = Site(hosts, folder, keys)
        try:
            made.open_shop(0)
            yield made
        finally:
            for process in made.started.values():
                process.kill()
                process.wait()


def test_a_link_that_fails_for_a_moment_and_one_that_is_slow(
    site: Site, little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    mosaic, maps = tmp_path / "mosaic.zarr", tmp_path / "maps.zarr"
    site.need(1, 2)
    run = site.run("ingest", little_tiles, mosaic)
    site.hold(2)
    site.link(2).is_cut = True
    time.sleep(2.0)  # what is lost meanwhile is sent again: nobody is given up
    site.link(2).is_cut = False
    site.open(2)
    site.end(run)
    site.link(1).bytes_a_second, site.link(1).delay_s = 400e3, 0.02
    run = site.run("predict", mosaic, maps)
    site.end(run)
    site.link(1).bytes_a_second, site.link(1).delay_s = float("inf"), 0.0
    assert site.alive == [1, 2]
    contents(tmp_path).assert_equal(undisturbed)


def test_a_worker_is_cut_off(
    site: Site, little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    mosaic, maps = tmp_path / "mosaic.zarr", tmp_path / "maps.zarr"
    site.need(1, 2)
    run = site.run("ingest", little_tiles, mosaic)
    site.hold(2)
    with site.cut_off(2):
        site.open(2)  # nobody hears of it, but it writes the shard, which the other one makes too
        site.end(run)
    site.end(site.run("predict", mosaic, maps))
    contents(tmp_path).assert_equal(undisturbed)


def test_the_schedulers_own_link_is_cut(
    site: Site, little_tiles: Path, undisturbed: Contents, tmp_path: Path
) -> None:
    """With a client of less patience than ours, so that it need not be waited for."""
    site.need(1)
    arguments = [site.address, str(site.tls.folder), str(little_tiles), str(tmp_path)]
    run = site.start(0, IMPATIENT, *arguments)
    for host in site.alive:
        site.hold(host)
    with site.cut_off(*site.alive):
        site.end(run)
        assert "the cluster has had no worker for 3 s" in site.log(0, "impatient").read_text()
        # what they have in hand is now of a run that is over; at the end they may go on with it
    site.need(1)
    site.end(site.run("ingest", little_tiles, tmp_path / "mosaic.zarr"))
    assert_same_arrays(arrays(tmp_path / "mosaic.zarr"), undisturbed.mosaic)
