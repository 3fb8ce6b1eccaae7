"""Who may what: tokens, roles, addresses, and what is told to those who may not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from service_at_hand import HOST, Tokens

from lunarscale.errors import RequestError, UnavailableError, UnknownError
from lunarscale.service.access import Access
from lunarscale.service.settings import Settings
from lunarscale.service.tokens import TokenFile, new_token

Service = Callable[..., TestClient]


def role_of(client: TestClient, headers: dict[str, str] | None = None) -> str:
    return str(client.get("/api", headers=headers).json()["role"])


def test_each_token_has_its_role(service: Service, tokens: Tokens, tmp_path: Path) -> None:
    client = service(tmp_path)
    assert role_of(client) == "read"
    for role in ("read", "run", "admin"):
        assert role_of(client, tokens.header(role)) == role


def test_a_private_service_shows_nothing_without_a_token(
    service: Service, tokens: Tokens, service_data: Path
) -> None:
    client = service(service_data, private=True)
    assert role_of(client) == "nobody"
    refused = client.get("/api/datasets")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/api/datasets", headers=tokens.header("read")).status_code == 200


def test_too_small_a_role_is_told_which_is_needed(
    service: Service, tokens: Tokens, tmp_path: Path
) -> None:
    client = service(tmp_path)
    answer = client.post("/api/tables?name=x&camera=kaguya-mi", headers=tokens.header("run"))
    assert answer.status_code == 403
    assert "needs the role admin" in answer.json()["detail"]
    assert client.post("/api/tables?name=x&camera=kaguya-mi").status_code == 401


@pytest.mark.parametrize(
    "sent",
    ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer nonsense", "Bearer \xff", "x" * 4000],
)
def test_a_bad_token_is_refused_wherever_it_is_sent(
    service: Service, tmp_path: Path, sent: str
) -> None:
    header = {"Authorization": sent.encode("latin-1")}
    answer = service(tmp_path).get("/api", headers=header)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_tokens_at_once_are_refused(service: Service, tokens: Tokens, tmp_path: Path) -> None:
    twice = [("Authorization", f"Bearer {tokens.read}"), ("Authorization", "Bearer other")]
    assert service(tmp_path).get("/api", headers=twice).status_code == 401


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def test_a_revoked_token_holds_no_longer_without_a_new_start(
    service: Service, file: TokenFile, tmp_path: Path
) -> None:
    secret, token = new_token("Anna", "run")
    file.add(token)
    client = service(tmp_path, tokens=file.path)
    header = {"Authorization": f"Bearer {secret}"}
    assert role_of(client, header) == "run"
    assert file.revoke("Anna") == [token]
    assert client.get("/api", headers=header).status_code == 401
    file.add(token)
    assert role_of(client, header) == "run"


def test_a_token_holds_to_the_end_of_its_last_day(
    service: Service, file: TokenFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, token = new_token("Anna", "run", days=1)
    file.add(token)
    client = service(tmp_path, tokens=file.path)
    header = {"Authorization": f"Bearer {secret}"}
    today = datetime.now(UTC).date()
    for days, status in ((1, 200), (2, 401)):
        monkeypatch.setattr(
            "lunarscale.service.tokens._today", lambda days=days: today + timedelta(days=days)
        )
        assert client.get("/api", headers=header).status_code == status


def test_the_file_keeps_no_token_and_only_its_owner_reads_it(file: TokenFile) -> None:
    secret, token = new_token("Anna", "admin")
    file.add(token)
    assert secret not in file.path.read_text()
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert len(secret) > 43  # 256 bits and the prefix


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_trusted_by_nobody(
    service: Service, file: TokenFile, tmp_path: Path, mode: int
) -> None:
    secret, token = new_token("Anna", "admin")
    file.add(token)
    file.path.chmod(mode)
    with pytest.raises(UnavailableError, match="chmod 600"):
        file.tokens()
    client = service(tmp_path, tokens=file.path)
    answer = client.get("/api", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert role_of(client) == "read"  # who needs no token is let in as before


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"format": "lunarscale tokens", "format_version": 2, "tokens": []}',
        '{"format": "lunarscale tokens", "format_version": 1, "tokens": [{"id": "a"}]}',
        '{"format": "lunarscale tokens", "format_version": 1, "tokens": [{"id": "a", "name": "b", '
        '"role": "root", "sha256": "", "made": ""}]}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_file_of_tokens_is_told(file: TokenFile, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(UnavailableError, match="is no file of tokens"):
        file.tokens()


@pytest.mark.parametrize(("name", "role"), [("", "run"), ("a\nb", "run"), ("Anna", "root")])
def test_no_token_for_nobody(name: str, role: str) -> None:
    with pytest.raises(RequestError):
        new_token(name, role)


def test_revoking_whom_nobody_knows_is_told(file: TokenFile) -> None:
    file.add(new_token("Anna", "run")[1])
    with pytest.raises(UnknownError, match="Berta"):
        file.revoke("Berta")


def scope(client: str, *forwarded: str) -> dict[str, Any]:
    return {
        "client": (client, 1),
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }


@pytest.mark.parametrize(
    ("behind_proxy", "asked", "found"),
    [
        (False, scope("10.0.0.1", "1.2.3.4"), "10.0.0.1"),
        (True, scope("10.0.0.1", "6.6.6.6, 1.2.3.4"), "1.2.3.4"),
        (True, scope("10.0.0.1", "6.6.6.6", "5.5.5.5"), "5.5.5.5"),
        (True, scope("10.0.0.1"), "10.0.0.1"),
        (True, scope("10.0.0.1", "me"), "unknown"),
        (False, scope("2001:db8::1:2:3"), "2001:db8::/64"),
        (False, scope("fe80::1%eth0"), "fe80::/64"),
        (False, scope("::ffff:1.2.3.4"), "1.2.3.4"),
        (True, scope("10.0.0.1", "1.2.3.4:4711"), "1.2.3.4"),
        (True, scope("10.0.0.1", "[2001:db8::1]:4711"), "2001:db8::/64"),
        (True, scope("10.0.0.1", ""), "unknown"),
        (False, scope("testclient"), "unknown"),
    ],
)
def test_an_address_is_the_proxys_word_and_nobody_elses(
    tmp_path: Path, behind_proxy: bool, asked: dict[str, Any], found: str
) -> None:
    access = Access(Settings(tmp_path, behind_proxy=behind_proxy))
    assert access.address(asked) == found


def test_a_service_of_this_machine_answers_to_its_own_names_alone(
    service: Service, tmp_path: Path
) -> None:
    client = service(tmp_path)
    for host, status in (
        (HOST, 200), ("127.0.0.1:8000", 200), ("localhost", 200), ("[::1]:8000", 200),
        ("evil.example", 421), ("", 400),
    ):  # fmt: skip
        assert client.get("/api", headers={"Host": host}).status_code == status, host
