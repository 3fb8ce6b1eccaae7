"""A process that is new, as a worker is: ``python -m benchmarks.scaling.starting FILE``.

It imports nothing of ours by itself: unpickling the run's task does, and is timed. Prints the
processor time so far at each stage as JSON: Python with Dask's worker, imports, models, kernels,
a first job, a second.
"""

import json
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import distributed.worker  # noqa: F401  what every worker has imported before its first task


def stages(packed: bytes) -> list[float]:
    """Get ready for a pickled task and run its two jobs, pickled with it."""
    times = [time.process_time()]
    task, jobs = pickle.loads(packed)
    times.append(time.process_time())
    for model in getattr(task, "models", ()):
        getattr(model, "open", lambda: None)()
    times.append(time.process_time())
    getattr(task, "rehearse", lambda: None)()
    times.append(time.process_time())
    for job in jobs:
        outcome: Any = task(job)
        if outcome.problem is not None:
            raise outcome.problem
        times.append(time.process_time())
    return times


if __name__ == "__main__":
    print(json.dumps(stages(Path(sys.argv[1]).read_bytes())))
