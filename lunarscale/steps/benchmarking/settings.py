"""What a sweep runs through: every combination of what was asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, get_args

from lunarscale.errors import ParametersError
from lunarscale.store.codec import USUAL_CODEC, Codec

#: What can be measured, in the order of a datum's way.
Workload = Literal["ingest", "equations", "networks", "statistics"]
WORKLOADS: tuple[Workload, ...] = get_args(Workload)

#: Number types. Stores keep int16 counts; float32 is measured at the codec and the disk alone,
#: so that one sees what it would cost.
NumberType = Literal["int16", "float32"]
NUMBER_TYPES: tuple[NumberType, ...] = get_args(NumberType)


@dataclass(frozen=True, order=True)
class Cut:
    """How a store is cut and packed.

    Parameters
    ----------
    shard, chunk : int
        Edges in pixels.
    codec : str
        ``lz4:5:auto``.
    """

    shard: int
    chunk: int
    codec: str = USUAL_CODEC

    @property
    def name(self) -> str:
        """For a folder."""
        return f"{self.shard}-{self.chunk}-{self.codec.replace(':', '-')}"

    @property
    def options(self) -> str:
        """As ``ingest`` takes it."""
        return f"--shard {self.shard} --chunk {self.chunk} --codec {self.codec}"

    def __str__(self) -> str:
        return f"{self.shard} / {self.chunk} {self.codec}"


@dataclass(frozen=True)
class Setting:
    """One thing to measure.

    Parameters
    ----------
    workload : str
    cut : Cut
    dtype : str
        ``float32`` is measured at the codec and the disk alone.
    workers, threads : int
        Worker processes, and threads of each; no workers is this process.
    weak : bool
        Whether the work is in proportion to the threads (weak scaling), and not the whole.
    """

    workload: Workload
    cut: Cut
    dtype: NumberType = "int16"
    workers: int = 1
    threads: int = 1
    weak: bool = False

    @property
    def lanes(self) -> int:
        """Threads of all workers."""
        return max(self.workers, 1) * self.threads

    @property
    def key(self) -> str:
        """Its name among the results."""
        ends = ("weak",) if self.weak else ()
        return " ".join(
            [self.workload, self.cut.name, self.dtype, f"{self.workers}x{self.threads}", *ends]
        )


@dataclass(frozen=True)
class Sweep:
    """What was asked for, each list without repetition.

    Parameters
    ----------
    workloads, cuts, dtypes : tuple
    crews : tuple of (int, int)
        Workers and threads.
    weak : bool
        Whether weak scaling is measured too.
    """

    workloads: tuple[Workload, ...]
    cuts: tuple[Cut, ...]
    dtypes: tuple[NumberType, ...] = ("int16",)
    crews: tuple[tuple[int, int], ...] = ((1, 1),)
    weak: bool = False

    def settings(self) -> list[Setting]:
        """Every combination; what would be the same measurement comes once."""
        return list(dict.fromkeys(self._combined()))

    @property
    def most_lanes(self) -> int:
        """Threads of the largest crew."""
        return max(max(workers, 1) * threads for workers, threads in self.crews)

    def _combined(self) -> Iterator[Setting]:
        most = self.most_lanes
        for workload, cut, crew in product(self.workloads, self.cuts, self.crews):
            usual = Setting(workload, cut, "int16", *crew)
            if "int16" in self.dtypes:
                yield usual
                if self.weak and usual.lanes < most:
                    yield replace(usual, weak=True)
            # the codec knows nothing of what is computed: one workload with one crew tells
            if "float32" in self.dtypes and workload == self._packing and usual.lanes == most:
                yield replace(usual, dtype="float32")

    @property
    def _packing(self) -> Workload:
        """The workload that shows what a number type costs: one that reads and writes."""
        maps: tuple[Workload, ...] = ("equations", "networks", "ingest", "statistics")
        return next(workload for workload in maps if workload in self.workloads)


def words(text: str, option: str) -> list[str]:
    """What stands between commas, once each.

    Raises
    ------
    ParametersError
        If there is nothing.
    """
    found = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if not found:
        raise ParametersError(
            f"{option} {text!r}: nothing is named; give one, or several by commas"
        )
    return found


def numbers(text: str, option: str, *, least: int = 1) -> list[int]:
    """Whole numbers between commas.

    Raises
    ------
    ParametersError
        If one is no whole number of at least ``least``.
    """
    found = words(text, option)
    for word in found:
        if not word.isdecimal() or int(word) < least:
            raise ParametersError(
                f"{option} {text}: {word} is no whole number of at least {least}; "
                "write 512, or several by commas: 256,512"
            )
    return [int(word) for word in found]


def workloads(text: str) -> tuple[Workload, ...]:
    """Workloads by name, in the order of a datum's way.

    Raises
    ------
    ParametersError
        If there is no such workload.
    """
    named = words(text, "--workload")
    for word in named:
        if word not in WORKLOADS:
            raise ParametersError(
                f"--workload {word}: there is no such workload; there are {', '.join(WORKLOADS)}"
            )
    return tuple(workload for workload in WORKLOADS if workload in named)


def number_types(text: str) -> tuple[NumberType, ...]:
    """Number types by name.

    Raises
    ------
    ParametersError
        If there is no such type, or the counts that stores keep are not among them.
    """
    named = words(text, "--dtypes")
    for word in named:
        if word not in NUMBER_TYPES:
            raise ParametersError(
                f"--dtypes {word}: stores keep int16 counts, and float32 is measured beside them; "
                f"give one or both of {', '.join(NUMBER_TYPES)}"
            )
    return tuple(dtype for dtype in NUMBER_TYPES if dtype in named)


def cuts(shards: Sequence[int], chunks: Sequence[int], codecs: Sequence[str]) -> tuple[Cut, ...]:
    """Every shard with every chunk and codec.

    Raises
    ------
    ParametersError
        If a chunk does not divide a shard.
    FormatError
        If Blosc has no such codec.
    """
    packed = dict.fromkeys(str(Codec.of(codec)) for codec in codecs)
    for shard, chunk in product(shards, chunks):
        if shard % chunk:
            raise ParametersError(
                f"--shards {shard} --chunks {chunk}: a shard of {shard} pixels cannot be cut into "
                f"chunks of {chunk}; each chunk must divide each shard, as 512 divides 2048"
            )
    return tuple(Cut(*each) for each in product(shards, chunks, packed))
