"""What the owner of a file puts in its place while the service runs: told, and never waited for."""

import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from drawn_at_hand import box, polygon
from fastapi.testclient import TestClient
from jobs_at_hand import PATIENCE_S, SUMMARISE, Caller
from service_at_hand import HOST, Tokens, settings_for

from lunarscale.readers.sources import index_sources
from lunarscale.service.app import create_app
from lunarscale.service.tokens import TokenFile

MAPS = "/api/datasets/maps.zarr"
TILE = "UI00N030.IMG"
SQUARE = polygon(box(-40, -40, 40, 40))


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)  # a socket's whole path is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


#: What may come in the place of a file or folder, and the words by which it is told. A superuser
#: may read all, so to them nothing is unreadable; a link that leads to itself is refused like that.
KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "there is a folder"),
    "a pipe": (os.mkfifo, "there is a pipe"),
    "a socket": (_socket, "a socket|No such device or address"),
    "a loop": (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "a link that leads nowhere"),
    "a file": (lambda path: path.write_bytes(b"something else"), "1 of 8 shards are not done"),
}
if os.geteuid() != 0:
    KINDS["unreadable"] = (lambda path: path.touch(0o000), "Permission denied")


@contextmanager
def replaced(path: Path, kind: str) -> Iterator[None]:
    """Something else in the place of a file or folder; a reader that waits for it is let go."""
    aside = path.with_name(f".{path.name}.aside")
    path.rename(aside)
    KINDS[kind][0](path)
    waited = threading.Event()

    def let_go() -> None:
        waited.set()
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))

    timer = threading.Timer(PATIENCE_S / 4, let_go)
    if path.is_fifo():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        path.rmdir() if kind == "a folder" else path.unlink()
        aside.rename(path)
    assert not waited.is_set(), f"{path.name}: a pipe was waited for"


@pytest.fixture(scope="module")
def folder(service_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps with levels, a tile in a folder, and tokens in a file."""
    folder = tmp_path_factory.mktemp("replaced") / "data"
    shutil.copytree(service_data / "maps.zarr", folder / "maps.zarr")
    (folder / "tiles").mkdir()
    shutil.copy(sorted((service_data.parent / "tiles").iterdir())[0], folder / "tiles" / TILE)
    return folder


@pytest.fixture(scope="module")
def admin(folder: Path, tokens: Tokens) -> Iterator[Caller]:
    """An admin of a service on it, who has sent polygons."""
    file = TokenFile(folder.parent / "tokens.json")
    for token in tokens.kept:
        file.add(token)
    settings = settings_for(folder, tokens=file.path, limits={"costly_a_minute": 100_000})
    with TestClient(create_app(settings), base_url=f"http://{HOST}") as client:
        admin = Caller(client, tokens.header("admin"))
        sent = client.post("/api/polygons?name=square", json=SQUARE, headers=admin.header)
        assert sent.status_code == 201, sent.text
        yield admin


def asked(admin: Caller) -> Iterator[Any]:
    """An answer of each address that reads a dataset."""
    client, region = admin.client, "bbox=-40,-40,40,40"
    for path in (
        "/api/datasets", MAPS, f"{MAPS}/point?lon=1&lat=1", f"{MAPS}/region?layer=FeO&{region}",
        f"{MAPS}/profile?layer=FeO&line=-40,-40;40,40", f"{MAPS}/download?layer=FeO&{region}",
        f"{MAPS}/tiles/MoonCylindrical/0/0/0.png?layer=FeO", "/api/sites?dataset=maps.zarr",
    ):  # fmt: skip
        yield client.get(path)
    yield client.post(f"{MAPS}/statistics?layer=FeO", json=SQUARE)
    made = admin.ask("POST", "", json=SUMMARISE)
    yield made
    if made.status_code == 201:
        yield admin.ask("GET", f"/{made.json()['id']}/estimate")
        yield admin.ask("DELETE", f"/{made.json()['id']}")


def told(answers: Iterator[Any], folder: Path) -> list[str]:
    """What is said where something is refused: always a sentence, and never a place."""
    said = []
    for answer in answers:
        assert answer.status_code < 500 or answer.status_code == 503, (answer.url, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            said.append(answer.json()["detail"])
        elif answer.url.path == "/api/datasets":
            said += answer.json()["broken"].values()
    assert not [each for each in said if str(folder) in each]
    return said


ENTRY, OBJECT, LEVEL = "ledger/r0000c0000.json", "FeO/c/0/0", "overviews/2"
GONE = "this service has no dataset 'maps.zarr'"


@pytest.mark.parametrize(("place", "kind", "words"), [
    *((place, kind, words) for place in (ENTRY, OBJECT) for kind, (_, words) in KINDS.items()),
    (".", "a loop", GONE),
    (".", "a file", GONE),
    ("zarr.json", "a pipe", GONE),
    ("zarr.json", "a folder", GONE),
    ("ledger", "a loop", KINDS["a loop"][1]),
    ("ledger", "a file", "4 of the 4 shards under this window are not finished"),
    ("ledger/r0000c0000.statistics", "a pipe", "there is a pipe"),
    ("FeO", "a loop", KINDS["a loop"][1]),
    (f"{LEVEL}/{ENTRY}", "a pipe", ""),  # of levels there are fewer then, or the tiles tell it
    (f"{LEVEL}/{OBJECT}", "a pipe", ""),
    (f"{LEVEL}/zarr.json", "a pipe", ""),
    ("overviews/zarr.json", "a pipe", ""),
    ("overviews", "a loop", ""),
])  # fmt: skip
def test_of_a_dataset(admin: Caller, folder: Path, place: str, kind: str, words: str) -> None:
    with replaced(folder / "maps.zarr" / place, kind):
        said = told(asked(admin), folder)
    assert not words or [each for each in said if re.search(words, each)], said


OWN = ".lunarscale"
BY_SQUARE = {"verb": "summarise", "parameters": {"dataset": "maps.zarr", "polygons": ["square"]}}
INGEST = {
    "verb": "ingest",
    "parameters": {"tiles": ["tiles"], "output": "new.zarr", "ppd": 1, "shard": 64, "chunk": 64},
}


@pytest.mark.parametrize(("place", "kind", "asked", "status", "words"), [
    ("", "a loop", ("GET", "/api/datasets"), 503, "folder of the stores cannot be read"),
    ("", "a file", ("GET", "/api/verbs"), 503, "folder of the stores cannot be read"),
    ("../tokens.json", "a pipe", ("GET", "/api/jobs"), 503, "is to be a file of tokens"),
    ("../tokens.json", "a folder", ("GET", "/api/jobs"), 503, "is to be a file of tokens"),
    ("../tokens.json", "a loop", ("GET", "/api/jobs"), 503, "cannot be read"),
    (f"tiles/{TILE}", "a pipe", ("POST", "/api/jobs", INGEST), 422, f"{TILE}: this should be a"),
    (f"tiles/{TILE}", "a folder", ("POST", "/api/jobs", INGEST), 422, "none that should be a tile"),
    (f"tiles/{TILE}", "a loop", ("POST", "/api/jobs", INGEST), 422, "levels of symbolic links"),
    (f"tiles/{TILE}", "a link to nothing", ("POST", "/api/jobs", INGEST), 422, "no such file"),
    ("tiles", "a loop", ("POST", "/api/jobs", INGEST), 404, "no folder of tiles"),
    (f"{OWN}/uploads", "a file", ("GET", "/api/models"), 503, "folder of uploads cannot be used"),
    (f"{OWN}/uploads", "a loop", ("POST", "/api/polygons?name=more", SQUARE), 503,
     "folder of uploads cannot be used"),
    (f"{OWN}/uploads/polygons", "a pipe", ("GET", "/api/uploads"), 503, "cannot be used"),
    (f"{OWN}/uploads/polygons/square/.facts.json", "a pipe", ("DELETE", "/api/polygons/square"),
     404, "no upload 'square'"),
    *((f"{OWN}/uploads/polygons/square/square.geojson", kind, ("POST", "/api/jobs", BY_SQUARE),
       404, "the file of the upload square is gone or cannot be read")
      for kind in ("a pipe", "a folder", "a loop", "a link to nothing")),
])  # fmt: skip
def test_of_what_lies_beside_the_datasets(
    admin: Caller, folder: Path, place: str, kind: str, asked: Any, status: int, words: str
) -> None:
    method, path, *sent = asked
    with replaced(folder / place, kind):
        answer = admin.client.request(
            method, path, headers=admin.header, json=sent[0] if sent else None
        )
        (said,) = told(iter([answer]), folder)
    assert answer.status_code == status
    assert words in said


def test_of_a_jobs_files(admin: Caller, folder: Path) -> None:
    id = admin.run(SUMMARISE)["id"]
    jobs, path = folder / OWN / "jobs", f"/{id}/results/statistics.csv"
    for kind in ("a pipe", "a folder", "a loop"):
        with replaced(jobs / id / "statistics.csv", kind):
            assert "is gone or cannot be read" in admin.detail("GET", path, 404)
    with replaced(jobs, "a file"):
        admin.start(id := admin.make(SUMMARISE))
        message = admin.ended(id)["message"]
    assert message.endswith("ask who runs it to put that right, then start the job again")
    assert str(folder) not in message
    admin.start(id)
    admin.finished(id)


def test_of_a_geotiff_among_tiles(tmp_path: Path) -> None:
    (tmp_path / "tile.tif").touch()
    with replaced(tmp_path / "tile.tif", "a pipe"):
        (problem,) = index_sources([str(tmp_path)]).problems
    assert "this should be a file but is a folder, a pipe or the like" in str(problem)
