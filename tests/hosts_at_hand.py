"""Several hosts on one machine: network namespaces, and a switch whose links can be cut or slowed.

Each host is a network namespace with a TUN device; the device's other end is a descriptor that the
switch, a thread here, reads packets from and writes packets to. So a link is a line of Python: what
is cut is dropped without a word, as by a pulled cable, and what is slow waits its turn. Nothing is
configured outside of the namespaces, and a namespace ends with its processes: nothing can be left
behind, whatever kills the tests. It takes Linux, root, and ``/dev/net/tun``.

Run as a program this file is what starts a process in a host.
"""

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

# Linux: linux/sched.h, linux/if_tun.h, linux/sockios.h, linux/if.h, linux/prctl.h
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFMTU = 0x8914, 0x8916, 0x891C, 0x8922
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_PR_SET_PDEATHSIG = 1

_MTU = 9000


@dataclass
class Link:
    """What lies between one host and the switch.

    Parameters
    ----------
    is_cut : bool
        Whether nothing comes through, in either direction.
    bytes_a_second : float
    delay_s : float
        How long a packet is under way, in either direction.
    """

    is_cut: bool = False
    bytes_a_second: float = float("inf")
    delay_s: float = 0.0
    free_at: float = field(default=0.0, repr=False)

    def arrival(self, now: float, size: int) -> float | None:
        """When a packet that is sent now is through; None if it is lost."""
        if self.is_cut or self.free_at > now + 1.0:  # a queue of a second is full
            return None
        self.free_at = max(now, self.free_at) + size / self.bytes_a_second
        return self.free_at + self.delay_s


class Host:
    """A network namespace with one address.

    Parameters
    ----------
    number : int
        From 1 on: its last part of the address.
    """

    def __init__(self, number: int) -> None:
        self.address, self.link = f"10.77.0.{number}", Link()
        ours, its = socket.socketpair()
        with its:
            self._holder = _python("hold", str(its.fileno()), self.address, pass_fds=[its.fileno()])
        self._line, self.device = ours, -1
        told, descriptors, _, _ = socket.recv_fds(ours, 1000, 1)
        if not descriptors:
            self.close()
            raise PermissionError(told.decode() or "it ended at once")
        self.device = descriptors[0]
        os.set_blocking(self.device, False)

    def start(self, *command: str, **options: Any) -> "subprocess.Popen[Any]":
        """Start a process in this host; it ends with us at the latest."""
        return _python("join", str(self._holder.pid), *command, **options)

    def close(self) -> None:
        """End the host; processes that are left in it keep its namespace."""
        self._line.close()
        self._holder.wait(timeout=60)
        if self.device >= 0:
            os.close(self.device)


class Hosts:
    """Hosts on one switch.

    Parameters
    ----------
    count : int

    Raises
    ------
    OSError
        Where this machine makes no namespaces or devices; the message says why.
    """

    def __init__(self, count: int) -> None:
        with contextlib.ExitStack() as stack:
            self.hosts = []
            for number in range(1, count + 1):
                self.hosts.append(Host(number))
                stack.callback(self.hosts[-1].close)
            self._stop, self._stopped = socket.socketpair()
            self._switch = threading.Thread(target=self._forward, name="switch")
            self._switch.start()
            self._undo = stack.pop_all()

    def __enter__(self) -> "Hosts":
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.close()
        self._switch.join()
        self._stopped.close()
        self._undo.close()

    def _forward(self) -> None:
        """Carry packets until the end; Python's lock makes changes of links safe."""
        by_address = {socket.inet_aton(host.address): host for host in self.hosts}
        under_way: list[tuple[float, int, Host, bytes]] = []
        number = itertools.count()
        with selectors.DefaultSelector() as ready:
            for host in self.hosts:
                ready.register(host.device, selectors.EVENT_READ, host)
            ready.register(self._stopped, selectors.EVENT_READ)
            while True:
                pause = under_way[0][0] - monotonic() if under_way else None
                for key, _ in ready.select(pause if pause is None else max(pause, 0.0)):
                    if key.data is None:
                        return
                    for packet in _packets(key.fd):
                        target = by_address.get(packet[16:20])  # of the IPv4 header
                        if target is not None:
                            at = _through(key.data.link, target.link, len(packet))
                            if at is not None:
                                heapq.heappush(under_way, (at, next(number), target, packet))
                while under_way and under_way[0][0] <= monotonic():
                    _, _, target, packet = heapq.heappop(under_way)
                    if not target.link.is_cut:
                        with contextlib.suppress(BlockingIOError):  # its queue is full: a loss
                            os.write(target.device, packet)


def _packets(device: int) -> Iterator[bytes]:
    """What lies ready at a device; not so much that others starve."""
    for _ in range(64):
        try:
            yield os.read(device, _MTU + 100)
        except BlockingIOError:
            return


def _through(first: Link, second: Link, size: int) -> float | None:
    now = monotonic()
    half = first.arrival(now, size)
    rest = second.arrival(now, size)
    return None if half is None or rest is None else max(half, rest)


def _python(*arguments: str, **options: Any) -> "subprocess.Popen[Any]":
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), *arguments], start_new_session=True, **options
    )


def _libc(name: str, *arguments: int) -> None:
    """Call into the C library: ``os.unshare`` and ``os.setns`` came with Python 3.12."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _configure(device: str, address: str) -> None:
    """Give a device of this namespace its address and set it up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for request, text in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.0")):
            named = struct.pack(
                "16sH2x4s8x", device.encode(), socket.AF_INET, socket.inet_aton(text)
            )
            fcntl.ioctl(asked, request, named)
        fcntl.ioctl(asked, _SIOCSIFMTU, struct.pack("16si", device.encode(), _MTU))
        flags = struct.pack("16sH14x", device.encode(), _IFF_UP | _IFF_RUNNING)
        fcntl.ioctl(asked, _SIOCSIFFLAGS, flags)


def _hold(line: socket.socket, address: str) -> None:
    """Be a host: make the namespace, hand out its device, and stay until the line is closed."""
    try:
        _libc("unshare", _CLONE_NEWNET)
        device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"eth0", _IFF_TUN | _IFF_NO_PI))
        _configure("lo", "127.0.0.1")
        _configure("eth0", address)
    except OSError as error:
        line.sendall(str(error).encode())
        return
    socket.send_fds(line, [b"up"], [device])
    line.recv(1)


def _join(holder: int, command: list[str]) -> None:
    """Become a command within the namespace of a process."""
    with open(f"/proc/{holder}/ns/net", "rb") as namespace:
        _libc("setns", namespace.fileno(), _CLONE_NEWNET)
    _libc("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.execvp(command[0], command)


if __name__ == "__main__":
    if sys.argv[1] == "hold":
        _hold(socket.socket(fileno=int(sys.argv[2])), sys.argv[3])
    else:
        _join(int(sys.argv[2]), sys.argv[3:])
