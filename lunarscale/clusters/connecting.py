"""The way to a Dask scheduler: where ours may listen, and why another one does not let us in."""

import ipaddress
import socket
import ssl
import struct
from time import monotonic, sleep
from typing import Literal, NamedTuple

from distributed import Client
from distributed.comm.addressing import get_address_host_port, parse_address, parse_host_port
from distributed.security import Security

from lunarscale.clusters.certificates import Certificates
from lunarscale.errors import ClusterError

#: Seconds that a scheduler may take to answer.
_ANSWER_S = 10.0

#: Seconds that one which has answered may take to let a client in: it may have much to do.
_LET_IN_S = 30.0

#: Seconds between two knocks at an address where nobody is yet.
_AGAIN_S = 0.2

#: Seconds of silence after which one without TLS is asked whether it speaks TLS.
_SILENCE_S = 3.0

#: How Dask begins each message: its length in bytes, as its TCP transport writes it.
_LENGTH = struct.Struct("<Q")

#: Bytes of a greeting, at most: Dask's has a few dozen; "HTTP/1.1" read as a length has 10**18.
_LONGEST_GREETING = 2**20


class Listening(NamedTuple):
    """Where a scheduler of ours listens; port 0 takes any that is free."""

    address: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.address).is_loopback


def listening(host: str | None) -> Listening:
    """Where a scheduler listens for ``--host``: an address of this machine, with a port or without.

    Raises
    ------
    ClusterError
        If it is no address, or stands for all addresses.
    """
    if host is None:
        return Listening("127.0.0.1", 0)
    try:
        name, port = parse_host_port(host, 0)
        found = {
            str(each[4][0]) for each in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        }
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterError(
            f"--host {host}: this is no address of this machine ({error}); write the one that the "
            "other hosts reach, 10.0.0.5 or 10.0.0.5:8786"
        ) from error
    address = sorted(found, key=lambda each: ":" in each)[0]  # the older protocol where both are
    if ipaddress.ip_address(address).is_unspecified:
        raise ClusterError(
            f"--host {host}: this stands for every network of the machine; write the one address "
            "that the other hosts reach"
        )
    return Listening(address, port)


def is_private_way(scheduler: str) -> bool:
    """Whether what goes to a scheduler stays on this machine or is encrypted."""
    scheme, _ = parse_address(scheduler)
    if scheme != "tcp":
        return True
    try:
        host, _ = get_address_host_port(scheduler)
        found = socket.getaddrinfo(host, None)
    except (OSError, ValueError):
        return False
    return all(ipaddress.ip_address(each[4][0]).is_loopback for each in found)


def connect(scheduler: str, certificates: Certificates | None) -> Client:
    """A client of a running scheduler, nobody's default.

    Raises
    ------
    ClusterError
        If it does not answer, or lets nobody in who comes like this.
    """
    # without a folder Dask's own configuration may name certificates
    security = Security() if certificates is None else certificates.security
    scheme = parse_address(scheduler)[0]
    if scheme == "tls" and security.get_connection_args("client")["ssl_context"] is None:
        raise ClusterError(
            f"--scheduler {scheduler}: it lets in who has a certificate of its authority; add "
            "--tls FOLDER, the folder of the certificates that the scheduler was started with"
        )
    if scheme != "tls" and certificates is not None:
        raise ClusterError(
            f"--scheduler {scheduler}: --tls was given but the address is not encrypted; write "
            "tls:// for a scheduler that was started with certificates, or leave --tls away"
        )
    # a client that fails goes on trying behind our back: it is made once its way is clear
    if scheme in ("tcp", "tls") and (answer := _awaited(scheduler, security)) != "Dask":
        raise ClusterError(_refusal(scheduler, answer, certificates))
    try:
        return Client(scheduler, security=security, timeout=_LET_IN_S, set_as_default=False)
    except (OSError, ValueError) as error:  # a timeout is an OSError
        raise ClusterError(_refusal(scheduler, "nothing", certificates)) from error


Answer = Literal["Dask", "nothing", "silence", "no TLS", "TLS", "foreign", "other"]


def _refusal(scheduler: str, answer: Answer, certificates: Certificates | None) -> str:
    """The sentence for a scheduler that cannot be used."""
    options = "" if certificates is None else f" {certificates.options}"
    if answer == "TLS":
        return (
            f"the scheduler at {scheduler} lets nobody in without a certificate; write tls:// and "
            "add --tls FOLDER, the folder of the certificates that it was started with"
        )
    if answer == "no TLS":
        return (
            f"the scheduler at {scheduler} was started without certificates; start it again with "
            f"`dask scheduler{options}`, or write tcp:// if all who reach it may run code there"
        )
    if answer == "foreign":
        whose = "Dask's configuration" if certificates is None else str(certificates.folder)
        return (
            f"the scheduler at {scheduler} does not belong to the certificates in {whose}; "
            "name the folder that it was started with, or start it and its workers again with "
            "this one"
        )
    if answer in ("other", "silence"):
        return (
            f"what answers at {scheduler} is no Dask scheduler; give the address that `dask "
            "scheduler` prints, not its dashboard's"
        )
    return (
        f"no Dask scheduler answers at {scheduler}; start one with `dask scheduler{options}` or "
        "leave --scheduler away for a local cluster"
    )


def _awaited(scheduler: str, security: Security) -> Answer:
    """What answers at an address in the end: a scheduler may just have been started, or be busy."""
    end = monotonic() + _ANSWER_S
    try:
        get_address_host_port(scheduler)
        while True:
            answer = _knock(scheduler, security)
            if answer not in ("nothing", "silence") or monotonic() >= end:
                break
            sleep(_AGAIN_S)
    except (ValueError, OverflowError):  # of a port that is none
        return "nothing"
    return answer


def _knock(scheduler: str, security: Security) -> Answer:
    """What answers at an address. Dask speaks first: the length of its greeting in eight bytes."""
    context = security.get_connection_args("client")["ssl_context"]
    wants_tls = parse_address(scheduler)[0] == "tls"
    try:
        with _reached(scheduler) as bare:
            bare.settimeout(_ANSWER_S if wants_tls else _SILENCE_S)
            try:
                line = context.wrap_socket(bare) if wants_tls else bare
                with line:
                    return _greeted(line)
            except TimeoutError:
                return "TLS" if not wants_tls and _speaks_tls(scheduler) else "silence"
            except ssl.SSLError as error:
                ours = isinstance(error, ssl.SSLCertVerificationError)
                return "foreign" if ours or "ALERT" in (error.reason or "") else "no TLS"
    except OSError:
        return "nothing"


def _reached(scheduler: str) -> socket.socket:
    return socket.create_connection(get_address_host_port(scheduler), timeout=_ANSWER_S)


def _greeted(line: socket.socket) -> Answer:
    greeting = line.recv(_LENGTH.size, socket.MSG_WAITALL if type(line) is socket.socket else 0)
    if len(greeting) < _LENGTH.size:
        return "other"
    return "Dask" if _LENGTH.unpack(greeting)[0] < _LONGEST_GREETING else "other"


def _speaks_tls(scheduler: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is only looked at
    try:
        with _reached(scheduler) as bare, context.wrap_socket(bare):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except OSError:
        return False
