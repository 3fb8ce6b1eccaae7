"""A cluster of many workers on one machine: a real scheduler, and real workers that only wait.

Workers are ``distributed.Worker`` objects, hundreds to a process: they speak the whole protocol,
and a task that sleeps takes none of their processor. What every worker does for itself alone
(profiles, memory watching, disk figures) is off.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from types import MappingProxyType
from typing import Any

import dask
from distributed import Client, Scheduler, Worker

#: Worker processes; the scheduler and the client have processes of their own.
PROCESSES = 2

#: Workers that a process starts at a time.
TOGETHER = 25

#: How much less than the scheduler the workers' processes are favoured where processors are few.
NICE = 5

_QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.use-file-locking": False,
    "distributed.worker.http.routes": [],
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.admin.tick.interval": "5s",
    "distributed.comm.timeouts.connect": "120s",
    "distributed.comm.timeouts.tcp": "300s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}


@contextmanager
def made_cluster(
    workers: int, *, settings: Mapping[str, Any] = MappingProxyType({}), direct: bool = False
) -> Iterator[Client]:
    """A client of a scheduler that has so many workers of one thread each.

    Parameters
    ----------
    workers : int
    settings : mapping
        Dask's settings for the scheduler.
    direct : bool
        Whether the client fetches results from the workers themselves.
    """
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="made-cluster-"))
        scheduler = stack.enter_context(_process(spawn, _schedule, dict(settings)))
        address = scheduler.recv()
        shares = [len(range(workers)[part::PROCESSES]) for part in range(PROCESSES)]
        crews = [
            stack.enter_context(_process(spawn, _work, address, share, scratch))
            for share in shares
            if share
        ]
        for crew in crews:
            crew.recv()
        client = stack.enter_context(
            Client(address, set_as_default=False, timeout=60, direct_to_workers=direct)
        )
        client.wait_for_workers(workers, timeout=120)
        yield client


@contextmanager
def _process(spawn: Any, target: Any, *about: Any) -> Iterator[Connection]:
    """A process that ends when our end of its pipe closes: also when we are killed."""
    mine, its = spawn.Pipe()
    process = spawn.Process(target=target, args=(its, *about), daemon=True)
    process.start()
    its.close()
    try:
        yield mine
    finally:
        mine.close()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _schedule(told: Connection, settings: dict[str, Any]) -> None:
    async def run() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0") as made:
            told.send(made.address)
            await _until_closed(told)

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(settings):
        asyncio.run(run())


def _work(told: Connection, address: str, count: int, scratch: str) -> None:
    async def run() -> None:
        crew = [
            Worker(address, nthreads=1, memory_limit=0, dashboard=False, local_directory=scratch)
            for _ in range(count)
        ]
        for start in range(0, count, TOGETHER):
            await asyncio.gather(*crew[start : start + TOGETHER])
        told.send("ready")
        await _until_closed(told)

    os.nice(NICE)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(_QUIET):
        asyncio.run(run())


async def _until_closed(told: Connection) -> None:
    """Wait for the end of the pipe, and end this process: nothing is lost with it."""
    await asyncio.get_running_loop().run_in_executor(None, _wait, told)
    os._exit(0)


def _wait(told: Connection) -> None:
    with contextlib.suppress(EOFError):
        told.recv()
