"""The processes of a cluster that outlives its command, and their end.

A process number says little: the machine may have started again, or another process may have it by
now. So each process of a cluster carries the cluster's mark in its environment, where its children
get it from, and nobody is ended who does not show it.
"""

import os
from time import monotonic

import psutil

from lunarscale.clusters.standing_files import Standing
from lunarscale.engine.processes import home

#: The variable that has the mark.
MARK = "LUNARSCALE_CLUSTER"

#: Seconds that processes have to end by themselves.
END_S = 30.0

#: Seconds that those have which did not, before they are killed.
KILL_S = 5.0

#: Seconds from look to look at what is ending; whose end shows itself is not waited for so long.
_LOOK_S = 0.1


def members(standing: Standing) -> list[psutil.Process]:
    """The processes that show a cluster's mark, the first one first; never this one."""
    if standing.home != home():  # numbers of another start of the machine, or another container
        return []
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == standing.mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # ended meanwhile, or another user's
    return sorted(found, key=lambda process: process.pid != standing.process)


def end_all(standing: Standing, *, end_s: float = END_S) -> int:
    """End a cluster's processes: ask its first one, which ends the others, then them, then kill.

    Returns
    -------
    int
        How many there were.
    """
    everyone = members(standing)
    rest = everyone
    if standing.lives:
        for process in everyone[:1]:
            _tell(process, kill=False)
        rest = left_of(rest, within_s=end_s)
    for kill in (False, True):
        for process in rest:
            _tell(process, kill=kill)
        rest = left_of(rest, within_s=KILL_S)
    return len(everyone)


def left_of(processes: list[psutil.Process], *, within_s: float) -> list[psutil.Process]:
    """Those of some processes that still run after so many seconds; fewer, if all have ended.

    One that has ended but that its parent has not asked after, as in a container without an init,
    does not run.
    """
    last = monotonic() + within_s
    while (rest := [each for each in processes if _runs(each)]) and monotonic() < last:
        psutil.wait_procs(rest, timeout=_LOOK_S)
    return rest


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _tell(process: psutil.Process, *, kill: bool) -> None:
    """Send the signal; psutil looks first whether the number is still that process's."""
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return
