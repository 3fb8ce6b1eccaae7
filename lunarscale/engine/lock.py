"""One run at a time writes to a store: a lock made of objects that are only ever made new.

The lock's objects are ``ledger/lock/000001`` and on. The highest one counts. A run takes the store
by making the next one, which works for one of all that try, on any kind of store; no listing is
asked for. A holder's thread raises a counter in its object, and nobody compares clock times: a
holder on this machine is gone when its process is, one elsewhere when its counter has stood still
for ``WATCH_S`` of this machine's own steady clock. Then the next object is made over its head.

What the holder's workers still have in hand then does no harm: a task asks with its ``Ticket``
before it takes a shard's entry back and before it enters it, and is refused. Readers ask nobody.
"""

import os
import platform
import uuid
from dataclasses import asdict, dataclass, replace
from threading import Event, Thread
from time import monotonic
from types import TracebackType

from lunarscale.engine.processes import home, started
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import BusyError, LunarscaleError
from lunarscale.store.cube import lock_key
from lunarscale.store.location import Location

#: Seconds from beat to beat of a holder's counter.
BEAT_S = 5.0

#: Seconds that a counter must stand still until its holder is taken for gone.
WATCH_S = 60.0

#: Runs that hold a store in this process.
_held: set[str] = set()


@dataclass(frozen=True)
class Claim:
    """What a lock's object says.

    Parameters
    ----------
    run, verb : str
        The holder's number and what it does.
    host, home : str
        Its machine's name, and where its process number holds (``processes.home``).
    process : int
    started : str
        Mark of the process's start.
    since : str
        UTC, for people.
    beat : int
        Raised every few seconds.
    freed : bool
        Whether the run has ended.
    """

    run: str
    verb: str
    host: str
    home: str
    process: int
    started: str
    since: str
    beat: int = 0
    freed: bool = False

    @property
    def holder(self) -> str:
        """For people: who, where and since when."""
        return f"{self.verb} on {self.host}, process {self.process}, since {self.since}"

    @property
    def is_of_this_machine(self) -> bool:
        """Whether this machine can tell whether it lives."""
        return self.home == home()

    @property
    def lives(self) -> bool:
        """Whether its process, one of this machine's, still runs it."""
        if self.process == os.getpid():
            return self.run in _held
        return started(self.process) == self.started


@dataclass(frozen=True)
class Ticket:
    """What the tasks of a run show before they touch a shard; it is small and pickles.

    Parameters
    ----------
    number : int
        Of the run's lock.
    run : str
    """

    number: int
    run: str

    def require(self, location: Location) -> None:
        """Make sure that the run still holds the store.

        Raises
        ------
        BusyError
            If it has ended, another one has taken the store over, or the lock is gone.
        """
        claim = _read(location, self.number)
        if claim is None or claim.run != self.run or claim.freed:
            found = "has ended" if claim is not None and claim.run == self.run else "is gone"
            raise BusyError(
                f"{location.url}: this run's lock {lock_key(self.number)} {found}, so another run "
                "may write here; what is stored is kept, run the same command again"
            )
        if location.size(lock_key(self.number + 1)) is not None:
            other = _read(location, self.number + 1)
            raise BusyError(
                f"{location.url}: this run was taken for dead and another one took the store over "
                f"({'unknown' if other is None else other.holder}); let that one end, then run "
                "the same command again"
            )


class RunLock:
    """A run's hold on a store, for as long as the ``with`` block; the thread that beats is its own.

    Parameters
    ----------
    location : Location
    run : str
        The run's number (``RunRecord.id``).
    verb, since : str
        For people: what the run does, and when it began.
    beat_s, watch_s : float, optional

    Raises
    ------
    BusyError
        On entering, if another run holds the store.
    """

    def __init__(
        self, location: Location, run: str, *, verb: str, since: str,
        beat_s: float = BEAT_S, watch_s: float = WATCH_S,
    ) -> None:  # fmt: skip
        self.location, self.beat_s, self.watch_s = location, beat_s, watch_s
        # one run may enter again: its number is that of this one hold
        self._claim = Claim(
            f"{run}-{uuid.uuid4().hex[:8]}", verb, platform.node(), home(), os.getpid(),
            started(os.getpid()) or "", since,
        )  # fmt: skip
        self._ended = Event()
        self._thread: Thread | None = None
        #: What the tasks show; None before the store is held.
        self.ticket: Ticket | None = None
        #: Whose place was taken, as a sentence; empty where the store was free.
        self.remark = ""
        self._lost = ""

    @property
    def run(self) -> str:
        """The run's number."""
        return self._claim.run.partition("-")[0]

    def __enter__(self) -> "RunLock":
        self._ended.clear()
        self._lost = ""
        _held.add(self._claim.run)  # before anyone can see the claim
        try:
            self.ticket = self._take()
        except BaseException:
            _held.discard(self._claim.run)
            raise
        self._thread = Thread(target=self._beat, name="lunarscale-lock", daemon=True)
        self._thread.start()
        return self

    def _take(self) -> Ticket:
        while True:
            number = _highest(self.location)
            self.remark = self._require_free(number)
            self.location.put_new(lock_key(number + 1), sealed(asdict(self._claim)))
            # a PUT may work and its answer be lost: what is there decides
            there = _read(self.location, number + 1)
            if there is not None and there.run == self._claim.run:
                ticket = Ticket(number + 1, self._claim.run)
                ticket.require(self.location)
                return ticket

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        _held.discard(self._claim.run)
        if self.ticket is None or self._lost or not self._is_there(self.ticket):
            return
        key = lock_key(self.ticket.number)
        try:
            self.location.put(key, sealed(asdict(replace(self._claim, freed=True))))
        except (LunarscaleError, OSError):
            self.location.delete(key)  # a full disk takes no word, but a name away

    def require_held(self) -> None:
        """Make sure, without asking the store, that the beat has not stopped.

        Raises
        ------
        BusyError
            If the hold was lost in mid-run.
        """
        if self._lost:
            raise BusyError(self._lost)

    def _require_free(self, number: int) -> str:
        """Why a lock does not count any more; raises BusyError if it does."""
        if number == 0:
            return ""
        blob = self.location.get(lock_key(number))
        claim = _claim(blob)
        if blob is None or (claim is not None and claim.freed):
            return ""
        if claim is None or not claim.is_of_this_machine:
            if not self._stands_still(number, blob):
                raise _busy(self.location, claim)
        elif claim.lives:
            raise _busy(self.location, claim)
        whose = "a run whose lock cannot be read" if claim is None else claim.holder
        return (
            f"{self.location.url}: {whose}, is gone without an end; this run goes on in its place"
        )

    def _stands_still(self, number: int, blob: bytes) -> bool:
        """Whether a lock's object stays as it is until its holder must be taken for gone."""
        begun = monotonic()
        while monotonic() - begun < self.watch_s:
            self._ended.wait(self.beat_s / 5)
            found = self.location.get(lock_key(number))
            if found != blob:
                claim = _claim(found)
                return found is None or (claim is not None and claim.freed)
        return True

    def _is_there(self, ticket: Ticket) -> bool:
        there = _read(self.location, ticket.number)
        return there is not None and there.run == ticket.run

    def _beat(self) -> None:
        """Raise the counter until the run ends; give the hold up if that fails for too long."""
        assert self.ticket is not None  # begun once it is held
        last = monotonic()
        while not self._ended.wait(self.beat_s):
            try:
                self.ticket.require(self.location)
                self._claim = replace(self._claim, beat=self._claim.beat + 1)
                self.location.put(lock_key(self.ticket.number), sealed(asdict(self._claim)))
                last = monotonic()
            except BusyError as error:
                self._lost = str(error)
                return
            except (LunarscaleError, OSError) as error:
                # a passing fault is tried again; others must wait longer than this before they act
                if monotonic() - last > self.watch_s / 2:
                    self._lost = (
                        f"{self.location.url}: this run could not renew its hold on the store for "
                        f"{self.watch_s / 2:.0f} s ({error}); what is stored is kept, run the same "
                        "command again"
                    )
                    return


def _busy(location: Location, claim: Claim | None) -> BusyError:
    who = "another run" if claim is None else claim.holder
    return BusyError(
        f"{location.url}: one run at a time writes to a store but another one does so now ({who}); "
        "wait for its end or stop it, then run this command again"
    )


def _highest(location: Location) -> int:
    """The number of the lock that counts, 0 where there is none; they have no gaps."""

    def is_there(number: int) -> bool:
        return location.size(lock_key(number)) is not None

    low, high = 0, 1
    while is_there(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_there(middle) else (low, middle)
    return low


def _read(location: Location, number: int) -> Claim | None:
    return _claim(location.get(lock_key(number)))


def _claim(blob: bytes | None) -> Claim | None:
    facts = unsealed(blob)
    try:
        return None if facts is None else Claim(**facts)
    except TypeError:
        return None
