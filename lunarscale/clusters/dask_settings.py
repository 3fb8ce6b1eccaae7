"""Dask's settings for clusters of ours: how its processes look after themselves, and how they log.

What holds for a cluster of this machine holds for one in containers, which reads it from its
environment.
"""

from typing import Any

#: How a worker's C library hands memory back, in bytes. Dask's own setting returns every block at
#: once and faults it in again page by page, a quarter of a shard's time here; a task's blocks are
#: the last one's over again. What is held on to is within the plan's WORKER_BASE_BYTES.
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": 128 * 2**20, "MALLOC_MMAP_THRESHOLD_": 32 * 2**20}

#: Of every cluster that we start.
SETTINGS: dict[str, Any] = {
    "distributed.nanny.pre-spawn-environ": _MALLOC,
    # Dask looks at its loops fifty times a second and at its threads a hundred times: an idle
    # worker takes 1.6 % of its core, client and scheduler 2.5 %; like this 0.5 and 1.3 %.
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
    "distributed.worker.profile.interval": "100ms",
    # How full a worker is, it and its nanny look ten times a second: 0.4 % of two cores.
    "distributed.worker.memory.monitor-interval": "500ms",
}

#: Of one whose workers this process starts, in force as long as it lives.
LOCAL_SETTINGS = {
    **SETTINGS,
    # Fifteen seconds after a worker is lost ``SpecCluster`` looks whether it is there, and else
    # gives it up for good, also one that had come back and was lost again just then; with the last
    # one the work would stand still. A worker's nanny starts it again, however long that takes.
    "distributed.deploy.lost-worker-timeout": "365 days",
}

#: How processes in containers log: a JSON object a line. The levels are Dask's own.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "lunarscale.clusters.log_lines.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {
        "distributed": {"level": "INFO"},
        "distributed.client": {"level": "WARNING"},
        "distributed.gc": {"level": "WARNING"},
        "bokeh": {"level": "ERROR"},
        "tornado": {"level": "CRITICAL"},
        "tornado.application": {"level": "ERROR"},
    },
}


def as_environment(settings: dict[str, Any]) -> dict[str, str]:
    """The environment variables that Dask reads settings from, as Python literals."""
    return {
        "DASK_" + key.upper().replace(".", "__").replace("-", "_"): str(value)
        for key, value in settings.items()
    }
