"""A local cluster that outlives the command which starts it."""

import json
import os
import signal
import sys
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import IO
from uuid import uuid4

from dask.utils import key_split
from distributed.system import MEMORY_LIMIT

from lunarscale.clusters.certificates import open_certificates
from lunarscale.clusters.connecting import connect
from lunarscale.clusters.opening import ClusterChoice
from lunarscale.clusters.standing_files import Standing, log_file, read, require_name, running
from lunarscale.clusters.standing_members import MARK, end_all, members
from lunarscale.errors import ClusterError, PlanError

#: Bytes below which a worker does not even have its programs.
LEAST_BYTES = 300 * 2**20


@dataclass(frozen=True)
class Worker:
    """A worker as its scheduler knows it.

    Parameters
    ----------
    address : str
    threads : int
    memory_bytes, limit_bytes : int
        What it takes and what it may take; a limit of 0 is none.
    jobs : int
        What it has in hand.
    """

    address: str
    threads: int
    memory_bytes: int
    limit_bytes: int
    jobs: int


@dataclass(frozen=True)
class State:
    """How a cluster is.

    Parameters
    ----------
    standing : Standing
    processes : int
    workers : tuple of Worker
    runs : dict of str to int
        Jobs in the workers' hands by what they do.
    """

    standing: Standing
    processes: int
    workers: tuple[Worker, ...]
    runs: dict[str, int]


def start(name: str, choice: ClusterChoice) -> Standing:
    """Start a cluster on this machine that stays when this process ends.

    Parameters
    ----------
    name : str
        By which ``--scheduler`` and ``stop`` find it.
    choice : ClusterChoice
        Of a local cluster.

    Raises
    ------
    ClusterError
        If one of this name starts or runs already, if it contradicts itself, or does not start.
    PlanError
        If its memory limit is no number, or its workers have too little or more than there is.
    """
    there = read(require_name(name))
    if there is not None and there.lives:
        raise ClusterError(
            f"{name}: a cluster of this name runs already at {there.address}, since {there.since}; "
            f"use it with --scheduler {name}, stop it, or give this one another --name"
        )
    place = choice.listening()
    _require_room(choice)
    if choice.tls is not None:
        # the process that keeps the cluster stands in another folder of the machine
        certificates = open_certificates(choice.tls, host=place.address)
        choice = replace(choice, tls=str(certificates.folder))
    question = json.dumps({"name": name, "choice": asdict(choice)})
    reading, writing = os.pipe()
    try:
        with open(log_file(name), "ab", opener=_for_us_alone) as log:
            process = _spawn(question, log=log.fileno(), answer=writing)
    finally:
        os.close(writing)
    with open(reading, "rb") as answer:
        return _answered(name, process, answer)


def _require_room(choice: ClusterChoice) -> None:
    """Refuse workers that this machine has no memory for: they stay, and so would its trouble."""
    count, each, whole = choice.worker_count, choice.worker_bytes, MEMORY_LIMIT
    several = f"{count:,} workers" if count > 1 else "one worker"
    if each < LEAST_BYTES:
        raise PlanError(
            f"{several} of {each / 2**20:,.0f} MiB each: a worker's programs alone take "
            f"{LEAST_BYTES >> 20} MiB; give it more memory, or start fewer workers"
        )
    if count * each > whole:
        raise PlanError(
            f"{several} of {each / 2**30:,.1f} GiB each may take {count * each / 2**30:,.1f} GiB "
            f"but this machine has {whole / 2**30:,.1f}; give them less memory, or start fewer"
        )


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _spawn(question: str, *, log: int, answer: int) -> int:
    """Start the first process, in a session of its own: no terminal's end reaches it."""
    command = (sys.executable, "-P", "-m", "lunarscale.clusters.standing_process", question)
    return os.posix_spawn(
        sys.executable,
        command,
        {**os.environ, MARK: uuid4().hex},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, answer, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ],
        setsid=True,
    )


def _answered(name: str, process: int, answer: IO[bytes]) -> Standing:
    """What the first process says when the cluster is up, or why it is not."""
    try:
        line = answer.read()  # until it closes it, or ends
    except BaseException:  # Ctrl-C while it starts
        os.kill(process, signal.SIGTERM)  # nobody has asked after it: its number is its own
        os.waitpid(process, 0)
        raise
    said = json.loads(line) if line else {}
    if "standing" in said:
        return Standing(**said["standing"])
    os.waitpid(process, 0)
    raise ClusterError(
        said.get("error")
        or f"{name}: the cluster ended while it started; the end of {log_file(name)} says why"
    )


def stop(name: str) -> tuple[Standing, int]:
    """End a cluster and all its processes.

    Returns
    -------
    Standing
        What it was.
    int
        Processes that it had; 0 if it had ended without a word.

    Raises
    ------
    ClusterError
        If there is none of this name.
    """
    standing = read(require_name(name))
    if standing is None:
        standing = running(name)  # tells that there is none
    count = end_all(standing)
    standing.forget()
    return standing, count


def state(standing: Standing) -> State:
    """How a cluster is, asked of its scheduler.

    Raises
    ------
    ClusterError
        If its scheduler does not answer, or its certificates are gone.
    """
    ends_it = f"`lunarscale cluster stop --name {standing.name}` ends it"
    try:
        tls = standing.tls
        certificates = None if tls is None else open_certificates(tls, make=False)
    except ClusterError as error:
        raise ClusterError(f"{standing.name}: {error}; {ends_it}") from error
    try:
        with connect(standing.address, certificates) as client:
            known = client.scheduler_info(n_workers=-1)["workers"]
            in_hand = client.processing()
    except (ClusterError, OSError) as error:
        raise ClusterError(
            f"{standing.name}: its first process ({standing.process}) runs but its scheduler at "
            f"{standing.address} does not answer; {log_file(standing.name)} may say why, and "
            f"{ends_it}"
        ) from error
    workers = tuple(
        Worker(
            address,
            worker["nthreads"],
            worker["metrics"].get("memory", 0),
            worker["memory_limit"] or 0,
            len(in_hand.get(address, ())),
        )
        for address, worker in known.items()
    )
    runs = Counter(key_split(key) for keys in in_hand.values() for key in keys)
    return State(standing, len(members(standing)), workers, dict(runs))
