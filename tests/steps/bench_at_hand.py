"""Benches that take a second: a small simulated Moon in this process, and records made by hand."""

from pathlib import Path
from typing import Any

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.laps import Lap
from lunarscale.steps.benchmarking.limits import Limit
from lunarscale.steps.benchmarking.question import Question, ask
from lunarscale.steps.benchmarking.records import Kept, Run, Session
from lunarscale.steps.benchmarking.settings import Cut, Setting, Sweep

#: A cut of the small Moon.
CUT = Cut(64, 32)


def asked(out: Path, sweep: Sweep | None = None, **given: Any) -> Question:
    """A question of a small Moon and this process."""
    usual: dict[str, Any] = {"size": 128, "repeats": 2, "choice": ClusterChoice(workers=0)}
    sweep = sweep or Sweep(("equations",), (CUT,), crews=((0, 1),))
    return ask(sweep, out=str(out), **(usual | given))


def made(setting: Setting, repeat: int, **given: Any) -> Run:
    """A run as if it had been measured: 1 Mpx in a second, half of it the limit's."""
    laps = {"read": Lap(0.1, 0.2), "encode": Lap(0.4, 0.4)}
    usual: dict[str, Any] = {
        "session": "hand", "wall_s": 1.0, "fixed_s": 0.1, "pixels": 1_000_000, "shards": 4,
        "decoded_bytes": 15_000_000, "laps": {"decode": Lap(0.3, 0.3), **laps},
        "processor_s": 1.0, "peak_bytes": 500_000_000, "planned_bytes": 600_000_000,
        "limit": Limit({"decode": Lap(0.2, 0.2), "encode": Lap(0.3, 0.3)}, 1_000_000, 0, 10, 20, 3),
    }  # fmt: skip
    return Run(setting, repeat, **(usual | given))


def kept(question: Question, runs: list[Run]) -> Kept:
    """Records as if they had been measured in one call."""
    records = Kept(question.out, question.identity())
    records.runs = runs
    records.sessions = [Session("hand", "now", "host", "processor")]
    return records
