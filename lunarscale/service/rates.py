"""How many requests a caller may make: a bucket of tokens each, filled at a steady rate."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from lunarscale.errors import RateError


class Rates:
    """Buckets by caller; those who have not called for longest are forgotten.

    Parameters
    ----------
    a_minute, at_once : float
        Requests of one caller in the long run, and after a pause.
    callers : int
        Callers whose buckets are kept. One who is forgotten starts with a full bucket.
    what : str
        Name of the requests, for people.
    clock : callable, optional
        Seconds that only go on.
    """

    def __init__(
        self, a_minute: float, at_once: float, *, callers: int, what: str = "requests",
        clock: Callable[[], float] = monotonic,
    ) -> None:  # fmt: skip
        self._a_minute, self._at_once, self._callers = a_minute, at_once, callers
        self._what, self._clock = what, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count a caller's request.

        Raises
        ------
        RateError
            If it is one too many; ``retry_after_s`` tells when the next one may come.
        """
        now, rate = self._clock(), self._a_minute / 60.0
        with self._lock:
            left, at = self._buckets.pop(key, (self._at_once, now))
            left = min(self._at_once, left + (now - at) * rate)
            enough = left >= 1.0
            self._buckets[key] = (left - enough, now)
            if len(self._buckets) > self._callers:
                self._buckets.popitem(last=False)
        if not enough:
            wait = max(1, math.ceil((1.0 - left) / rate))
            error = RateError(
                f"at most {self._a_minute:g} {self._what} a minute are answered and more came; "
                f"wait {wait} s"
            )
            error.retry_after_s = wait
            raise error
