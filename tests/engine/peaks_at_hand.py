"""A worker's peak of resident memory, and workers that are those of the command.

Workers import this file for the functions they are sent, so it imports nothing heavy: what a test
imports besides would count as theirs.
"""

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The installed command, as a file: a worker that is spawned imports its spawner's main file.
_COMMAND = "from lunarscale.cli import main\n\nif __name__ == '__main__':\n    main()\n"


def reset_peak() -> None:
    """Forget this process's peak of resident memory (Linux, proc(5))."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """This process's peak of resident memory; ``ru_maxrss`` would hold its parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@contextmanager
def as_the_command(folder: Path) -> Iterator[None]:
    """Processes that are spawned within are the command's, and not pytest's."""
    main = types.ModuleType("__main__")
    main.__file__ = str(folder / "lunarscale_command.py")
    Path(main.__file__).write_text(_COMMAND)
    own, sys.modules["__main__"] = sys.modules["__main__"], main
    try:
        yield
    finally:
        sys.modules["__main__"] = own
