"""The API's description: whole, and telling every error as what it is."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_at_hand import settings_for

from lunarscale.service.app import TAGS, create_app

Service = Callable[..., TestClient]

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return create_app(settings_for(tmp_path_factory.mktemp("described"))).openapi()


def operations(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_says_what_it_is(described: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in TAGS}
    for name, operation in operations(described):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert set(operation["tags"]) <= tags, name


def test_every_error_is_a_problem(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        assert operation["responses"]["default"]["content"] == PROBLEM, name
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert response["content"] == PROBLEM, (name, status)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described)))
    assert named <= set(schemas)
    assert "HTTPValidationError" not in schemas


def test_what_changes_something_asks_for_a_token(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        reads = name.startswith(("GET", "HEAD")) or name.endswith("/statistics")
        if not reads:
            assert operation["security"] == [{"HTTPBearer": []}], name
            assert "401" in operation["responses"], name
        elif "security" in operation:
            assert operation["security"] == [{"HTTPBearer": []}, {}], name


def test_the_front_door_leads_to_what_there_is(
    described: dict[str, Any], service: Service, tmp_path: Path
) -> None:
    links = service(tmp_path).get("/api").json()["links"]
    assert set(links.values()) - {"/", "/openapi.json"} <= set(described["paths"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/datasets", 405),
        ("GET", "/api/datasets/nothing", 404),
        ("GET", f"/api/datasets/{'x' * 200}", 422),
        ("POST", "/api/polygons", 401),
    ],
)
def test_a_problem_says_its_status_and_place(
    service: Service, tmp_path: Path, method: str, path: str, status: int
) -> None:
    answer = service(tmp_path).request(method, path)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, told["status"], told["instance"]) == (status, status, path[:200])
    assert sorted(told) == ["detail", "instance", "status", "title", "type"]
