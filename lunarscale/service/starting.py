"""A service's start: what cannot work is told in one sentence before anything listens."""

import ipaddress
import re
import resource
import socket
import ssl
from collections.abc import Callable

import uvicorn

from lunarscale.errors import ServiceError
from lunarscale.service.app import create_app
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.house import House
from lunarscale.service.hurried import head_bytes, protocol_for
from lunarscale.service.jobs.jobs import check_jobs
from lunarscale.service.settings import Settings
from lunarscale.service.tokens import Token, TokenFile

#: Seconds that requests have to end when the service does.
FAREWELL_S = 5

#: Connections that wait to be taken.
BACKLOG = 512

#: Files that may be open beside the connections (stores, jobs, downloads, connections that are
#: being refused): what must be allowed, and what is asked for.
FILES_BESIDE, FILES_WANTED = 1_024, 16_384

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-fA-F:]+\](:\d{1,5})?")


def check(settings: Settings) -> None:
    """Make sure that a service can start as it is asked to.

    Raises
    ------
    ServiceError, UnavailableError
        If it cannot, or should not.
    """
    _check_data(settings)
    _check_openness(settings)
    _check_certificate(settings)
    check_jobs(settings)
    if settings.tokens is not None:
        TokenFile(settings.tokens).tokens()
    for origin in settings.cors:
        if origin != "*" and _ORIGIN.fullmatch(origin) is None:
            raise ServiceError(
                f"--cors {origin}: this is no origin; write scheme, host and port alone, "
                "https://maps.example.org"
            )


def _check_data(settings: Settings) -> None:
    data_dir = settings.data_dir
    if not data_dir.is_dir():
        found = "a file is there" if data_dir.exists() else "there is no such folder"
        raise ServiceError(
            f"{data_dir}: a folder of stores is needed but {found}; `lunarscale demo` makes one, "
            "lunarscale-demo"
        )
    # one that is deployed may begin empty and be filled by its jobs
    if not settings.behind_proxy and not Catalogue(data_dir).names():
        raise ServiceError(
            f"{data_dir}: there is no store of lunarscale in this folder; name the folder that "
            "your stores lie in, not a store itself, or make one with `lunarscale demo`"
        )


def _check_openness(settings: Settings) -> None:
    """Others reach the service only with tokens, and nobody reads these on their way."""
    if settings.is_local or settings.behind_proxy:
        return
    lacks = []
    if settings.tokens is None:
        lacks.append("--tokens FILE, or whoever calls is told apart by nothing")
    if settings.tls_certificate is None:
        lacks.append(
            "--tls-certificate and --tls-key, or tokens travel where others read them along"
        )
    if lacks:
        raise ServiceError(
            f"--host {settings.host}: others reach this address, so it needs {'; and '.join(lacks)}"
            "; or say --behind-proxy where only a proxy reaches it, which does this"
        )


def _check_certificate(settings: Settings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        raise ServiceError("--tls-certificate and --tls-key belong together; give both or neither")
    if certificate is None or key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ServiceError(
            f"{certificate} and {key} are no certificate and its key ({error}); give both as PEM "
            "files that you may read"
        ) from error


def allow_files(connections: int) -> None:
    """Let this process have files open beside so many connections, which else keep it from its own.

    Raises
    ------
    ServiceError
        If the system does not let it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_WANTED + connections if hard == resource.RLIM_INFINITY else hard
    if most < connections + FILES_BESIDE:
        raise ServiceError(
            f"{connections + FILES_BESIDE:,} files may have to be open at a time but the system "
            f"allows {most:,}; raise `ulimit -Hn`, or give --limit "
            f"connections={max(most - FILES_BESIDE, 1)}"
        )
    wanted = min(FILES_WANTED + connections, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def listen(settings: Settings) -> socket.socket:
    """Take the port.

    Raises
    ------
    ServiceError
        If it is taken, or the address is none of this machine's.
    """
    host, port = settings.host, settings.port
    where = f"{host}:{port}"
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        family = socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ServiceError(
            f"{where}: nothing can listen there ({reason.lower()}); name another --port, or an "
            "address of this machine"
        ) from error


class _Server(uvicorn.Server):
    """Tells when it is ready, and when its end is near."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], leaving: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready, self._leaving = ready, leaving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would else hold its connection open, and then the rest."""
        self._leaving()
        await super().shutdown(sockets=sockets)


def serve(
    settings: Settings, listening: socket.socket, *, session: tuple[Token, ...],
    ready: Callable[[], None],
) -> None:  # fmt: skip
    """Answer requests until a signal ends it.

    Parameters
    ----------
    settings : Settings
        Checked.
    listening : socket
    session : tuple of Token
        Tokens that hold as long as this process.
    ready : callable
        Called when the first request can come.
    """
    allow_files(settings.limits.connections)
    app = create_app(settings, session=session)
    config = uvicorn.Config(
        app,
        http=protocol_for(settings),  # it counts the connections
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",  # every caller could make it warn, as often as they like
        access_log=False,
        proxy_headers=False,  # ``Access`` reads them where it may
        server_header=False,
        h11_max_incomplete_event_size=head_bytes(settings.limits),
        timeout_graceful_shutdown=FAREWELL_S,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    house: House = app.state.house

    def begun() -> None:
        ready()
        house.rehearse()

    _Server(config, begun, house.leave).run(sockets=[listening])


def addresses(settings: Settings, listening: socket.socket) -> list[str]:
    """Where the service is found, as links."""
    scheme = "http" if settings.tls_certificate is None else "https"
    port = listening.getsockname()[1]
    host = settings.host
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"]
