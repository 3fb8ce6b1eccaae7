"""Who made it, from what: the record of one run, kept in the store's ledger."""

import platform
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import numpy as np

import lunarscale
from lunarscale.engine.ledger import FOLDER
from lunarscale.engine.lock import RunLock
from lunarscale.engine.outcome import Tale
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.store.location import Location

RUNS = f"{FOLDER}/runs"


def now() -> str:
    """This moment in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def provenance(title: str) -> dict[str, Any]:
    """CF's global attributes of a store that is being made."""
    return {
        "title": title,
        "institution": "made with lunarscale",
        "source": f"lunarscale {lunarscale.__version__}",
        "history": f"{now()} created by lunarscale {lunarscale.__version__}",
    }


class RunRecord:
    """One run of one verb on one store.

    Parameters
    ----------
    verb : str
    parameters : dict
        What the user asked for, JSON-able.
    inputs : list
        What went in, JSON-able.
    """

    def __init__(self, verb: str, parameters: dict[str, Any], inputs: list[Any]) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.started = now()
        self._facts: dict[str, Any] = {
            "run": self.id,
            "verb": verb,
            "lunarscale": lunarscale.__version__,
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "machine": platform.machine(),
            "started": self.started,
            "parameters": parameters,
            "inputs": inputs,
        }

    def lock(self, location: Location) -> RunLock:
        """The run's lock of a store, not taken."""
        return RunLock(location, self.id, verb=self._facts["verb"], since=self.started)

    def write(self, location: Location, tale: Tale) -> None:
        """Keep the record, with how the run went."""
        facts = {
            **self._facts,
            "ended": now(),
            "shards_done": tale.done,
            "pixels": tale.pixels,
            "bytes_read": tale.bytes_read,
            "bytes_written": tale.bytes_written,
            "disagreements": tale.disagreements,
            "problems": [str(problem) for problem in tale.problems],
            "remarks": tale.remarks,
        }
        name = f"{self.started.replace(':', '')}-{self.id}.json"
        location.put(f"{RUNS}/{name}", sealed(facts, indent=1))


def read_runs(location: Location) -> list[dict[str, Any]]:
    """The records of all runs on a store, the oldest first; one that is damaged is left out."""
    found = (unsealed(location.get(f"{RUNS}/{name}")) for name in location.keys(RUNS))
    return [facts for facts in found if facts is not None]
