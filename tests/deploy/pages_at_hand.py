"""What a web page says in the end: servers that start are waited for."""

import urllib.request
from collections.abc import Callable
from time import monotonic, sleep

#: Seconds that anything here may take on a machine with other things to do.
PATIENCE_S = 240.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Until something is so."""
    last = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < last, f"{what}: waited for in vain for {PATIENCE_S:.0f} s"
        sleep(0.05)


def answers(url: str, *, within_s: float) -> bytes:
    """What a page says in the end.

    Raises
    ------
    OSError
        If nobody has answered in that time.
    """
    last = monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                content: bytes = page.read()
                return content
        except OSError:
            if monotonic() > last:
                raise
            sleep(0.2)
