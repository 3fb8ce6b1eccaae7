"""Certificates: made whole or not at all, found again, and refused with a sentence where they fail.

OpenSSL itself, by a handshake over a pair of sockets, says what they are worth.
"""

import os
import shutil
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from lunarscale.clusters import issuing
from lunarscale.clusters.certificates import Certificates, open_certificates
from lunarscale.clusters.issuing import CA, CERTIFICATE, FILES, KEY
from lunarscale.errors import ClusterError


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder of certificates."""
    return open_certificates(str(tmp_path / "tls"), host="10.0.0.5").folder


def handshake(server: Certificates, client: Certificates) -> None:
    """Both sides' contexts, as Dask makes them, over a pair of sockets; raises as OpenSSL does."""
    listens = server.security.get_listen_args("scheduler")["ssl_context"]
    connects = client.security.get_connection_args("client")["ssl_context"]
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)

    def serve() -> None:
        with far, listens.wrap_socket(far, server_side=True) as line:
            line.sendall(b"come in")

    with ThreadPoolExecutor(1) as pool, near:
        served = pool.submit(serve)
        with connects.wrap_socket(near) as line:
            assert line.recv(7) == b"come in"
        served.result()


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a link to an empty folder"])
def test_made_where_there_are_none_and_used_again(tmp_path: Path, there: str) -> None:
    folder = tmp_path / "of" / "the cluster"
    if there != "nothing":
        folder.mkdir(parents=True)
    if there.startswith("a link"):
        (tmp_path / "link").symlink_to(folder)
        folder = tmp_path / "link"
    first = open_certificates(str(folder), host="10.0.0.5")
    files = {name: (folder / name).read_bytes() for name in FILES}
    second = open_certificates(str(folder))
    assert (first.is_new, second.is_new) == (True, False)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    handshake(first, second)


def test_the_key_is_for_nobody_else(made: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in made.iterdir()}
    assert modes == dict.fromkeys(FILES, 0o600)
    assert made.stat().st_mode & 0o777 == 0o700


def test_what_a_certificate_says(made: Path) -> None:
    ca, mine = (x509.load_pem_x509_certificate((made / n).read_bytes()) for n in (CA, CERTIFICATE))
    names = mine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", socket.gethostname()} <= set(names.get_values_for_type(x509.DNSName))
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    assert {"127.0.0.1", "::1", "10.0.0.5"} <= set(addresses)
    assert isinstance(mine.public_key(), ec.EllipticCurvePublicKey)
    now = datetime.now(UTC)
    for each in (ca, mine):
        assert each.not_valid_before_utc < now - timedelta(hours=23), "other clocks are behind"
        assert now + timedelta(days=360) < each.not_valid_after_utc < now + timedelta(days=370)
    strict = ssl.create_default_context(cafile=str(made / CA))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13's default
    strict.load_cert_chain(made / CERTIFICATE, made / KEY)
    assert len(strict.get_ca_certs()) == 1


@pytest.mark.parametrize("host", ["10.0.0.5", "fd00::7", "scheduler.example.org", "mönd.example"])
def test_any_host_is_named(host: str) -> None:
    mine = x509.load_pem_x509_certificate(issuing.issue(host)[CERTIFICATE])
    names = mine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    told = [str(name.value) for name in names]
    assert host.encode("idna").decode() in told


@pytest.mark.parametrize("host", ["a..b", "no host", "10.0.0.5:8786", "-x", "m" * 300, "tcp://x"])
def test_no_host_is_none(tmp_path: Path, host: str) -> None:
    with pytest.raises(ClusterError, match=f"--host {host}: a certificate names an address or a h"):
        open_certificates(str(tmp_path / "tls"), host=host)
    assert list(tmp_path.iterdir()) == []


def test_where_none_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ClusterError, match=r"no certificates can be made there .*that you may"):
        open_certificates(str(tmp_path / "file" / "tls"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for here in (".", ""):
        with pytest.raises(ClusterError, match="which the one that you stand in cannot be"):
            open_certificates(here)
    assert Path.cwd().exists()


def test_runs_that_start_together_share_one_folder(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)

    def start(_: int) -> bytes:
        barrier.wait()
        return (open_certificates(str(tmp_path / "tls")).folder / KEY).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(4)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tls"]


def test_foreign_certificates_do_not_shake_hands(made: Path, tmp_path: Path) -> None:
    other = open_certificates(str(tmp_path / "other"))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(Certificates(made), other)


def rewritten(name: str, content: bytes) -> Callable[[Path], None]:
    """A change: a file holds something else."""
    return lambda folder: (folder / name).write_bytes(content) and None


def locked(folder: Path) -> None:
    """A key that asks for a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    shut = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"moon"))
    (folder / KEY).write_bytes(shut)


def swapped(name: str) -> Callable[[Path], None]:
    """A change: a file of another folder."""
    return rewritten(name, issuing.issue(None)[name])


REFUSED = {
    "half of it": (lambda folder: (folder / KEY).unlink(), "is without cluster-key.pem"),
    "something else": (
        lambda folder: [(folder / name).rename(folder / f"{name}.old") for name in FILES],
        r"is without ca\.pem, cluster\.pem, cluster-key\.pem",
    ),
    "another's authority": (
        swapped(CA),
        r"cluster\.pem was not signed by the authority of ca\.pem",
    ),
    "another's certificate": (swapped(CERTIFICATE), r"cluster-key\.pem is not the key of cluster"),
    "another's key": (swapped(KEY), r"cluster-key\.pem is not the key of cluster\.pem"),
    "no PEM": (rewritten(CA, b"moon"), r"ca\.pem should be a certificate in PEM form but is none"),
    "a cut key": (rewritten(KEY, b""), r"cluster-key\.pem should be a key without a password"),
    "a locked key": (locked, r"cluster-key\.pem should be a key without a password"),
    "a large file": (rewritten(CA, b"-" * 200_000), r"ca\.pem should be .* too many for it"),
    "open to others": (
        lambda folder: (folder / KEY).chmod(0o644),
        r"others than its owner may \(mode 0644\); `chmod 600",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(made: Path, what: str) -> None:
    change, sentence = REFUSED[what]
    change(made)
    with pytest.raises(ClusterError, match=sentence) as refusal:
        open_certificates(str(made))
    assert str(refusal.value).startswith(f"--tls {made}: ")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("moon")
    with pytest.raises(ClusterError, match="a folder of certificates is needed; this is none"):
        open_certificates(str(tmp_path / "tls"))


@pytest.mark.parametrize(
    ("days", "sentence"),
    [(-400, "expired on 20"), (+400, "is valid from 20.* set the clock")],
)
def test_what_is_not_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, sentence: str
) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) + timedelta(days=days)

    monkeypatch.setattr(issuing, "datetime", Then)
    with pytest.raises(ClusterError, match=sentence):
        open_certificates(str(tmp_path / "tls"))


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="No space left"):
        open_certificates(str(tmp_path / "tls"))
    monkeypatch.setattr(os, "rename", rename)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_on_another_host_is_as_good(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "copy")
    handshake(Certificates(made), open_certificates(str(tmp_path / "copy")))
    assert str(tmp_path / "copy" / KEY) in open_certificates(str(tmp_path / "copy")).options
