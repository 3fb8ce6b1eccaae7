"""An object far away of which only parts are wanted."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lunarscale.store.objects import Blob


class RangedBlob(Blob):
    """An object whose parts come when they are asked for; its end is there already.

    Parameters
    ----------
    size : int
        Its bytes.
    fetch : callable
        Takes offset and size, and gives the bytes.
    tail : NDArray of uint8
        The last bytes of it.
    """

    def __init__(
        self, size: int, fetch: Callable[[int, int], bytes], tail: NDArray[np.uint8]
    ) -> None:
        self.size = size
        self._fetch, self._tail = fetch, tail

    def at(self, offset: int, size: int) -> NDArray[np.uint8]:
        """Bytes of it: from its end at hand, or by one request."""
        size = max(0, min(size, self.size - offset))
        begins = self.size - self._tail.size
        if offset >= begins:
            return self._tail[offset - begins : offset - begins + size]
        return np.frombuffer(self._fetch(offset, size), np.uint8) if size else self._tail[:0]

    def close(self) -> None:
        """Forget the end."""
        self._tail = self._tail[:0]
        self.size = 0
