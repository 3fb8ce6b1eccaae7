"""Loaded by workers of ``test_hosts``: a task says where it begins, and waits at a shut gate."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lunarscale.engine.mapping import MapTask
from lunarscale.engine.mosaicking import MosaicTask

FOLDER, HOST = Path(os.environ["PACED_FOLDER"]), os.environ["PACED_HOST"]


def paced(call: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A task's call that waits while there is a gate."""

    def run(task: Any, job: Any) -> Any:
        with (FOLDER / "begun").open("a") as diary:
            diary.write(f"{HOST} {job.window.row} {job.window.col}\n")
        while (FOLDER / f"shut-{HOST}").exists():
            time.sleep(0.02)
        return call(task, job)

    return run


for kind in (MosaicTask, MapTask):
    if kind.__call__.__name__ != "run":  # a worker's preloads are loaded twice
        kind.__call__ = paced(kind.__call__)  # type: ignore[assignment, method-assign]
