"""Run by ``test_jobs_killed``: a service whose jobs wait at a shut gate after some shards."""

import sys
import time
from pathlib import Path

from lunarscale.cli import main
from lunarscale.engine.mapping import MapJob, MapTask
from lunarscale.engine.outcome import Outcome


def shut(gate: Path, through: int) -> None:
    """Let so many shards through, and more once the file is gone."""
    call, passed = MapTask.__call__, []

    def gated(task: MapTask, job: MapJob) -> Outcome:
        while len(passed) >= through and gate.exists():
            time.sleep(0.02)
        passed.append(job)
        return call(task, job)

    MapTask.__call__ = gated  # type: ignore[method-assign]


if __name__ == "__main__":
    place, number, *rest = sys.argv[1:]
    shut(Path(place), int(number))
    sys.argv = ["lunarscale", *rest]
    main()
