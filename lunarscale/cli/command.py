"""A command: registered under its name, with an example, its errors one sentence."""

import errno
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import typer

import lunarscale
from lunarscale.cli.options import ClusterOptions
from lunarscale.console import err_console, out_console
from lunarscale.errors import LunarscaleError

app = typer.Typer(
    help="Maps of the Moon's chemistry from orbit: tiles in, maps of oxides and maturity out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Try [bold]lunarscale demo[/bold]: the whole way on a simulated Moon; then "
    "[bold]lunarscale serve[/bold]: its maps in the browser.",
)

#: Headings of ``--help``, and the commands below each, in their order.
PANELS = {
    "From tiles to maps": ("demo", "ingest", "predict", "overview", "report", "export"),
    "Statistics": ("summarise", "sample", "compare", "screen-pole", "anorthosite"),
    "Models": ("models", "stations", "calibrate", "train", "fine-tune", "check"),
    "Service": ("serve", "token", "cluster"),
    "Stores and tiles": ("info", "validate", "simulate", "bench"),
}

_PANEL_OF = {name: panel for panel, names in PANELS.items() for name in names}

Command = TypeVar("Command", bound=Callable[..., None])


def command(name: str, example: str, *, app: typer.Typer = app) -> Callable[[Command], Command]:
    """A command whose errors are one sentence, with an example in its help."""

    def stop(message: str, code: int) -> typer.Exit:
        err_console.print(f"[red]lunarscale {name}:[/red]", end=" ")
        err_console.print(message.removeprefix(f"{name}: "), markup=False)
        return typer.Exit(code)

    def register(function: Command) -> Command:
        parameters = inspect.signature(function).parameters

        @functools.wraps(function)
        def run(**kwargs: Any) -> None:
            if "cluster" in parameters:
                given = {name: kwargs.pop(name) for name in ClusterOptions._fields}
                kwargs["cluster"] = ClusterOptions(**given)
            try:
                function(**kwargs)
            except LunarscaleError as error:
                raise stop(str(error), error.exit_code) from None
            except OSError as error:
                raise stop(_of_the_system(error), 1) from None
            except MemoryError as error:
                told = f"there is not enough memory ({error})" if str(error) else "no memory left"
                raise stop(f"{told}; ask for fewer pixels, or use a larger machine", 1) from None
            except KeyboardInterrupt:
                goes_on = "overwrite" in kwargs
                advice = (
                    "what is finished is kept; run it again, without --overwrite, to go on"
                    if goes_on
                    else "run it again, it starts afresh"
                )
                raise stop(f"stopped; {advice}", 130) from None

        # typer makes its options from this
        run.__signature__ = _spread(parameters)  # type: ignore[attr-defined]
        last, panel = name.split()[-1], _PANEL_OF.get(name)
        app.command(last, epilog=f"Example: [bold]{example}[/bold]", rich_help_panel=panel)(run)
        return function

    return register


def _spread(parameters: Mapping[str, inspect.Parameter]) -> inspect.Signature:
    """A command's signature with the options of a cluster in place of the one that holds them."""
    options: list[inspect.Parameter] = []
    for name, parameter in parameters.items():
        if name == "cluster":
            several = inspect.signature(ClusterOptions).parameters.values()
            options += [each.replace(kind=parameter.kind) for each in several]
        else:
            options.append(parameter)
    return inspect.Signature(options)


def _of_the_system(error: OSError) -> str:
    """One sentence from what the operating system refused."""
    reason = error.strerror or str(error)
    what = f"{error.filename}: {reason}" if error.filename else reason
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{what}; free some room and run it again"
    return f"{what}; check that the path is right and may be written"


def version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        out_console.print(f"lunarscale {lunarscale.__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Options before the command."""
