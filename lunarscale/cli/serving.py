"""Commands of the service: start it, and its tokens."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lunarscale.cli.command import app, command
from lunarscale.console import err_console, out_console, print_pairs
from lunarscale.errors import ServiceError

if TYPE_CHECKING:
    from lunarscale.service.tokens import Token

#: What `lunarscale demo` makes unless told otherwise.
DEMO = Path("lunarscale-demo")

#: Packages of the extra ``service``.
_EXTRA = ("fastapi", "starlette", "uvicorn", "prometheus_client", "multipart", "h11", "pydantic")

token_app = typer.Typer(
    no_args_is_help=True,
    help="Tokens of a service: who may read, run jobs, or administrate.",
    epilog="Example: [bold]lunarscale token new --role run --name Anna --tokens FILE[/bold]",
)
app.add_typer(token_app, name="token", rich_help_panel="Service")

TokensFile = Annotated[
    Path, typer.Option("--tokens", metavar="FILE", help="The file of tokens; only you write it.")
]


class LogFormat(StrEnum):
    """How the service's log is written."""

    PLAIN = "plain"
    JSON = "json"


@command("serve", "lunarscale serve lunarscale-demo")
def serve_command(
    data_dir: Annotated[
        Path, typer.Argument(help="The folder of the stores that are shown.")
    ] = DEMO,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where it listens; else this machine alone.")
    ] = "127.0.0.1",
    tokens: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Made by `lunarscale token new`.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Reading needs a token too.")] = False,
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="PEM", help="For HTTPS without a proxy.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PEM", help="Its private key.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Only a proxy reaches it, which does HTTPS.")
    ] = False,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Other sites whose pages may ask; repeat it for more."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Names it may be called by; repeat it for more."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER", help="Another limit, as /api names it; repeat it for more."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="A running Dask scheduler for jobs, or a cluster's name; else one starts."
        ),
    ] = None,
    cluster_tls: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="The scheduler's certificates.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Worker processes for jobs, else one a core.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of a worker.")] = 1,
    memory_limit: Annotated[
        str | None, typer.Option(help="Memory of a worker, 4GiB; else its share of what is free.")
    ] = None,
    log_format: Annotated[
        LogFormat, typer.Option(help="Of standard error: json also has every request.")
    ] = LogFormat.PLAIN,
) -> None:
    """Show stores over HTTP: a map of the Moon, values, statistics, tiles, jobs."""
    from lunarscale.clusters.opening import ClusterChoice

    try:
        from lunarscale.service.logs import logging_as
        from lunarscale.service.settings import Settings, limits_of
        from lunarscale.service.starting import addresses, check, listen, serve
        from lunarscale.service.tokens import new_token
    except ModuleNotFoundError as error:
        raise _extra_missing(error) from error
    settings = Settings(
        data_dir,
        host=host,
        port=port,
        tokens=tokens,
        cluster=ClusterChoice(scheduler, workers, threads, memory_limit, cluster_tls),
        limits=limits_of(limit or ()),
        private=private,
        cors=tuple(cors or ()),
        hosts=tuple(name.lower() for name in allow_host or ()),
        behind_proxy=behind_proxy,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
    )
    check(settings)
    if settings.cluster.warning is not None:
        err_console.print("[yellow]Warning:[/yellow]", end=" ")
        err_console.print(settings.cluster.warning, markup=False)
    with logging_as(log_format.value), listen(settings) as listening:
        links = addresses(settings, listening)
        session: tuple[Token, ...] = ()
        fragment = ""
        if tokens is None and settings.is_local and not behind_proxy:
            # a fragment stays in the browser: it is in no request and no log
            secret, token = new_token("you", "run")
            session, fragment = (token,), f"#token={secret}"
        started = [
            ("stores of", str(settings.data_dir)),
            *(("map", f"{link}{fragment}") for link in links),
            *(("API", f"{link}api") for link in links),
            ("stop", "Ctrl-C"),
        ]

        def tell() -> None:
            for label, value in started:  # no table: a link that is folded is none
                out_console.print(f"{label:<10} {value}", markup=False, soft_wrap=True)
            out_console.file.flush()  # into a pipe or a log it would else come at the end

        try:
            serve(settings, listening, session=session, ready=tell)
        except KeyboardInterrupt:
            out_console.print("Stopped; unfinished jobs go on when the service starts again.")


def _extra_missing(error: ModuleNotFoundError) -> Exception:
    """One sentence where the extra is not installed; other missing modules are what they are."""
    if (error.name or "").partition(".")[0] not in _EXTRA:
        return error
    return ServiceError(
        f"the service needs packages that are not installed ({error.name}); "
        "pip install 'lunarscale[service]'"
    )


@command("token new", "lunarscale token new --role run --name Anna --tokens FILE", app=token_app)
def new_command(
    name: Annotated[str, typer.Option(help="Who will have it.")],
    tokens: TokensFile,
    role: Annotated[str, typer.Option(help="read, run or admin.")] = "read",
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="For which it holds; else for ever.")
    ] = None,
) -> None:
    """Make a token and print it, this once: the file keeps its hash alone."""
    from lunarscale.service.tokens import TokenFile, new_token

    secret, token = new_token(name, role, days=days)
    TokenFile(tokens).add(token)
    until = "" if token.expires is None else f", until {token.expires}"
    err_console.print(f"Token {token.id} of {token.name}, {token.role}{until}:", markup=False)
    out_console.print(secret, markup=False)


@command("token list", "lunarscale token list --tokens FILE", app=token_app)
def list_command(tokens: TokensFile) -> None:
    """Show whose tokens a file has, and what they may."""
    from lunarscale.service.tokens import TokenFile

    lines = []
    for token in TokenFile(tokens).tokens():
        end = "for ever" if token.expires is None else f"until {token.expires}"
        over = ", expired" if token.has_expired() else ""
        lines.append((token.id, f"{token.name}: {token.role}, made {token.made}, {end}{over}"))
    print_pairs(lines)


@command("token revoke", "lunarscale token revoke Anna --tokens FILE", app=token_app)
def revoke_command(
    who: Annotated[str, typer.Argument(help="A token's number, or a name: then all of it.")],
    tokens: TokensFile,
) -> None:
    """Take a token out of the file; a service that runs hears of it at once."""
    from lunarscale.service.tokens import TokenFile

    gone = TokenFile(tokens).revoke(who)
    told = ", ".join(f"{token.id} of {token.name}" for token in gone)
    out_console.print(f"Revoked: {told}", markup=False)
