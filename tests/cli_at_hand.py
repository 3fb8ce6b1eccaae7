"""The command line in this process: what it prints, and the one sentence with which it refuses."""

from click.testing import Result
from typer.testing import CliRunner

from lunarscale.cli import app


def lunarscale(*args: object, code: int = 0) -> Result:
    """Run a command in this process; it must end with this code, and without a traceback."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def refused(*args: object, code: int = 1, command: str | None = None) -> str:
    """The one sentence with which a command refuses; it names the command first."""
    sentence = lunarscale(*args, code=code).stderr
    assert sentence.startswith(f"lunarscale {command or args[0]}: ")
    assert len(sentence.splitlines()) == 1
    return " ".join(sentence.split())
