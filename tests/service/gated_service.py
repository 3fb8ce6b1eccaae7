"""Run by ``test_jobs_killed``: a service whose shards are held at a gate, wherever they are made.

A worker process of its cluster begins by running this file too, as ``__mp_main__``.
"""

import os
import time
from pathlib import Path

from lunarscale.cli import main
from lunarscale.engine.mapping import MapJob, MapTask
from lunarscale.engine.outcome import Outcome

#: Names the folder of the gate: ``shut`` in it holds what comes, which says so by its process.
GATE = "LUNARSCALE_TEST_GATE"

#: Shards that each process makes before it is held.
THROUGH = 1


def shut(gate: Path) -> None:
    """Let so many shards through, and more once it is open."""
    call, passed = MapTask.__call__, []

    def gated(task: MapTask, job: MapJob) -> Outcome:
        while len(passed) >= THROUGH and (gate / "shut").exists():
            (gate / str(os.getpid())).touch()
            time.sleep(0.02)
        passed.append(job)
        return call(task, job)

    MapTask.__call__ = gated  # type: ignore[method-assign]


if __name__ != "gated_service":  # a test imports it too
    shut(Path(os.environ[GATE]))
if __name__ == "__main__":
    main()
