"""The command line: one command a step."""

from lunarscale.cli import (
    benchmarking,
    clusters,
    comparing,
    finding,
    learning,
    looking,
    making,
    overviews,
    poles,
    serving,
    simulating,
    sums,
)
from lunarscale.cli.command import PANELS, app

__all__ = [
    "app",
    "benchmarking",
    "clusters",
    "comparing",
    "finding",
    "learning",
    "looking",
    "main",
    "making",
    "overviews",
    "poles",
    "serving",
    "simulating",
    "sums",
]

# in the order of their headings, whichever file they are in
_ORDER = [name for names in PANELS.values() for name in names]
app.registered_commands.sort(key=lambda command: _ORDER.index(str(command.name)))


def main() -> None:
    """Entry point of the ``lunarscale`` command."""
    app()
