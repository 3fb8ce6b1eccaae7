"""What benchmarks that run on a simulated Moon are asked on the command line, and their run."""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

Found = TypeVar("Found")


def moon_options(title: str, *, room: str) -> argparse.ArgumentParser:
    """Options of its size and cut, of repeats, and of where the stores go.

    Parameters
    ----------
    title : str
        The benchmark's, the first line of its docstring.
    room : str
        What the stores take on the disk, ``2 GB``.
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--width", type=int, default=16384, help="pixels around the Moon")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shard", type=int, default=2048)
    parser.add_argument("--chunk", type=int, default=512)
    where = f"where the stores go, a temporary folder if none; {room}"
    parser.add_argument("--folder", help=where)
    return parser


def carry_out(
    name: str, asked: argparse.Namespace, *,
    measure: Callable[[argparse.Namespace, Path], Found],
    show: Callable[[Found, Console], bool | None],
) -> int:  # fmt: skip
    """Measure in a folder that is removed afterwards, and show it; 1 if a requirement is not met.

    Parameters
    ----------
    name : str
        The benchmark's, in the folder's name.
    asked : Namespace
        ``folder``: where that one is made.
    measure : callable
        From what was asked and the folder to what was found.
    show : callable
        Prints what was found; whether the requirements are met, None where there are none.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-", dir=asked.folder))
    try:
        is_met = show(measure(asked, folder), Console(width=120))
        return 1 if is_met is False else 0
    finally:
        shutil.rmtree(folder)
