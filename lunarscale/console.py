"""What the command line writes: pairs to stdout, progress and errors to stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Protocol

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from lunarscale.plurals import several

out_console = Console(highlight=False, soft_wrap=True)
err_console = Console(stderr=True, highlight=False, soft_wrap=True)


def print_pairs(pairs: list[tuple[str, str]]) -> None:
    """Labels and values, two columns; without a terminal no value is folded.

    A path or an address that is folded can be copied neither by people nor by programs.
    """
    if not out_console.is_terminal:
        width = max((len(label) for label, _ in pairs), default=0)
        for label, value in pairs:
            out_console.print(f"{label:<{width}}  {value}".rstrip(), markup=False)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in pairs:
        table.add_row(escape(label), escape(value))
    out_console.print(table)


def print_tables(*tables: RenderableType) -> None:
    """Tables, with captions broken between words where the terminal ends.

    What users named is shown as it is: brackets are no markup.
    """
    for table in tables:
        out_console.print(table, soft_wrap=False, markup=False)


class Update(Protocol):
    """Tells how far it is."""

    def __call__(self, done: int, todo: int, rate: str = "") -> None: ...


#: Seconds between two lines of progress where there is no terminal for a bar.
QUIET = 30.0


@contextmanager
def progress_bar(verb: str, noun: str) -> Iterator[Update]:
    """A progress bar with rate and time left; without a terminal, a plain line now and then.

    It shows with the first update and stays, complete or not, when it is left.

    Parameters
    ----------
    verb : str
        What is done.
    noun : str
        What is counted, one of it: ``shard``.
    """
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    progress = Progress(*columns, console=err_console)
    task, said, line = progress.add_task(verb, total=None, rate="", unit=""), perf_counter(), ""

    def update(done: int, todo: int, rate: str = "") -> None:
        nonlocal said, line
        all_of_it = several(todo, noun)
        unit = all_of_it.partition(" ")[2]
        progress.update(task, completed=done, total=todo, rate=rate, unit=unit)
        if err_console.is_terminal:
            progress.start()
            return
        if not done:
            return
        line = f"{verb}: {done:,} of {all_of_it} {rate}".rstrip()
        if perf_counter() - said > QUIET:
            err_console.print(line)
            said = perf_counter()

    try:
        yield update
    finally:
        if err_console.is_terminal:
            progress.stop()
        elif line:
            err_console.print(line)
