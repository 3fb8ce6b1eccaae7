"""Issues the certificates of a cluster: an authority of its own, and the one that it signs."""

import ipaddress
import platform
import re
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lunarscale.errors import ClusterError

#: How long new certificates hold.
VALIDITY = timedelta(days=365)

#: They hold from a day ago: another host's clock may be behind.
_BACKDATED = timedelta(days=1)

#: What a host's name may be, in ASCII.
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")

#: Names of the files: the authority's certificate, the cluster's, and the cluster's key.
CA, CERTIFICATE, KEY = FILES = ("ca.pem", "cluster.pem", "cluster-key.pem")


def issue(host: str | None) -> dict[str, bytes]:
    """A new authority and the one certificate that it signs: ECDSA on P-256, SHA-256, X.509 v3.

    Parameters
    ----------
    host : str, optional
        An address or a name by which the scheduler is called, besides this machine's own.

    Returns
    -------
    dict of str to bytes
        The contents of ``FILES``, in PEM form. The authority's key is not among them: it has signed
        all that it ever will.

    Raises
    ------
    ClusterError
        If the host is neither an address nor a name.
    """
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = _named("lunarscale cluster CA"), _named("lunarscale cluster")
    ca = (
        _certificate(ca_name, ca_key.public_key(), issuer=ca_name, issuer_key=ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _certificate(name, key.public_key(), issuer=ca_name, issuer_key=ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(host)), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        CA: ca.public_bytes(Encoding.PEM),
        CERTIFICATE: certificate.public_bytes(Encoding.PEM),
        KEY: private,
    }


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    """What both have: names, times, and the marks by which one finds the other."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
    )


def _usage(*uses: str) -> x509.KeyUsage:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{use: use in uses for use in every})


def _alternatives(host: str | None) -> list[x509.GeneralName]:
    """By what names a scheduler may be called: this machine's, and the address asked for."""
    own = platform.node() if _HOST.fullmatch(platform.node()) else None
    names = ["localhost", "127.0.0.1", "::1", own, host]
    return [_alternative(name) for name in dict.fromkeys(filter(None, names))]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        try:
            ascii_name = name.encode("idna").decode()
        except UnicodeError:
            ascii_name = ""
    if _HOST.fullmatch(ascii_name) is None:
        raise ClusterError(
            f"--host {name}: a certificate names an address or a host; write 10.0.0.5 or "
            "scheduler.example.org"
        )
    return x509.DNSName(ascii_name)
