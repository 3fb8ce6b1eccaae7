"""What is known of clusters that outlive their command: one file each, in the user's state folder.

The folder is ``$XDG_STATE_HOME/lunarscale/clusters/HOST`` (``~/.local/state`` where the variable is
unset), for nobody else's eyes: who could write there would tell us whom to send our code to. Each
machine has its own, so that homes on a network disk do not mix them up. Of a cluster NAME there
lie::

    NAME.json  its record, from when it is up until it ends
    NAME.lock  held by its first process as long as that lives; the system lets go of it
    NAME.log   what its processes said
"""

import json
import os
import platform
import re
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from lunarscale.engine.processes import home, started
from lunarscale.errors import ClusterError

#: A cluster's name where the user gives none.
DEFAULT_NAME = "local"

#: What a name may be: never a path, and never an address, which has a colon or a dot.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")

#: Bytes of a record, at most: it has a few hundred.
_LARGEST = 100_000


@dataclass(frozen=True)
class Standing:
    """A cluster that outlives its command, as its first process wrote it down.

    Parameters
    ----------
    name : str
    mark : str
        What all of its processes have in their environment, and no others.
    process : int
        The first process; the others end with it.
    started, home : str
        When it began, and where its number holds (``processes``).
    address, dashboard : str
    threads, worker_bytes : int
        Of a worker.
    tls : str or None
        Folder of its certificates, absolute.
    join : str or None
        The command by which another host gives it a worker; None where none can.
    since : str
        UTC, as ISO 8601 has it.
    version : str
        Of lunarscale.
    """

    name: str
    mark: str
    process: int
    started: str
    home: str
    address: str
    dashboard: str
    threads: int
    worker_bytes: int
    tls: str | None
    join: str | None
    since: str
    version: str

    @property
    def lives(self) -> bool:
        """Whether its first process runs: not another one that has its number now."""
        return self.home == home() and started(self.process) == self.started

    def write(self) -> None:
        """Write it down, whole or not at all."""
        path = _record(self.name)
        descriptor, aside = tempfile.mkstemp(prefix=f".{self.name}.", dir=path.parent)  # mode 0600
        try:
            with open(descriptor, "w") as file:
                json.dump(asdict(self), file)
            os.replace(aside, path)
        except BaseException:
            os.unlink(aside)
            raise

    def forget(self) -> None:
        """Take the record away, if it is still this cluster's."""
        there = read(self.name)
        if there is not None and there.mark == self.mark:
            _record(self.name).unlink(missing_ok=True)


def is_name(scheduler: str) -> bool:
    """Whether this is a cluster's name and no scheduler's address."""
    return _NAME.fullmatch(scheduler) is not None


def require_name(name: str) -> str:
    """The name, if it is one.

    Raises
    ------
    ClusterError
        If it is not.
    """
    if not is_name(name):
        raise ClusterError(
            f"--name {name}: a cluster's name has up to 40 letters, digits, - and _, a letter "
            "first; write another"
        )
    return name


def read(name: str) -> Standing | None:
    """The record of a cluster of this machine; None where there is none that can be read."""
    try:
        with open(_record(name), "rb") as file:
            return Standing(**json.loads(file.read(_LARGEST)))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, RecursionError):  # no JSON of ours, or another version's fields
        return None


def records() -> list[Standing]:
    """All records of this machine, by name."""
    names = sorted(path.stem for path in folder().glob("*.json"))
    return [found for name in names if is_name(name) and (found := read(name)) is not None]


def running(name: str) -> Standing:
    """The cluster of this name.

    Raises
    ------
    ClusterError
        If none runs on this machine.
    """
    there = read(require_name(name))
    if there is None or not there.lives:
        gone = "" if there is None else f" any more (it was started at {there.since} and has ended)"
        raise ClusterError(
            f"{name}: no cluster of this name runs on {platform.node()}{gone}; start one with "
            f"`lunarscale cluster start --name {name}`, or write a scheduler's address, "
            "tcp://HOST:8786"
        )
    return there


def lock_file(name: str) -> Path:
    """What the first process of a cluster holds."""
    return folder() / f"{name}.lock"


def log_file(name: str) -> Path:
    """Where its processes' words go."""
    return folder() / f"{name}.log"


def _record(name: str) -> Path:
    return folder() / f"{name}.json"


def folder() -> Path:
    """This machine's folder, made if need be.

    Raises
    ------
    ClusterError
        If others than this user may write there, or this user may not.
    """
    place = _state_home()
    for part in ("lunarscale", "clusters", re.sub(r"[^\w.-]", "_", platform.node()) or "host"):
        place /= part
        try:
            place.mkdir(mode=0o700, exist_ok=True)
            found = place.stat()
        except OSError as error:
            raise _unkept(place, error) from error
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
            raise ClusterError(
                f"{place}: what lies there tells where this user's code is sent, but others may "
                f"write to it; `chmod 700 {place}`, or set XDG_STATE_HOME to a folder of your own"
            )
    return place


def _state_home() -> Path:
    """The user's folder of what programs keep, made if need be."""
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        place = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    except RuntimeError as error:  # no HOME, and nobody knows this user
        raise _unkept(Path("~"), error) from error
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unkept(place, error) from error
    return place


def _unkept(place: Path, error: Exception) -> ClusterError:
    why = error.strerror if isinstance(error, OSError) else error
    return ClusterError(
        f"{place}: what is known of clusters cannot be kept there ({why}); set XDG_STATE_HOME to "
        "a folder that you may write to"
    )
