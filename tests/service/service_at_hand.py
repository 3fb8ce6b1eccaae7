"""A service as tests have it: its settings, tokens of each role, a server that listens."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.service.app import create_app
from lunarscale.service.hurried import HurriedProtocol, head_bytes
from lunarscale.service.settings import Limits, Settings
from lunarscale.service.tokens import Token

#: The app's own name in a ``TestClient``.
HOST = "testserver"


@dataclass(frozen=True)
class Tokens:
    """One token of each role, as a client sends it."""

    read: str
    run: str
    admin: str
    kept: tuple[Token, ...]

    def header(self, role: str) -> dict[str, str]:
        """The header of a role's token."""
        return {"Authorization": f"Bearer {getattr(self, role)}"}


def settings_for(folder: Path, **options: Any) -> Settings:
    """Settings of a service in a test; its jobs run in this process."""
    usual = Settings(folder, cluster=ClusterChoice(workers=0), hosts=(HOST,))
    limits = options.pop("limits", {})
    return replace(usual, limits=replace(Limits(), **limits), **options)


@dataclass(frozen=True)
class Live:
    """A server that listens.

    Parameters
    ----------
    url : str
        Without a slash at its end.
    port : int
    app : FastAPI
    """

    url: str
    port: int
    app: FastAPI


@contextmanager
def serving(
    settings: Settings, session: tuple[Token, ...], *, http: type[H11Protocol] = HurriedProtocol
) -> Iterator[Live]:
    """A server of its own thread on a free port, until the end of the block."""
    app = create_app(settings, session=session)
    # routes are else built by the first request, in a thread of its own, and threads share the
    # filters of warnings: one that pydantic quiets would raise
    app.openapi()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=http,
                ws="none",
                log_level="warning",
                lifespan="on",
                proxy_headers=False,
                h11_max_incomplete_event_size=head_bytes(settings.limits),
                timeout_keep_alive=300,  # a client that waits for something else keeps its line
                timeout_graceful_shutdown=3,
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(0.01)
            assert server.started, "the server did not start"
            yield Live(f"http://127.0.0.1:{port}", port, app)
        finally:
            server.should_exit = True
            thread.join()
