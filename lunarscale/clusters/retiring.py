"""A worker's last act: what it holds goes to others, and what it does ends, before its pod ends.

Run as ``python -m lunarscale.clusters.retiring`` by Kubernetes before it ends a worker's pod (its
``preStop``, in ``kubernetes``): a node is drained, a spot machine is taken away, somebody scales
down. Without it all would go on too: shards in hand are made again, and sums that lay there are
summed again.
"""

import os
from time import monotonic, sleep

import dask
from distributed import Client, Worker

#: Seconds that a shard in hand may take to its end.
LINGER_S = 60.0

#: Seconds between two looks.
_LOOK_S = 0.5


def retire(client: Client, name: str, *, linger_s: float = LINGER_S) -> None:
    """Let a worker end what it has begun, move what it holds, and close it.

    Parameters
    ----------
    client : distributed.Client
    name : str
        The worker's; one that is gone already is nothing to do.
    linger_s : float, optional
    """
    # it takes nothing new from here on; what it has begun goes on
    client.retire_workers(names=[name], close_workers=False, remove=False)
    last = monotonic() + linger_s
    while _executes(client, name) and monotonic() < last:
        sleep(_LOOK_S)
    client.retire_workers(names=[name], close_workers=True)


def _executes(client: Client, name: str) -> bool:
    """Whether a worker is at something; asked of itself, as it tells others but once a second."""
    known = client.scheduler_info(n_workers=-1)["workers"]
    places = [address for address, worker in known.items() if str(worker["name"]) == name]
    # one that has gone meanwhile does not answer, and is at nothing
    found = client.run(_executing, workers=places, on_error="ignore") if places else {}
    return any(found.values())


def _executing(dask_worker: Worker) -> int:
    """How many jobs a worker is at; Dask gives it itself for an argument of this name."""
    return dask_worker.state.executing_count


def main() -> None:
    """Retire the worker of this pod: ``DASK_WORKER_NAME`` at ``DASK_SCHEDULER_ADDRESS``."""
    with Client(dask.config.get("scheduler-address"), timeout=10, set_as_default=False) as client:
        retire(client, os.environ["DASK_WORKER_NAME"])


if __name__ == "__main__":
    main()
