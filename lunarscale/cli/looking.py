"""Commands that look at stores."""

from typing import TYPE_CHECKING, Annotated

import typer

from lunarscale.cli.command import command
from lunarscale.cli.options import Options, storage
from lunarscale.console import out_console, print_pairs, progress_bar
from lunarscale.plurals import several

if TYPE_CHECKING:
    from lunarscale.steps.validating.verdict import Verdict

#: Shards that are not made yet of which the names are printed.
_NAMED = 8

Store = Annotated[str, typer.Argument(help="A mosaic or maps: a path or an fsspec URL.")]


@command("info", "lunarscale info maps.zarr")
def info_command(store: Store, storage_options: Options = None) -> None:
    """What a store holds, and what made it."""
    from lunarscale.steps.info import describe

    print_pairs(describe(store, storage(storage_options)))


@command("validate", "lunarscale validate maps.zarr --deep")
def validate_command(
    store: Store,
    deep: Annotated[bool, typer.Option("--deep", help="Read and check every byte.")] = False,
    storage_options: Options = None,
) -> None:
    """Hold a store and its overviews against the ledger. The next run makes torn shards again."""
    from lunarscale.steps.validate import validate

    with progress_bar("validate", "shard") as update:
        verdict = validate(
            store, deep=deep, storage_options=storage(storage_options),
            progress=update,
        )  # fmt: skip
    for judged in (verdict, *verdict.levels):
        _print_faults(judged)
    if verdict.unread:
        out_console.print(f"not read: {verdict.unread}", markup=False)
    out_console.print(_counted(verdict, deep=deep))
    for level in verdict.levels:
        if level.shards:
            out_console.print(f"{level.url}: {_counted(level, deep=deep)}", markup=False)
    if not verdict.is_whole_itself:
        out_console.print(
            "Run the command that made the store again, unless it is at work: it makes what is "
            "missing."
        )
    if not verdict.are_levels_whole:
        again = "Run" if verdict.is_whole_itself else "Then run"
        out_console.print(
            f"{again} `lunarscale overview {store}`, unless it is at work: it makes what is "
            "missing of the levels.",
            markup=False,
        )
    if not verdict.is_whole:
        raise typer.Exit(1)


def _counted(verdict: "Verdict", *, deep: bool) -> str:
    found = "whole" if deep else "of full length; --deep reads every byte"
    are = "is" if verdict.shards == 1 else "are"
    return f"{verdict.done:,} of {several(verdict.shards, 'shard')} {are} {found}"


def _print_faults(verdict: "Verdict") -> None:
    for kind in ("torn", "damaged", "strange"):
        for fault in getattr(verdict, kind):
            out_console.print(f"{kind}: {fault}", markup=False)
    if verdict.busy:
        out_console.print(f"nothing was mended: {verdict.busy}", markup=False)
    if verdict.missing:
        left = len(verdict.missing) - _NAMED
        more = f" and {left:,} more" if left > 0 else ""
        names = ", ".join(verdict.missing[:_NAMED])
        out_console.print(f"not made yet: {verdict.url}: {names}{more}", markup=False)
