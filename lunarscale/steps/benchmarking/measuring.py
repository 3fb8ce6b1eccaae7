"""The measurement: every setting once, then every setting again, each beside its own limit."""

import platform
import random
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil
from distributed import performance_report

from lunarscale.clusters.opening import MEMORY_SHARE, ClusterChoice, open_cluster
from lunarscale.engine.outcome import Tale
from lunarscale.engine.record import now
from lunarscale.engine.run import Prepared, complain
from lunarscale.errors import ClusterError, ParametersError, PlanError
from lunarscale.steps.benchmarking.crews import Crew, Some, forget_peak, use
from lunarscale.steps.benchmarking.limits import Limit, MachineTask, middling
from lunarscale.steps.benchmarking.question import Question
from lunarscale.steps.benchmarking.records import Kept, Run, Session
from lunarscale.steps.benchmarking.scene import Scene, Tell, scene
from lunarscale.steps.benchmarking.settings import Setting

#: The order of settings within a repeat is drawn with this, so that it is the same every time.
SEED = 1994

#: Told the runs done, all there are, and which is on.
Progress = Callable[[int, int, str], None]

#: Dask's own report of one run of the recommended setting.
DASK_REPORT = "dask-report.html"


def crews_of(
    choice: ClusterChoice, workers: list[int] | None, threads: list[int] | None
) -> tuple[tuple[int, int], ...]:
    """Workers and threads to measure with; of a running cluster, those that it has.

    Raises
    ------
    ClusterError
        If the running cluster has fewer workers than are asked for, or none.
    ParametersError
        If its workers have another number of threads.
    """
    if choice.scheduler is None:
        asked = threads or [1]
        return tuple(
            (count, each)
            for each in asked
            for count in workers or [replace(choice, threads=each).worker_count]
        )
    with open_cluster(choice) as cluster:
        there = len(cluster.client.scheduler_info(n_workers=-1)["workers"])
        have = cluster.threads
    if threads not in (None, [have]):
        raise ParametersError(
            f"--threads: the workers at {choice.scheduler} have {have} threads each, which a bench "
            "cannot change; leave --threads away, or start workers with others"
        )
    if workers and max(workers) > there:
        raise ClusterError(
            f"the scheduler at {choice.scheduler} has {there} workers but --workers asks for "
            f"{max(workers)}; start more, or ask for fewer"
        )
    return tuple((count, have) for count in workers or [there])


def measure(
    asked: Question, kept: Kept, *, tell: Tell, progress: Progress,
    recommend: Callable[[], Setting | None],
) -> None:  # fmt: skip
    """Measure what is not kept yet, and keep it as it comes.

    Parameters
    ----------
    asked : Question
    kept : Kept
    tell, progress : callable
    recommend : callable
        The setting to make Dask's report of, once all is measured.
    """
    todo = kept.todo(asked.sweep.settings(), asked.repeats)
    if not todo:
        return
    random_ = random.Random(SEED)
    todo = sorted(todo, key=lambda each: (each[1], random_.random()))
    with ExitStack() as stack:
        crews, made = _prepare(asked, todo, stack, tell)
        session = _session(crews, todo, made)
        kept.sessions.append(session)
        done = 0
        for (setting, repeat), *others in _together(todo):
            progress(done, len(todo), setting.key)
            done += 1 + len(others)
            if setting.key in kept.left_out:
                continue
            beside = [other for other, _ in others]
            try:
                runs = _run(made, crews[setting.threads], setting, repeat=repeat, beside=beside)
            except PlanError as error:
                kept.left_out[setting.key] = str(error)
                continue
            for run in runs:
                kept.add(replace(run, session=session.name))
        progress(len(todo), len(todo), "")
        chosen = recommend()
        if chosen is not None and chosen.threads in crews:
            _report(made, crews[chosen.threads], chosen, asked.out / DASK_REPORT)


def _together(todo: list[tuple[Setting, int]]) -> Iterable[list[tuple[Setting, int]]]:
    """Runs of one setting by all number types: what one has made is packed in each of them."""
    found: dict[tuple[Setting, int], list[tuple[Setting, int]]] = {}
    for setting, repeat in sorted(todo, key=lambda each: each[0].dtype != "int16"):
        found.setdefault((replace(setting, dtype="int16"), repeat), []).append((setting, repeat))
    return sorted(found.values(), key=lambda each: todo.index(each[0]))


def _prepare(
    asked: Question, todo: list[tuple[Setting, int]], stack: ExitStack, tell: Tell
) -> tuple[dict[int, Crew], Scene]:
    """The crews that are measured, and the scene with all that they read.

    On this machine others make the inputs and go: what simulating takes must not count as memory
    of a run. A running cluster is not restarted, as others may use it.
    """
    tell(f"Making inputs in {len({setting.cut for setting, _ in todo})} cuts")
    if asked.choice.scheduler is not None:
        crews = _open_crews(asked, todo, stack, tell)
        made = stack.enter_context(scene(asked, _largest(crews), tell))
        made.make_ready(setting for setting, _ in todo)
        return crews, made
    with ExitStack() as making:
        most = max(todo, key=lambda each: each[0].lanes)
        crew = _largest(_open_crews(asked, [most], making, lambda text: None))
        made = stack.enter_context(scene(asked, crew, tell))
        made.make_ready(setting for setting, _ in todo)
    return _open_crews(asked, todo, stack, tell), made


def _largest(crews: Mapping[int, Crew]) -> Crew:
    return max(crews.values(), key=lambda crew: len(crew.addresses) * crew.threads)


def _open_crews(
    asked: Question, todo: list[tuple[Setting, int]], stack: ExitStack, tell: Tell
) -> dict[int, Crew]:
    """One crew for each number of threads, as large as any setting needs it."""
    most: dict[int, int] = {}
    for setting, _ in todo:
        most[setting.threads] = max(most.get(setting.threads, 0), setting.workers)
    share = int(MEMORY_SHARE * psutil.virtual_memory().available) // max(sum(most.values()), 1)
    crews: dict[int, Crew] = {}
    for threads, workers in most.items():
        if workers == 0:
            crews[threads] = Crew(None, 1, worker_bytes=psutil.virtual_memory().available)
            continue
        choice = replace(asked.choice, workers=workers, threads=threads)
        if choice.scheduler is None and choice.memory_limit is None and len(most) > 1:
            choice = replace(choice, memory_limit=str(share))
        start = perf_counter()
        cluster = stack.enter_context(open_cluster(choice))
        took = perf_counter() - start
        tell(f"Dask dashboard: {cluster.dashboard}")
        crews[threads] = Crew(
            cluster.client, threads, worker_bytes=cluster.worker_bytes, start_s=took
        )
    return crews


def _session(crews: Mapping[int, Crew], todo: list[tuple[Setting, int]], made: Scene) -> Session:
    machine, reset = {}, True
    for workers, threads in dict.fromkeys((s.workers, s.threads) for s, _ in todo):
        with crews[threads].some(workers) as some:
            reset &= all(some.each(forget_peak))
            found = some.at_once(MachineTask(made.at("machine"), threads))
            machine[f"{workers}x{threads}"] = middling(found)
    return Session(
        # A letter first: a reader of the CSV table takes 54264e01 for a number.
        f"s{uuid.uuid4().hex[:8]}", now(), platform.node(), processor(),
        {str(threads): crew.start_s for threads, crew in crews.items()}, machine, reset,
    )  # fmt: skip


def _run(
    made: Scene, crew: Crew, setting: Setting, *, repeat: int, beside: Sequence[Setting] = ()
) -> list[Run]:
    """One run, and its limit beside it; then the limits of other number types of the same.

    Raises
    ------
    PlanError
        If it does not fit a worker.
    """
    prepared = made.prepared(setting)
    prepared.plan.check(prepared.layout, threads=setting.threads, worker_bytes=crew.worker_bytes)
    share = setting.lanes / made.asked.sweep.most_lanes if setting.weak else 1.0
    jobs = prepared.jobs[: max(1, round(len(prepared.jobs) * share))]
    part = len(jobs) / len(prepared.jobs)
    with crew.some(setting.workers) as some:
        run = _timed(replace(prepared, jobs=jobs), some, setting)
        run = replace(run, repeat=repeat, decoded_bytes=round(run.decoded_bytes * part))
        limits = [
            _limit(made, some, each, jobs)
            if repeat > 0 or each.dtype != "int16" else Limit()
            for each in (setting, *beside)
        ]  # fmt: skip
    made.clear()
    return [
        _of_codec_alone(replace(run, setting=each, limit=limit))
        for each, limit in zip((setting, *beside), limits, strict=True)
    ]


def _timed(prepared: Prepared, some: Some, setting: Setting) -> Run:
    """A prepared run, timed from its first task to its last."""
    moments: list[float] = []
    used: list[float] = []

    def begin() -> Callable[[Any], Any]:
        task = prepared.begin()
        used.append(sum(each.processor_s for each in some.each(use)))
        moments.append(perf_counter())
        return task

    def finish(tale: Tale) -> None:
        moments.append(perf_counter())
        prepared.finish(tale)

    some.each(forget_peak)
    start = perf_counter()
    tale = replace(prepared, begin=begin, finish=finish).run(some.executor)
    whole = perf_counter() - start
    uses = some.each(use)
    complain(tale, f"bench, {setting.key}")
    wall = moments[1] - moments[0]
    plan = prepared.plan
    return Run(
        setting, 0, "", wall, whole - wall, tale.pixels, tale.done,
        plan.read_bytes + plan.write_bytes, {str(part): lap for part, lap in tale.laps.items()},
        sum(each.processor_s for each in uses) - used[0], max(each.peak_bytes for each in uses),
        plan.worker_bytes(setting.threads), Limit(),
    )  # fmt: skip


def _limit(made: Scene, some: Some, setting: Setting, jobs: list[Any]) -> Limit:
    task, windows = made.limit(setting, jobs)
    return some.executor.fold(task, windows, merge=Limit.merge, initial=Limit())


def _of_codec_alone(run: Run) -> Run:
    """A setting of another number type: its time is that of the codec and the store."""
    if run.setting.dtype == "int16":
        return run
    laps = {str(part): lap for part, lap in run.limit.laps.items() if part != "compute"}
    clock = sum(lap.clock_s for lap in laps.values())
    return replace(run, wall_s=clock / run.setting.lanes, laps=laps, fixed_s=0.0)


def _report(made: Scene, crew: Crew, setting: Setting, path: Path) -> None:
    """One more run, watched by Dask's profiler."""
    if crew.client is None:
        return
    prepared = made.prepared(setting)
    with (
        crew.some(setting.workers) as some,
        crew.client.as_current(),
        performance_report(filename=str(path), mode="inline"),
    ):
        complain(prepared.run(some.executor), f"bench, {setting.key}")
    made.clear()


def processor() -> str:
    """Name of the processor of this machine."""
    info = Path("/proc/cpuinfo")
    if sys.platform == "linux" and info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
