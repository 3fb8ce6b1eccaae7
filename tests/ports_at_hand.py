"""Ports for servers that must know theirs before they listen; nobody else is given them by chance.

The system hands out ports of one range, to listeners that ask for any and to each connection that
is made. A port of that range that was free a moment ago may be somebody's when its server begins.
These lie below the range, and each process of the tests has its own.
"""

import os
import socket
from itertools import count
from pathlib import Path

#: Where the range begins on Linux, unless the machine says otherwise.
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL = 32_768

#: How far below it each process of the tests begins, and the ports that it has.
_FIRST, _EACH = 12_000, 1_000

_numbers = count()


def free_port() -> int:
    """A port of this machine's loopback that nobody has, and nobody is given."""
    begin = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _USUAL
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    # other runs of the tests on the machine begin elsewhere
    offset = os.getpid() % _EACH
    while True:
        port = begin - _FIRST + _EACH * (worker % 10) + (offset + next(_numbers)) % _EACH
        with socket.socket() as place:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                place.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
