"""So many at a time, and of one caller no more than a part of them: nobody keeps all others out."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from lunarscale.errors import RateError, UnavailableError

#: Seconds after which one who found no room may try again.
AGAIN_S = 2


class Crowd:
    """Those who are inside; for one thread, the event loop's.

    Parameters
    ----------
    most : int
        All together.
    each : int
        Of one caller.
    what : str
        What they are, for people: ``tiles``.
    """

    def __init__(self, most: int, each: int, *, what: str) -> None:
        self.most, self.each, self._what = most, min(each, most), what
        self._inside: Counter[str] = Counter()
        self._all = 0

    def __len__(self) -> int:
        """How many are inside."""
        return self._all

    def has_room(self, key: str) -> bool:
        """Whether one more of a caller may come in."""
        return self._all < self.most and self._inside[key] < self.each

    def enter(self, key: str) -> None:
        """One more of a caller comes in.

        Raises
        ------
        RateError
            If the caller has as many inside as one may have.
        UnavailableError
            If there is no room for anybody.
        """
        if not self.has_room(key):
            raise self._full(self._all < self.most)
        self._inside[key] += 1
        self._all += 1

    def leave(self, key: str) -> None:
        """One of a caller goes."""
        self._all -= 1
        self._inside[key] -= 1
        if not self._inside[key]:
            del self._inside[key]

    @contextmanager
    def inside(self, key: str) -> Iterator[None]:
        """One of a caller is inside for as long as the ``with`` block."""
        self.enter(key)
        try:
            yield
        finally:
            self.leave(key)

    def _full(self, has_room_for_others: bool) -> RateError | UnavailableError:
        error: RateError | UnavailableError
        if has_room_for_others:
            error = RateError(
                f"{self.each} {self._what} of one caller are worked on or wait at a time and as "
                f"many of yours do; send the next when one is done"
            )
        else:
            error = UnavailableError(
                f"{self.most} {self._what} are being worked on or wait; send it again in a while"
            )
        error.retry_after_s = AGAIN_S
        return error
