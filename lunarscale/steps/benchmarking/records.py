"""What was measured: one record a run, kept as it comes so that nothing is measured twice."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lunarscale.errors import ParametersError
from lunarscale.laps import Lap
from lunarscale.steps.benchmarking.limits import Limit, Machine
from lunarscale.steps.benchmarking.settings import Cut, Setting
from lunarscale.steps.saving import save

#: The file of the records, and its form.
FILE, FORM = "measured.json", 1


@dataclass(frozen=True)
class Run:
    """One run of one setting.

    Parameters
    ----------
    setting : Setting
    repeat : int
        0 warms up.
    session : str
        The bench run that measured it; its worker processes are its own.
    wall_s, fixed_s : float
        From the first task to the last; and what making the store and its record took besides.
    pixels, shards, decoded_bytes : int
        Done; bytes that were read and written, as they are decoded.
    laps : mapping
        Where the tasks' time went; of a float32 setting the limit's own.
    processor_s : float
        Of the worker processes, all in all.
    peak_bytes, planned_bytes : int
        Most resident memory of a worker, and what the plan allows.
    limit : Limit
        Measured after it, on the same workers.
    """

    setting: Setting
    repeat: int
    session: str
    wall_s: float
    fixed_s: float
    pixels: int
    shards: int
    decoded_bytes: int
    laps: Mapping[str, Lap]
    processor_s: float
    peak_bytes: int
    planned_bytes: int
    limit: Limit

    @property
    def warms_up(self) -> bool:
        """Whether it is left out of the figures."""
        return self.repeat == 0


@dataclass(frozen=True)
class Session:
    """One call of the bench.

    Parameters
    ----------
    name : str
    when, host, processor : str
    start_s : mapping
        Seconds to start each cluster, by threads a worker.
    machine : mapping of str to Machine
        By workers x threads.
    peaks_reset : bool
        Whether each run's peak memory began anew.
    """

    name: str
    when: str
    host: str
    processor: str
    start_s: Mapping[str, float] = field(default_factory=dict)
    machine: Mapping[str, Machine] = field(default_factory=dict)
    peaks_reset: bool = True


class Kept:
    """The records of a folder.

    Parameters
    ----------
    folder : Path
    identity : dict
        What all records have in common (``Question.identity``).
    overwrite : bool
        Whether to begin anew.

    Raises
    ------
    ParametersError
        If those that are there were measured on something else.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], *, overwrite: bool = False) -> None:
        self.folder, self.identity = folder, identity
        self.runs: list[Run] = []
        self.sessions: list[Session] = []
        self.left_out: dict[str, str] = {}
        path = folder / FILE
        if path.exists() and not overwrite:
            self._read(path)

    def _read(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text())
            same = found["form"] == FORM and found["identity"] == self.identity
            if same:
                self.runs = [_run(facts) for facts in found["runs"]]
                self.sessions = [_session(facts) for facts in found["sessions"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ParametersError(
                f"{path}: this is no file of a bench's results ({error!r}); name another --out, or "
                "--overwrite to begin anew"
            ) from error
        if not same:
            raise ParametersError(
                f"{path}: these results are of {found['identity'].get('source', 'something else')}"
                f" on {found['identity'].get('where')} but {self.identity['source']} on "
                f"{self.identity['where']} is asked for; name another --out, or --overwrite to "
                "begin anew"
            )

    def todo(self, settings: list[Setting], repeats: int) -> list[tuple[Setting, int]]:
        """Runs that are still to be measured, repeat by repeat.

        A setting that lacks some is warmed up again: its workers are new.
        """
        done = {(run.setting.key, run.repeat) for run in self.runs}
        lacking = [
            setting
            for setting in settings
            if any((setting.key, repeat) not in done for repeat in range(1, repeats + 1))
        ]
        return [
            (setting, repeat)
            for repeat in range(repeats + 1)
            for setting in lacking
            if repeat == 0 or (setting.key, repeat) not in done
        ]

    def add(self, run: Run) -> None:
        """Keep a run, in place of what there is of that repeat."""
        same = (run.setting.key, run.repeat)
        self.runs = [r for r in self.runs if (r.setting.key, r.repeat) != same]
        self.runs.append(run)
        self.write()

    def write(self) -> None:
        """Write the file, whole."""
        told = {
            "form": FORM,
            "identity": self.identity,
            "sessions": [asdict(session) for session in self.sessions],
            "runs": [asdict(run) for run in self.runs],
        }
        save(self.folder / FILE, json.dumps(told, indent=1))


def _run(facts: dict[str, Any]) -> Run:
    setting, limit = facts.pop("setting"), facts.pop("limit")
    cut = Cut(**setting.pop("cut"))
    return Run(
        setting=Setting(cut=cut, **setting),
        laps=_laps(facts.pop("laps")),
        limit=Limit(laps=_laps(limit.pop("laps")), **limit),
        **facts,
    )


def _session(facts: dict[str, Any]) -> Session:
    machine = {name: Machine(*values) for name, values in facts.pop("machine").items()}
    return Session(machine=machine, **facts)


def _laps(facts: dict[str, Any]) -> Any:
    return {part: Lap(*seconds) for part, seconds in facts.items()}
