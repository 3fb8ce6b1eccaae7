"""The command line: one command a step."""

from lunarscale.cli import finding, learning, making
from lunarscale.cli.command import app

__all__ = ["app", "finding", "learning", "main", "making"]


def main() -> None:
    """Entry point of the ``lunarscale`` command."""
    app()
