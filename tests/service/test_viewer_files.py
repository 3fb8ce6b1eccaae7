"""The viewer's page and files as they are served: whole, kept right, and nothing beside them."""

import gzip
import hashlib
import html.parser
import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from lunarscale.service.routes.viewer import built_files

VIEWER = Path(str(files("lunarscale").joinpath("service", "viewer")))


@pytest.fixture
def client(service: Callable[..., TestClient], tmp_path: Path) -> TestClient:
    """A service without any data: the page needs none."""
    return service(tmp_path)


class Tags(html.parser.HTMLParser):
    """The tags of a page, their attributes, and the text of scripts and styles in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within in ("script", "style"):
            self.inline += data.strip()


def test_page_has_nothing_inline_and_all_it_names_is_served(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    found = Tags(page.text)
    assert found.inline == ""
    assert not [
        key for _, given in found.tags for key in given if key == "style" or key[:2] == "on"
    ]
    named = [
        given.get("src") or given.get("href")
        for tag, given in found.tags
        if tag in ("script", "link")
    ]
    assert sorted(Path(name or "").suffix for name in named) == [".css", ".js", ".svg"]
    for name in named:
        assert client.get(str(name)).status_code == 200, name


def test_styles_and_scripts_name_only_files_of_the_service(client: TestClient) -> None:
    style = next(name for name in built_files() if name.endswith(".css"))
    fonts = re.findall(r"url\((.*?)\)", client.get(f"/viewer/{style}").text)
    assert len(fonts) == 1
    found = client.get(fonts[0].strip("\"'"))
    assert found.headers["content-type"] == "font/woff2"
    assert found.content[:4] == b"wOF2"


def test_no_source_map_is_left(client: TestClient) -> None:
    for name, built in built_files().items():
        assert not name.endswith(".map")
        assert b"sourceMappingURL" not in built.content


def test_what_has_a_hash_is_kept_for_ever_and_the_page_is_asked_for_anew(
    client: TestClient,
) -> None:
    assert client.get("/").headers["cache-control"] == "no-cache"
    for name in built_files():
        kept = client.get(f"/viewer/{name}").headers["cache-control"]
        assert ("immutable" in kept) == bool(re.search(r"-[0-9A-Za-z]{8,}\.", name)), name


@pytest.mark.parametrize("accepted", ["gzip, br", "identity", "gzip;q=0"])
def test_what_a_browser_has_is_not_sent_again(client: TestClient, accepted: str) -> None:
    asked = {"accept-encoding": accepted}
    first = client.get("/", headers=asked)
    again = client.get("/", headers={**asked, "if-none-match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/", headers={**asked, "if-none-match": '"x"'}).status_code == 200


def test_packed_or_not_it_is_the_same_file(client: TestClient) -> None:
    script = next(name for name in built_files() if name.endswith(".js"))
    packed = client.get(f"/viewer/{script}", headers={"accept-encoding": "gzip"})
    plain = client.get(f"/viewer/{script}", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # the client unpacks
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2.5
    assert gzip.decompress(built_files()[script].packed or b"") == plain.content


def test_head_tells_what_get_would_send(client: TestClient) -> None:
    for accepted in ("gzip", "identity"):
        asked = {"accept-encoding": accepted}
        head, get = client.head("/", headers=asked), client.get("/", headers=asked)
        assert head.content == b""
        assert head.headers == get.headers


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "nothing.js", "%2e%2e", "%2e%2e%2fbuild.mjs", "..%5cx", "a/b", "%00"],
)
def test_only_the_builds_own_files_are_served(client: TestClient, name: str) -> None:
    found = client.get(f"/viewer/{name}")
    assert found.status_code == 404
    assert found.headers["content-type"] == "application/problem+json"


def test_licences_of_what_is_built_in_are_there(client: TestClient) -> None:
    text = client.get("/viewer/LICENSES.txt").text
    assert {"@fontsource-variable/inter", "ol", "rbush"} <= set(
        re.findall(r"^(\S+) \d+\.\d+\.\d+\S*$", text, re.MULTILINE)
    )
    assert "BSD 2-Clause" in text
    assert "SIL Open Font License" in text


def test_static_is_what_the_source_was_built_to() -> None:
    # source/, the build and the versions of what it takes, as build.mjs works it out
    names = [f"source/{path.name}" for path in sorted((VIEWER / "source").iterdir())]
    lines = [
        f"{hashlib.sha256((VIEWER / name).read_bytes()).hexdigest()}  {name}\n"
        for name in [*names, "build.mjs", "package-lock.json"]
    ]
    manifest = json.loads((VIEWER / "static" / "manifest.json").read_text())
    assert manifest["built_from"] == hashlib.sha256("".join(lines).encode()).hexdigest(), (
        "source/ is newer than static/: run `npm ci && npm run build` in lunarscale/service/viewer"
    )
    there = {path.name for path in (VIEWER / "static").iterdir()}
    assert there == {*manifest["files"], "manifest.json"}


def test_lock_names_no_registry() -> None:
    assert "resolved" not in (VIEWER / "package-lock.json").read_text()
