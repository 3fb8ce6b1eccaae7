"""What a shard's task brings back, and how outcomes merge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lunarscale.errors import LunarscaleError
from lunarscale.grid.raster import Window
from lunarscale.laps import Laps, add_laps
from lunarscale.reduce.sums import Sum, merge_sums

#: Name of the histograms among a run's sums.
STATISTICS = "statistics"


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
    sums : mapping of str to Sum
        Its partial sums, by the names they were asked for.
    window : Window or None
        The pixels that were summed.
    laps : mapping of str to Lap
        Where its time went (``lunarscale.laps``).
    """

    shard: str
    pixels: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    disagreements: int = 0
    problem: LunarscaleError | None = None
    sums: Mapping[str, Sum] = field(default_factory=dict, repr=False)
    window: Window | None = None
    laps: Laps = field(default_factory=dict, repr=False)


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
    sums : dict of str to Sum
        Merged; exact, so the order does not matter. Empty where no shard is done.
    failed : frozenset of str
        Names of the shards that have a problem.
    laps : mapping of str to Lap
        Where the tasks' time went, those of failed shards too.
    remarks : list of str
        What the user should know that is no problem: whose place was taken, say.
    """

    done: int = 0
    pixels: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    disagreements: int = 0
    problems: list[LunarscaleError] = field(default_factory=list)
    sums: dict[str, Sum] = field(default_factory=dict, repr=False)
    failed: frozenset[str] = frozenset()
    laps: Laps = field(default_factory=dict, repr=False)
    remarks: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, outcome: Outcome) -> "Tale":
        """The tale of one shard."""
        if outcome.problem is not None:
            failed = frozenset({outcome.shard})
            return cls(problems=[outcome.problem], failed=failed, laps=outcome.laps)
        return cls(
            done=1,
            pixels=outcome.pixels,
            bytes_read=outcome.bytes_read,
            bytes_written=outcome.bytes_written,
            disagreements=outcome.disagreements,
            sums=dict(outcome.sums),
            laps=outcome.laps,
        )

    def merge(self, other: "Tale") -> "Tale":
        """Both tales in one; they stay as they are."""
        return Tale(
            done=self.done + other.done,
            pixels=self.pixels + other.pixels,
            bytes_read=self.bytes_read + other.bytes_read,
            bytes_written=self.bytes_written + other.bytes_written,
            disagreements=self.disagreements + other.disagreements,
            problems=self.problems + other.problems,
            sums=merge_sums(self.sums, other.sums),
            failed=self.failed | other.failed,
            laps=add_laps(self.laps, other.laps),
            remarks=self.remarks + other.remarks,
        )
