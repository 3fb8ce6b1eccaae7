"""What the service's tests share: a folder of data, an app to ask, and a server that listens."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_at_hand import browser, look, users  # noqa: F401 (fixtures, for all tests here)
from fastapi.testclient import TestClient
from jobs_at_hand import caller, jobs_folder, new, own_folder, undisturbed  # noqa: F401 (as above)
from service_at_hand import HOST, Live, Tokens, serving, settings_for
from service_moon import made_once
from tiles_at_hand import tile_client, tile_data  # noqa: F401 (fixtures, for all tests here)

from lunarscale.service.app import create_app
from lunarscale.service.tokens import new_token


@pytest.fixture(scope="session")
def service_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``mosaic.zarr`` and ``maps.zarr`` of a simulated Moon; do not write there."""
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    return made_once(shared / "service")


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """Tokens that every app of ``service`` and ``live_service`` knows."""
    made = {role: new_token(f"{role}er", role) for role in ("read", "run", "admin")}
    kept = tuple(token for _, token in made.values())
    return Tokens(kept=kept, **{role: secret for role, (secret, _) in made.items()})


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


@pytest.fixture(scope="session")
def live_service(service_data: Path, tokens: Tokens) -> Iterator[Live]:
    """A server on the shared data, for whoever asks over a real socket."""
    with serving(settings_for(service_data), tokens.kept) as live:
        yield live
