"""What the service's tests share: a folder of data, an app to ask, and a server that listens."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from browser_at_hand import browser, look  # noqa: F401 (fixtures, for all tests here)
from fastapi import FastAPI
from fastapi.testclient import TestClient
from service_moon import made_once
from uvicorn.protocols.http.h11_impl import H11Protocol

from lunarscale.engine.clusters import ClusterChoice
from lunarscale.service.app import create_app
from lunarscale.service.hurried import HurriedProtocol
from lunarscale.service.settings import Limits, Settings
from lunarscale.service.tokens import Token, new_token

#: The app's own name in a ``TestClient``.
HOST = "testserver"


@pytest.fixture(scope="session")
def service_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``mosaic.zarr`` and ``maps.zarr`` of a simulated Moon; do not write there."""
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    return made_once(shared / "service")


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


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """Tokens that every app of ``service`` and ``live_service`` knows."""
    made = {role: new_token(f"{role}er", role) for role in ("read", "run", "admin")}
    kept = tuple(token for _, token in made.values())
    return Tokens(kept=kept, **{role: secret for role, (secret, _) in made.items()})


def settings_for(folder: Path, **options: Any) -> Settings:
    """Settings of a service in a test; its jobs run in this process."""
    usual = Settings(folder, cluster=ClusterChoice(workers=0), hosts=(HOST,))
    limits = options.pop("limits", {})
    return replace(usual, limits=replace(Limits(), **limits), **options)


@pytest.fixture
def service(tokens: Tokens) -> Iterator[Callable[..., TestClient]]:
    """``service(folder, limits={...}, **settings)``: a client of an app of its own."""
    clients = []

    def make(folder: Path, **options: Any) -> TestClient:
        app = create_app(settings_for(folder, **options), session=tokens.kept)
        client = TestClient(app, base_url=f"http://{HOST}")
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


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


@pytest.fixture(scope="session")
def live_service(service_data: Path, tokens: Tokens) -> Iterator[Live]:
    """A server on the shared data, for whoever asks over a real socket."""
    with serving(settings_for(service_data), tokens.kept) as live:
        yield live
