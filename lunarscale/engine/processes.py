"""Which process this is, and whether another one of this machine still runs."""

import os
import platform
from functools import cache
from pathlib import Path

import psutil

#: States of a process that has ended but that nobody has asked after yet (``proc(5)``).
_ENDED = "ZXx"


@cache
def home() -> str:
    """Where process numbers mean what they mean here: the machine since it started, the container.

    Two containers on one machine may have one host name but never one namespace of processes.
    """
    parts = [platform.node()]
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists() and namespace.exists():  # Linux
        parts += [boot.read_text().strip(), os.readlink(namespace)]
    return " ".join(parts)


def started(process: int) -> str | None:
    """When a process of this machine began, as a mark that no other process has.

    None where there is none, or where it has ended. On Linux the mark counts from the machine's
    start, so that no setting of the clock changes it.
    """
    if not Path("/proc/self/stat").exists():
        try:
            return str(psutil.Process(process).create_time())
        except psutil.NoSuchProcess:
            return None
    try:
        # the name before the last bracket may hold anything; state is field 3, the start field 22
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in _ENDED else fields[19]
