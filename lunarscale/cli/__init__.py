"""The command line: one command a step."""

from lunarscale.cli import comparing, finding, learning, making, poles, sums
from lunarscale.cli.command import app

__all__ = ["app", "comparing", "finding", "learning", "main", "making", "poles", "sums"]


def main() -> None:
    """Entry point of the ``lunarscale`` command."""
    app()
