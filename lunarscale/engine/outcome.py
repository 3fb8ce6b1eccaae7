"""What a shard's task brings back, and how outcomes merge."""

from dataclasses import dataclass, field

from lunarscale.errors import LunarscaleError
from lunarscale.reduce.joint import Joint
from lunarscale.reduce.statistics import Statistics


@dataclass(frozen=True)
class Outcome:
    """One shard, done or failed.

    Parameters
    ----------
    shard : str
        Its name in the ledger.
    pixels, bytes_read, bytes_written : int
        What it took.
    disagreements : int
        Pixels of a band in which tiles disagreed.
    problem : LunarscaleError or None
        Why it is not done.
    statistics : Statistics or None
        Its partial statistics.
    joint : Joint or None
        Its partial areas of two maps at once.
    """

    shard: str
    pixels: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    disagreements: int = 0
    problem: LunarscaleError | None = None
    statistics: Statistics | None = field(default=None, repr=False)
    joint: Joint | None = field(default=None, repr=False)


@dataclass
class Tale:
    """What a run has done so far: outcomes merged in any order.

    Parameters
    ----------
    done : int
        Shards finished in this run.
    pixels, bytes_read, bytes_written, disagreements : int
        Sums over them.
    problems : list of LunarscaleError
        Of shards that failed.
    statistics : Statistics or None
        Merged; exact, so the order does not matter.
    joint : Joint or None
        The same of two maps at once.
    """

    done: int = 0
    pixels: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    disagreements: int = 0
    problems: list[LunarscaleError] = field(default_factory=list)
    statistics: Statistics | None = None
    joint: Joint | None = None

    def add(self, outcome: Outcome) -> "Tale":
        """Take in one shard's outcome."""
        if outcome.problem is not None:
            self.problems.append(outcome.problem)
            return self
        self.done += 1
        self.pixels += outcome.pixels
        self.bytes_read += outcome.bytes_read
        self.bytes_written += outcome.bytes_written
        self.disagreements += outcome.disagreements
        if outcome.statistics is not None:
            mine = self.statistics
            self.statistics = outcome.statistics if mine is None else mine.merge(outcome.statistics)
        if outcome.joint is not None:
            had = self.joint
            self.joint = outcome.joint if had is None else had.merge(outcome.joint)
        return self
