"""Trying again: what passes by itself is waited for, within a bound that the last error tells."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lunarscale.errors import StoreError

Result = TypeVar("Result")

#: Seconds before the second try, and between later ones at the most.
_FIRST_S, _LONGEST_S = 0.1, 10.0


class PassingError(Exception):
    """Something that may be gone when it is tried again: a busy server, a lost connection."""


class WornError(StoreError):
    """Patience has ended."""


@dataclass(frozen=True)
class Patience:
    """How long and how often something is tried.

    Parameters
    ----------
    seconds : float
        No try begins later than this after the first.
    tries : int
        At the most.
    """

    seconds: float = 120.0
    tries: int = 20

    @property
    def worn(self) -> "Patience":
        """What is left of it for somebody who was waited for in vain."""
        return Patience(self.seconds / 10, max(1, self.tries // 6))

    def persist(self, attempt: Callable[[], Result], *, what: str, advice: str) -> Result:
        """What an attempt returns, once one does not end in a PassingError.

        The pauses double, each cut by chance to between its half and its whole, so that many
        workers whom a server has turned away do not come back together.

        Parameters
        ----------
        attempt : callable
            Safe to do twice: its first answer may have been lost.
        what : str
            The thing and what is done with it, ``s3://moon/maps.zarr/zarr.json: GET``.
        advice : str
            What to do when patience ends.

        Raises
        ------
        WornError
            If patience ends.
        """
        begun, pause = time.monotonic(), _FIRST_S
        for number in range(1, self.tries + 1):
            try:
                return attempt()
            except PassingError as error:
                taken = time.monotonic() - begun
                if number == self.tries or taken + pause > self.seconds:
                    raise WornError(
                        f"{what} was tried {number} time{'s' * (number > 1)} in {taken:.1f} s "
                        f"(of at most {self.tries} in {self.seconds:g} s) and failed in the end: "
                        f"{error}; {advice}"
                    ) from None
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_S)
        raise StoreError(f"{what}: no try is allowed; ask for at least one")
