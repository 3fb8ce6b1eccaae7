"""Files that callers send: kept once they were read, refused with a sentence else."""

import io
import json
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_at_hand import Tokens

from lunarscale.errors import LunarscaleError
from lunarscale.service.trial import read_polygons
from lunarscale.service.upload import NAME

Service = Callable[..., TestClient]

SQUARE = {
    "type": "Feature",
    "properties": {"name": "square"},
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]},
}
TABLE = resources.files("lunarscale").joinpath("tables/clementine_stations.csv").read_bytes()
NETWORK = resources.files("lunarscale").joinpath("models/ready/clementine-oxides.onnx").read_bytes()


@pytest.fixture
def client(service: Service, tokens: Tokens, tmp_path: Path) -> TestClient:
    """A client with an admin's token."""
    client = service(tmp_path, limits={"uploads_kept": 2, "upload_vertices": 100})
    client.headers.update(tokens.header("admin"))
    return client


def send_polygons(client: TestClient, name: str, body: object) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/api/polygons", params={"name": name}, content=content)


def test_polygons_are_read_kept_listed_and_removed(client: TestClient) -> None:
    made = send_polygons(client, "square", SQUARE)
    assert made.status_code == 201, made.text
    assert made.json()["holds"] == {"regions": 1, "polygons": 1, "names": ["square"]}
    assert client.get("/api/uploads").json()["polygons"] == [made.json()]
    assert send_polygons(client, "Square", SQUARE).status_code == 409
    assert client.delete("/api/polygons/square").status_code == 204
    assert client.get("/api/uploads").json()["polygons"] == []
    assert client.delete("/api/polygons/square").status_code == 404


def test_polygons_are_removed_by_who_sent_them_or_an_admin(
    client: TestClient, service: Service, tokens: Tokens, tmp_path: Path
) -> None:
    assert send_polygons(client, "square", SQUARE).status_code == 201
    other = service(tmp_path)
    assert other.delete("/api/polygons/square", headers=tokens.header("run")).status_code == 403
    assert other.delete("/api/polygons/square").status_code == 401


def test_a_model_is_run_before_it_is_kept(client: TestClient) -> None:
    made = client.post("/api/models?name=mine", files={"file": ("any/../name.onnx", NETWORK)})
    assert made.status_code == 201, made.text
    assert made.json()["uploaded"] is True
    assert "FeO" in made.json()["quantities"]
    assert client.get("/api/models/mine").json() == made.json()
    assert client.delete("/api/models/mine").status_code == 204
    assert client.get("/api/models/mine").status_code == 404


def test_models_of_the_package_are_listed_and_stay(client: TestClient) -> None:
    models = {model["name"]: model for model in client.get("/api/models").json()["models"]}
    assert models["qiu-2025-feo"]["usual"] is True
    assert models["before-ce6"]["quantities"] == ["FeO", "TiO2"]
    assert client.delete("/api/models/qiu-2025-feo").status_code == 409
    taken = client.post("/api/models?name=QIU-2025-FeO", files={"file": ("a.onnx", NETWORK)})
    assert taken.status_code == 409


def test_a_table_is_read_before_it_is_kept(client: TestClient) -> None:
    asked = "/api/tables?name=mine&camera=clementine-uvvis"
    made = client.post(asked, content=TABLE)
    assert made.status_code == 201, made.text
    assert made.json()["holds"]["stations"] > 40
    wrong = client.post(asked.replace("mine", "two"), content=TABLE.replace(b"R415", b"R414"))
    assert wrong.status_code == 422
    assert "R415" in wrong.json()["detail"]


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.geojson", content)
    return packed.getvalue()


RING = [[0, 0], *([n % 50, 1 + n] for n in range(88)), [0, 0]]

REFUSED = {
    "nothing": b"",
    "no JSON": b"{",
    "no GeoJSON": [],
    "deep JSON": b"[" * 100_000,
    "deep coordinates": b'{"type":"Polygon","coordinates":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a line": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]},
    "a bow": {"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]},
    "off the sphere": {"type": "Polygon", "coordinates": [[[0, 0], [0, 99], [9, 0], [0, 0]]]},
    "Infinity": b'{"type":"Polygon","coordinates":[[[0,0],[Infinity,9],[9,0],[0,0]]]}',
    "huge numbers": b'{"type":"Polygon","coordinates":[[[0,0],[1e999,9],[9,0],[0,0]]]}',
    "words": {"type": "Polygon", "coordinates": [[["a", "b"]]]},
    "of the Earth": {**SQUARE, "crs": {"type": "name", "properties": {"name": "EPSG:4326"}}},
    "a path as its CRS": {**SQUARE, "crs": {"type": "name", "properties": {"name": "/etc/hosts"}}},
    "a zip": zipped(b" " * 10_000_000),
    "too many places": {"type": "Polygon", "coordinates": [[[0, n] for n in range(2_000)]]},
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_are_no_polygons_its_reader_refuses(tmp_path: Path, what: str) -> None:
    file, body = tmp_path / "it.geojson", REFUSED[what]
    file.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
    with pytest.raises((LunarscaleError, RecursionError)):
        read_polygons(file, vertices=100)


@pytest.mark.parametrize("what", ["deep coordinates", "a path as its CRS", "a zip"])
def test_what_are_no_polygons_is_refused_and_nothing_left(
    client: TestClient, tmp_path: Path, what: str
) -> None:
    answer = send_polygons(client, "it", REFUSED[what])
    assert answer.status_code == 422, answer.text
    assert str(tmp_path) not in answer.text
    assert "/" not in answer.json()["detail"].replace("/etc/hosts", "")
    left = [path for path in (tmp_path / ".lunarscale" / "uploads").rglob("*") if path.is_file()]
    assert left == []


NAMES = [
    "", "..", ".", "a/b", "../a", "a\\b", "%2e%2e", "a.b", ".hidden", "-a", "a" * 64, "a\0", "a\n",
    "é", "a b", "con:", "~", "$(id)", "’",
]  # fmt: skip


def test_names_that_could_be_anything_else_are_refused(client: TestClient) -> None:
    for name in NAMES:
        assert NAME.fullmatch(name) is None
        assert send_polygons(client, name, SQUARE).status_code == 400, name


MODELS = {
    "a pickle": ("a.pkl", b"\x80\x04cos\nsystem\n", 400),
    "a zip": ("a.zip", zipped(NETWORK), 400),
    "a zip that says it is none": ("a.onnx", zipped(NETWORK), 422),
    "half a network": ("a.onnx", NETWORK[: len(NETWORK) // 2], 422),
    "no equations": ("a.json", b"{}", 422),
    "deep equations": ("a.json", b"[" * 100_000, 422),
}


@pytest.mark.parametrize("what", MODELS)
def test_what_is_no_model_is_refused(client: TestClient, tmp_path: Path, what: str) -> None:
    name, content, status = MODELS[what]
    answer = client.post("/api/models?name=it", files={"file": (name, content)})
    assert answer.status_code == status, answer.text
    assert str(tmp_path) not in answer.text
    assert client.get("/api/uploads").json()["models"] == []


def test_no_more_are_kept_than_the_limit(client: TestClient) -> None:
    for number in range(2):
        assert send_polygons(client, f"n{number}", SQUARE).status_code == 201
    answer = send_polygons(client, "n3", SQUARE)
    assert answer.status_code == 413
    assert "2 polygons are kept at most" in answer.json()["detail"]
