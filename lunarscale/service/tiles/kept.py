"""Things that many threads ask for: made once, kept as long as there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Thing = TypeVar("Thing")

#: Bytes that keeping takes beside the thing itself: its key, and its places in dictionaries. Of
#: tiles without a value more than the tiles.
BESIDE = 1_000


class Kept(Generic[Thing]):
    """Things by key; those that were not asked for longest go first.

    However many threads ask for one that is not there, one of them makes it and the others wait.
    What cannot be made is told to all who wait, and tried again by the next.

    Parameters
    ----------
    most : int
        What all together may weigh; a heavier one is given and not kept.
    weigh : callable
        What one weighs, in bytes say.
    """

    def __init__(self, most: int, weigh: Callable[[Thing], int]) -> None:
        self.most, self._weigh = most, weigh
        self._held: OrderedDict[Hashable, Thing] = OrderedDict()
        self._coming: dict[Hashable, Future[Thing]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    @property
    def weight(self) -> int:
        """What is kept just now."""
        return self._weight

    def find(self, key: Hashable) -> Thing | None:
        """What is kept under a key; None where nothing is."""
        with self._lock:
            thing = self._held.get(key)
            if thing is not None:
                self._held.move_to_end(key)
            return thing

    def get(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """What is kept under a key, made first where it must be.

        Parameters
        ----------
        key : hashable
        make : callable
            It must not ask for the same key.
        """
        with self._lock:
            thing = self._held.get(key)
            if thing is not None:
                self._held.move_to_end(key)
                return thing
            coming = self._coming.get(key)
            if coming is None:
                mine = self._coming[key] = Future()
        if coming is not None:
            return coming.result()
        try:
            thing = make()
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._coming[key]
            self._keep(key, thing)
        mine.set_result(thing)
        return thing

    def _keep(self, key: Hashable, thing: Thing) -> None:
        weight = self._weigh(thing)
        if weight > self.most:
            return
        self._held[key] = thing
        self._weight += weight
        while self._weight > self.most:
            _, oldest = self._held.popitem(last=False)
            self._weight -= self._weigh(oldest)
