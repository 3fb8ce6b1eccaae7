"""What the measurements say: medians, shares of the limit, efficiency, and what to use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import geometric_mean, median

from lunarscale.steps.benchmarking.question import Question
from lunarscale.steps.benchmarking.records import Kept, Run, Session
from lunarscale.steps.benchmarking.settings import Cut, Setting, Workload

#: Parts of a task in the order of a datum's way; then what its thread waited, and what was not in
#: a task at all.
PARTS = ("read", "decode", "compute", "count", "encode", "write", "ledger", "rest")
WAITING, IDLE = "waiting", "overhead and idle"

#: Least noise that is believed of any machine, as a share; and how much slower than the fastest a
#: recommended setting may be, however loud the machine was.
LEAST_NOISE, MOST_SLOWER = 0.01, 0.1

#: Noise from which on it is said that the machine was not quiet.
LOUD = 0.1


@dataclass(frozen=True)
class Spread:
    """Some repeats' median, least and most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Of at least one value."""
        found = sorted(values)
        return cls(median(found), found[0], found[-1])

    @property
    def half(self) -> float:
        """Half of the range, as a share of the median."""
        return (self.most - self.least) / 2.0 / self.median if self.median else 0.0


@dataclass(frozen=True)
class Summary:
    """One setting, all its timed repeats.

    Parameters
    ----------
    setting : Setting
    repeats : int
    wall_s, mpx_s, mb_s_core : Spread
        Seconds; million pixels a second; decoded megabytes a second and thread.
    warm_up_s : float or None
        Seconds of the first run.
    split : mapping of str to float
        Thread seconds a repeat by parts: processor time of each, then ``waiting`` and
        ``overhead and idle``; together the threads times the seconds.
    dask_s : float
        Processor seconds of the workers outside of tasks.
    peak_bytes, planned_bytes : int
    read_bytes, written_bytes, objects : int
        On disk, by the limit's own objects.
    limit_s : float
        Seconds that codec and store take alone, on the same threads; of networks with the models
        alone.
    codec_s : float
        The same without the models.
    share, share_processor : float
        Of the limit: its seconds over the run's, by the clock and by processor time.
    efficiency : float or None
        Pixels a second and thread over those of the fewest threads of the same cut.
    """

    setting: Setting
    repeats: int
    wall_s: Spread
    mpx_s: Spread
    mb_s_core: Spread
    warm_up_s: float | None
    split: Mapping[str, float]
    dask_s: float
    peak_bytes: int
    planned_bytes: int
    read_bytes: int
    written_bytes: int
    objects: int
    pixels: int
    shards: int
    limit_s: float
    codec_s: float
    share: Spread
    share_processor: float
    codec_mb_s: Mapping[str, float]
    efficiency: float | None = None

    @property
    def memory(self) -> int:
        """Of all workers together."""
        return self.peak_bytes * max(self.setting.workers, 1)

    @property
    def disk_bytes(self) -> int:
        """Read and written."""
        return self.read_bytes + self.written_bytes


@dataclass(frozen=True)
class Recommendation:
    """What to use, and why.

    Parameters
    ----------
    cut : Cut
    workers, threads : int
    reason : str
    workload : str
        Empty: for all that were measured together.
    """

    cut: Cut
    workers: int
    threads: int
    reason: str
    workload: str = ""


@dataclass(frozen=True)
class Finding:
    """All that a bench has found.

    Parameters
    ----------
    question : Question
    runs : list of Run
    sessions : list of Session
    summaries : list of Summary
        Int16 settings, strong scaling; by workload, the fastest first.
    weak, others : list of Summary
        Of weak scaling; of other number types.
    noise : float
        How far repeats of a setting lie from their median, as a share.
    best : list of Recommendation
        One a workload.
    overall : Recommendation or None
        For all workloads together; None where nothing was measured with all of them.
    left_out : mapping of str to str
        Settings that were not measured, and why.
    """

    question: Question
    runs: list[Run]
    sessions: list[Session]
    summaries: list[Summary]
    weak: list[Summary]
    others: list[Summary]
    noise: float
    best: list[Recommendation]
    overall: Recommendation | None
    left_out: Mapping[str, str]

    @property
    def workloads(self) -> list[Workload]:
        """Those of which something was measured."""
        return list(dict.fromkeys(s.setting.workload for s in self.summaries))

    @property
    def caution(self) -> list[str]:
        """What to bear in mind with every recommendation: nothing on a quiet machine."""
        if self.noise <= LOUD:
            return []
        return [
            f"The machine was not quiet: repeats lie within {self.noise:.0%} of their median, and "
            "settings nearer to each other than that cannot be told apart. So this is no firm "
            "advice; measure again, with --overwrite, when nothing else runs."
        ]

    def of(self, workload: Workload) -> list[Summary]:
        """One workload's summaries, the fastest first."""
        return [s for s in self.summaries if s.setting.workload == workload]


def find(asked: Question, kept: Kept) -> Finding:
    """What the records of these settings say."""
    every = [s for s in map(_summary, _grouped(asked, kept)) if s is not None]
    usual = [s for s in every if s.setting.dtype == "int16"]
    strong = _with_efficiency([s for s in usual if not s.setting.weak])
    full = {(s.setting.workload, s.setting.cut, asked.sweep.most_lanes): s for s in strong}
    weak = [s for s in usual if s.setting.weak]
    tops = [
        s for s in strong if weak and s.setting.lanes == asked.sweep.most_lanes
        and (s.setting.workload, s.setting.cut, s.setting.lanes) in full
    ]  # fmt: skip
    order = {workload: place for place, workload in enumerate(asked.sweep.workloads)}
    strong.sort(key=lambda s: (order[s.setting.workload], -s.mpx_s.median))
    noise = noise_of(strong)
    return Finding(
        question=asked,
        runs=kept.runs,
        sessions=kept.sessions,
        summaries=strong,
        weak=_with_efficiency([*weak, *tops]) if weak else [],
        others=[s for s in every if s.setting.dtype != "int16"],
        noise=noise,
        best=[
            _recommend([s for s in strong if s.setting.workload == w], noise, asked=asked)
            for w in asked.sweep.workloads
            if any(s.setting.workload == w for s in strong)
        ],
        overall=_overall(strong, noise, asked),
        left_out=kept.left_out,
    )


def _grouped(asked: Question, kept: Kept) -> list[list[Run]]:
    """Runs by setting, of those that were asked for now."""
    runs: dict[str, list[Run]] = {setting.key: [] for setting in asked.sweep.settings()}
    for run in kept.runs:
        if run.setting.key in runs:
            runs[run.setting.key].append(run)
    return list(runs.values())


def _summary(runs: list[Run]) -> Summary | None:
    """A setting's figures; None where no repeat was timed."""
    timed = [run for run in runs if not run.warms_up]
    if not timed:
        return None
    first, setting = timed[0], timed[0].setting
    limits = [run for run in timed if run.limit.pixels]
    split = {part: median(_split(run)[part] for run in timed) for part in (*PARTS, WAITING, IDLE)}
    return Summary(
        setting=setting,
        repeats=len(timed),
        wall_s=Spread.of(run.wall_s for run in timed),
        mpx_s=Spread.of(run.pixels / run.wall_s / 1e6 for run in timed),
        mb_s_core=Spread.of(run.decoded_bytes / run.wall_s / setting.lanes / 1e6 for run in timed),
        warm_up_s=next((run.wall_s for run in runs if run.warms_up), None),
        split=split,
        dask_s=median(
            max(run.processor_s - sum(lap.processor_s for lap in run.laps.values()), 0.0)
            for run in timed
        ),
        peak_bytes=max(run.peak_bytes for run in timed),
        planned_bytes=first.planned_bytes,
        read_bytes=first.limit.read_bytes,
        written_bytes=first.limit.written_bytes,
        objects=first.limit.objects,
        pixels=first.pixels,
        shards=first.shards,
        limit_s=median(limit_s(run) for run in limits) if limits else 0.0,
        codec_s=median(limit_s(run, models=False) for run in limits) if limits else 0.0,
        share=Spread.of(limit_s(run) / run.wall_s for run in limits or timed),
        share_processor=median(
            limit_s(run, processor=True) * setting.lanes / max(run.processor_s, 1e-9)
            for run in limits or timed
        ),
        codec_mb_s=_codec_rates(limits),
    )


def rate(mpx_s: float) -> str:
    """Million pixels a second to three figures or one decimal: 59.8, 2.41, 0.153."""
    return f"{mpx_s:,.{1 if mpx_s >= 10.0 else 2 if mpx_s >= 1.0 else 3}f}"


def limit_s(run: Run, *, processor: bool = False, models: bool = True) -> float:
    """Seconds that the limit of a run takes on its threads.

    Reading, decoding, encoding and writing the run's own objects, as measured on the same workers
    just after it; of networks, the models alone are added, at the rate of their first pixels
    (unless they are left away).
    """
    limit, place = run.limit, 0 if processor else 1
    moved = sum(lap[place] for part, lap in limit.laps.items() if part != "compute")
    if models and "compute" in limit.laps and limit.kernel_pixels:
        moved += limit.laps["compute"][place] * limit.pixels / limit.kernel_pixels
    return moved / run.setting.lanes


def _split(run: Run) -> dict[str, float]:
    """Thread seconds by parts; together the threads times the seconds of the run."""
    split = dict.fromkeys(PARTS, 0.0)
    clock = 0.0
    for part, lap in run.laps.items():
        split[part] += lap.processor_s
        clock += lap.clock_s
    split[WAITING] = max(clock - sum(split.values()), 0.0)
    split[IDLE] = max(run.wall_s * run.setting.lanes - sum(split.values()), 0.0)
    return split


def _codec_rates(limits: Sequence[Run]) -> dict[str, float]:
    """Stored megabytes a second and thread of each part of the limit."""
    rates: dict[str, float] = {}
    for part, size in (
        ("read", "read_bytes"), ("decode", "read_bytes"),
        ("encode", "written_bytes"), ("write", "written_bytes"),
    ):  # fmt: skip
        found = [
            getattr(run.limit, size) / run.limit.laps[part].clock_s / 1e6  # type: ignore[index]
            for run in limits
            if part in run.limit.laps and run.limit.laps[part].clock_s > 0.0  # type: ignore[index]
        ]
        if found:
            rates[part] = median(found)
    return rates


def _with_efficiency(summaries: list[Summary]) -> list[Summary]:
    """Each with its rate a thread over that of the fewest threads of its workload and cut."""
    found = []
    for each in summaries:
        same = [
            s for s in summaries
            if (s.setting.workload, s.setting.cut) == (each.setting.workload, each.setting.cut)
        ]  # fmt: skip
        fewest = min(same, key=lambda s: (s.setting.lanes, s.setting.threads))
        if len(same) == 1:
            found.append(each)
            continue
        ours = each.mpx_s.median / each.setting.lanes
        found.append(replace(each, efficiency=ours / (fewest.mpx_s.median / fewest.setting.lanes)))
    return found


def noise_of(summaries: Sequence[Summary]) -> float:
    """How far repeats lie from their median: the median over settings, as a share."""
    halves = [s.wall_s.half for s in summaries if s.repeats > 1]
    return max(median(halves), LEAST_NOISE) if halves else LEAST_NOISE


def _recommend(summaries: list[Summary], noise: float, *, asked: Question) -> Recommendation:
    """Of one workload: the fastest, or what is as fast within the noise and takes less."""
    fastest = max(summaries, key=lambda s: s.mpx_s.median)
    noise = min(noise, MOST_SLOWER)
    near = [s for s in summaries if s.mpx_s.median >= fastest.mpx_s.median * (1.0 - noise)]
    chosen = min(near, key=lambda s: _cost(s, remote=not asked.scratch.is_local))
    setting = chosen.setting
    return Recommendation(
        setting.cut, setting.workers, setting.threads,
        _reason(chosen, fastest, near=len(near), noise=noise), setting.workload,
    )  # fmt: skip


def _cost(summary: Summary, *, remote: bool) -> tuple[float, ...]:
    """What counts among the equally fast: memory to 5 %, bytes, and objects of an object store."""
    coarse = round(summary.memory / (0.05 * summary.planned_bytes or 1.0))
    objects = float(summary.objects) if remote else 0.0
    return float(coarse), objects, float(summary.disk_bytes), -summary.mpx_s.median


def _reason(chosen: Summary, fastest: Summary, *, near: int, noise: float) -> str:
    ours = f"{rate(chosen.mpx_s.median)} Mpx/s"
    if chosen is fastest and near == 1:
        return f"the fastest, {ours}; no other setting is within {noise:.1%} of it"
    if chosen is fastest:
        return f"the fastest, {ours}; {_more(near, noise)}"
    less = f"{chosen.memory / 1e6:,.0f} MB of memory against {fastest.memory / 1e6:,.0f}"
    stored = f"{chosen.disk_bytes / 1e6:,.0f} MB on disk against {fastest.disk_bytes / 1e6:,.0f}"
    return (
        f"{ours}, as fast as the fastest ({rate(fastest.mpx_s.median)} Mpx/s, "
        f"{fastest.setting.cut}) within {noise:.1%}, with {less} and {stored}"
    )


def _more(near: int, noise: float) -> str:
    """Why none of the others that are as fast was taken."""
    others = "another one is" if near == 2 else f"{near - 1} others are"
    saves = "saves" if near == 2 else "save"
    return f"{others} as fast within {noise:.1%} but {saves} no memory, nor disk at equal memory"


def _overall(summaries: list[Summary], noise: float, asked: Question) -> Recommendation | None:
    """One setting for all workloads: the best mean of each one's rate over its fastest."""
    named = list(dict.fromkeys(s.setting.workload for s in summaries))
    if not named:
        return None
    if len(named) == 1:
        return replace(_recommend(summaries, noise, asked=asked), workload="")
    by: dict[tuple[Cut, int, int], dict[Workload, Summary]] = {}
    for s in summaries:
        by.setdefault((s.setting.cut, s.setting.workers, s.setting.threads), {})[
            s.setting.workload
        ] = s
    whole = {place: found for place, found in by.items() if len(found) == len(named)}
    if not whole:
        return None
    fastest = {w: max(s.mpx_s.median for s in summaries if s.setting.workload == w) for w in named}
    score = {
        place: geometric_mean(s.mpx_s.median / fastest[w] for w, s in found.items())
        for place, found in whole.items()
    }
    top = max(score.values())
    noise = min(noise, MOST_SLOWER)
    near = [place for place, value in score.items() if value >= top * (1.0 - noise)]

    def cost(place: tuple[Cut, int, int]) -> tuple[float, ...]:
        costs = [_cost(s, remote=not asked.scratch.is_local) for s in whole[place].values()]
        memory = max(each[0] for each in costs)
        return memory, *(sum(each[i] for each in costs) for i in (1, 2)), -score[place]

    chosen = min(near, key=cost)
    told = ", ".join(
        f"{w} {rate(s.mpx_s.median)} Mpx/s ({s.mpx_s.median / fastest[w]:.0%} of its fastest)"
        for w, s in whole[chosen].items()
    )
    among = "" if len(near) == 1 else f"; {_more(len(near), noise)}"
    return Recommendation(*chosen, f"{told}{among}")
