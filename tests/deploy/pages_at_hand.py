"""What a web page says in the end: servers that start are waited for."""

import urllib.request
from time import monotonic, sleep


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
