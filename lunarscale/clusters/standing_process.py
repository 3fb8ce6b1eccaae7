"""The first process of a cluster that outlives its command: it has the scheduler, and its workers.

Run as ``python -m lunarscale.clusters.standing_process`` by ``standing.start``, with what is asked
for as JSON. It answers one line of JSON on its standard output, its record or why there is none,
and then keeps the cluster until it is told to end. Workers whose first process is gone end by
themselves (Dask's worker processes hold a pipe to their parent).
"""

import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import lunarscale
from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.clusters.standing_files import Standing, lock_file, read
from lunarscale.clusters.standing_members import MARK, end_all
from lunarscale.engine.processes import home, started
from lunarscale.errors import ClusterError, LunarscaleError


def main(question: str) -> None:
    """Keep a cluster until a signal comes."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")  # workers do not inherit this one
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.chdir("/")  # no disk is kept from being taken away
    asked = json.loads(question)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: end.set())
    try:
        with _held(asked["name"]), open_cluster(ClusterChoice(**asked["choice"])) as cluster:
            record = Standing(
                name=asked["name"],
                mark=os.environ[MARK],
                process=os.getpid(),
                started=started(os.getpid()) or "",
                home=home(),
                address=cluster.client.scheduler_info()["address"],
                dashboard=cluster.dashboard,
                threads=cluster.threads,
                worker_bytes=cluster.worker_bytes,
                tls=asked["choice"]["tls"],
                join=cluster.join,
                since=datetime.now(UTC).isoformat(timespec="seconds"),
                version=lunarscale.__version__,
            )
            record.write()
            try:
                _say(answer, {"standing": asdict(record)})
                end.wait()
            finally:
                record.forget()
    except (LunarscaleError, OSError) as error:
        if answer.closed:  # it was up: the log tells
            raise
        _say(answer, {"error": str(error)})
        raise SystemExit(1) from error


def _say(answer: Any, line: dict[str, Any]) -> None:
    json.dump(line, answer)
    answer.close()


@contextmanager
def _held(name: str) -> Iterator[None]:
    """The name, this process's alone; what is left of one that was killed ends first."""
    with open(lock_file(name), "wb") as lock:  # the system lets go of it when this process ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ClusterError(
                f"{name}: a cluster of this name starts or runs already; look with `lunarscale "
                "cluster status`, or give this one another --name"
            ) from error
        os.ftruncate(sys.stderr.fileno(), 0)  # the log is of this one
        left = read(name)
        if left is not None:
            end_all(left)
            left.forget()
        yield


if __name__ == "__main__":
    main(sys.argv[1])
