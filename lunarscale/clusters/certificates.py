"""Certificates of a Dask cluster: made once, in a folder, for scheduler, workers and clients alike.

Dask asks nobody for a password: who may talk to a scheduler may run code. With TLS, those may who
hold a certificate that the cluster's own authority (CA) has signed. There is one certificate, and
its key is the key to the cluster::

    ca.pem           the authority's certificate; its key was thrown away when it had signed once
    cluster.pem      the one certificate
    cluster-key.pem  its key, for nobody else's eyes

Dask compares no host names; a certificate lists them all the same, for other programs. Users may
put files of their own authority there under these names.
"""

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from distributed.security import Security

from lunarscale.clusters.issuing import CA, CERTIFICATE, FILES, KEY, issue
from lunarscale.errors import ClusterError

#: Bytes of one of these files, at most: a certificate has a few hundred.
_LARGEST = 100_000

Read = TypeVar("Read")


@dataclass(frozen=True)
class Certificates:
    """A folder of certificates that were checked.

    Parameters
    ----------
    folder : Path
        Absolute.
    is_new : bool
        Whether they were made just now.
    """

    folder: Path
    is_new: bool = False

    @property
    def security(self) -> Security:
        """What Dask needs; the files are named, not read, so that no key travels."""
        ca, certificate, key = (str(self.folder / name) for name in FILES)
        roles = ("client", "scheduler", "worker")
        return Security(
            require_encryption=True,
            tls_ca_file=ca,
            **{f"tls_{role}_cert": certificate for role in roles},
            **{f"tls_{role}_key": key for role in roles},
        )

    @property
    def options(self) -> str:
        """How ``dask scheduler`` and ``dask worker`` are told of these files."""
        ca, certificate, key = (self.folder / name for name in FILES)
        return f"--tls-ca-file {ca} --tls-cert {certificate} --tls-key {key}"


def open_certificates(folder: str, *, host: str | None = None, make: bool = True) -> Certificates:
    """The certificates of a folder; they are made if it is absent or empty.

    Parameters
    ----------
    folder : str
        A folder of this machine.
    host : str, optional
        An address of the scheduler, to be named in new certificates.
    make : bool, optional
        Whether there may be none yet; a scheduler that runs already knows no new ones.

    Raises
    ------
    ClusterError
        If the folder holds something else or a part only, if others may read the key, if the files
        do not belong together, or if it is not their time.
    """
    place = Path(folder).resolve()
    is_new = not place.exists() or (place.is_dir() and not any(place.iterdir()))
    if is_new and not make:
        raise ClusterError(
            f"--tls {place}: no certificates are there, and a scheduler that runs already would "
            "not know new ones; name the folder that it was started with"
        )
    if is_new:
        _make(place, host)
    _check(place)
    return Certificates(place, is_new)


def _make(place: Path, host: str | None) -> None:
    """Make them aside and rename the folder: it is there whole or not at all."""
    if place == Path.cwd():
        raise ClusterError(
            f"--tls {place}: new certificates come as a new folder, which the one that you stand "
            "in cannot be; name one below it"
        )
    contents = issue(host)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))  # for us alone
    except OSError as error:
        raise ClusterError(
            f"--tls {place}: no certificates can be made there ({error.strerror}); name a folder "
            "that you may write to"
        ) from error
    try:
        for name, content in contents.items():
            descriptor = os.open(aside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
        try:
            os.rename(aside, place)
        except OSError as error:
            # another run made them at the same moment: its are used
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(aside)


def _check(place: Path) -> None:
    """Refuse what a handshake would refuse with less to go by."""
    if not place.is_dir():
        raise ClusterError(f"--tls {place}: a folder of certificates is needed; this is none")
    missing = [name for name in FILES if not (place / name).is_file()]
    if missing:
        raise ClusterError(
            f"--tls {place}: a folder of certificates holds {', '.join(FILES)} but this one is "
            f"without {', '.join(missing)}; copy the whole folder again, or name an empty one"
        )
    _check_secret(place / KEY)
    ca = _parsed(place / CA, x509.load_pem_x509_certificate)
    certificate = _parsed(place / CERTIFICATE, x509.load_pem_x509_certificate)
    key = _parsed(place / KEY, lambda content: load_pem_private_key(content, password=None))
    if key.public_key() != certificate.public_key():
        raise ClusterError(
            f"--tls {place}: {KEY} is not the key of {CERTIFICATE}: the files are of different "
            "folders; copy the whole folder again, or name an empty one"
        )
    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise ClusterError(
            f"--tls {place}: {CERTIFICATE} was not signed by the authority of {CA}: the files are "
            "of different folders; copy the whole folder again, or name an empty one"
        ) from error
    for name, each in ((CA, ca), (CERTIFICATE, certificate)):
        _check_time(place / name, each)


def _check_secret(key: Path) -> None:
    found = key.stat()
    mode = stat.S_IMODE(found.st_mode)
    # Kubernetes lays a secret as root's, readable for the group that is the pod's own (fsGroup)
    is_laid = found.st_uid == 0 and os.geteuid() != 0
    if mode & (0o037 if is_laid else 0o077):
        raise ClusterError(
            f"--tls {key.parent}: whoever reads {key.name} runs code on the cluster, and others "
            f"than its owner may (mode {mode:04o}); `chmod 600 {key}`, and make new certificates "
            "if somebody has"
        )


def _check_time(path: Path, certificate: x509.Certificate) -> None:
    now = datetime.now(UTC)
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > last:
        raise ClusterError(
            f"--tls {path.parent}: {path.name} expired on {last:%Y-%m-%d}; name an empty folder "
            "for new certificates and start the cluster with them"
        )
    if now < first:
        raise ClusterError(
            f"--tls {path.parent}: {path.name} is valid from {first:%Y-%m-%d %H:%M} but this "
            f"machine's clock says {now:%Y-%m-%d %H:%M} (UTC); set the clock"
        )


def _parsed(path: Path, read: Callable[[bytes], Read]) -> Read:
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise ValueError(f"{size:,} bytes are too many for it")
        return read(path.read_bytes())
    except PermissionError as error:
        raise ClusterError(
            f"--tls {path.parent}: {path.name} may not be read by this user; run as its owner, or "
            "name an empty folder for new certificates"
        ) from error
    except (ValueError, TypeError) as error:  # a key that asks for a password is a TypeError
        what = "key without a password" if path.name == KEY else "certificate"
        raise ClusterError(
            f"--tls {path.parent}: {path.name} should be a {what} in PEM form but is none "
            f"({error}); copy the whole folder again, or name an empty one"
        ) from error
