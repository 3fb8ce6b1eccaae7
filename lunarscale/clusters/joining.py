"""Workers that join a cluster: one of another version is turned away before it has done anything.

A command asks a whole cluster when it connects (``versions.require_same``). Whoever comes later
gets this plugin from the scheduler, as its first word and before any task, and looks at itself; if
it has other versions it says so and leaves. One without any lunarscale cannot even unpack the
plugin: it ends with that error.

A scheduler in a container has the plugin from its start (``dask scheduler --preload
lunarscale.clusters.joining``); to any other the first command brings it.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from distributed import Scheduler, Status, Worker, WorkerPlugin
from distributed.protocol.pickle import dumps
from distributed.versions import get_versions

from lunarscale.clusters.versions import EXACT, RELEASE, first_difference

#: Topic of the scheduler's events under which those that were turned away are told.
TURNED_AWAY = "lunarscale-turned-away"

#: Below Dask's own, so that it comes where a worker's log goes.
_log = logging.getLogger("distributed.worker.lunarscale")


class SameVersions(WorkerPlugin):
    """Turns away workers of another version than the process that made it.

    The scheduler keeps it for all that join.
    """

    name = "lunarscale-same-versions"
    idempotent = True

    def __init__(self) -> None:
        self._wanted: Mapping[str, Any] = _packages()

    async def setup(self, worker: Worker) -> None:
        """Look at this process; called by the worker, which does nothing else before."""
        difference = first_difference(self._wanted, _packages(), us="its cluster")
        if difference is None:
            return
        refusal = (
            f"worker {worker.name} at {worker.address} has {difference}; it is turned away: start "
            "it from the cluster's image or environment"
        )
        _log.error("%s", json.dumps({"event": "worker turned away", "refusal": refusal}))
        worker.log_event(TURNED_AWAY, refusal)
        # what it was given meanwhile goes back to others, and counts as nobody's failure
        self._leaving = asyncio.create_task(worker.close_gracefully(reason=refusal))
        while worker.status == Status.running:
            await asyncio.sleep(0)


def _packages() -> Mapping[str, Any]:
    return get_versions([*EXACT, *RELEASE])["packages"]


async def dask_setup(scheduler: Scheduler) -> None:
    """Called by Dask where this is a scheduler's preload."""
    plugin = SameVersions()
    await scheduler.register_worker_plugin(None, dumps(plugin), plugin.name, idempotent=True)
