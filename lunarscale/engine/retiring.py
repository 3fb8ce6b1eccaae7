"""A worker's last act: what it holds goes to others, and what it does ends, before its pod ends.

Run as ``python -m lunarscale.engine.retiring`` by Kubernetes before it ends a worker's pod (its
``preStop``, in ``kubernetes``): a node is drained, a spot machine is taken away, somebody scales
down. Without it all would go on too: shards in hand are made again, and sums that lay there are
summed again.
"""

import os
from time import monotonic, sleep

import dask
from distributed import Client

#: Seconds that a shard in hand may take to its end.
LINGER_S = 60.0

#: Seconds between two looks; workers tell what they do about once a second.
_LOOK_S = 1.0


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
    return any(
        worker["metrics"]["task_counts"].get("executing", 0) > 0
        for worker in client.scheduler_info(n_workers=-1)["workers"].values()
        if str(worker["name"]) == name
    )


def main() -> None:
    """Retire the worker of this pod: ``DASK_WORKER_NAME`` at ``DASK_SCHEDULER_ADDRESS``."""
    with Client(dask.config.get("scheduler-address"), timeout=10, set_as_default=False) as client:
        retire(client, os.environ["DASK_WORKER_NAME"])


if __name__ == "__main__":
    main()
