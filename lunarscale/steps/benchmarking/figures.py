"""A bench's figures: rates, where the time goes, memory, scaling."""

from collections.abc import Iterator
from pathlib import Path

from lunarscale.plurals import several
from lunarscale.render.bench_sheet import Bar, Words, draw_bars, draw_scaling, draw_stacks
from lunarscale.render.figure import Illustration
from lunarscale.steps.benchmarking.finding import Finding, Summary
from lunarscale.steps.benchmarking.settings import Workload

#: Cuts whose scaling is drawn: the fastest ones.
_SCALED = 5


def draw(finding: Finding, folder: Path) -> dict[Workload, list[Illustration]]:
    """All figures of all workloads, in the order of the page."""
    return {workload: list(_draw(finding, workload, folder)) for workload in finding.workloads}


def _draw(finding: Finding, workload: Workload, folder: Path) -> Iterator[Illustration]:
    found, name = finding.of(workload), f"{workload.capitalize()}"
    pixels = f"{found[0].pixels / 1e6:,.1f} Mpx, {kind_of(finding)}"
    chosen = {
        (r.cut, r.workers, r.threads) for r in finding.best if r.workload == workload
    }  # fmt: skip

    def is_chosen(s: Summary) -> bool:
        return (s.setting.cut, s.setting.workers, s.setting.threads) in chosen

    yield draw_bars(
        folder,
        [
            Bar(
                label_of(finding, s), s.mpx_s.median, s.mpx_s.least, s.mpx_s.most,
                s.pixels / s.limit_s / 1e6 if s.limit_s else None, is_chosen(s),
            )
            for s in found
        ],
        Words(
            f"{workload}-rates", workload, f"{name}: pixels a second", "Mpx/s",
            (f"{pixels}; median of {found[0].repeats} timed, lines from the least to the most",),
            f"Rates of {workload} by shard, chunk and codec. The red mark is the limit of the same "
            "bytes: the same workers only reading, decoding, encoding and writing them"
            + (", and running the networks alone." if workload == "networks" else "."),
            f"Bars of million pixels a second of {several(len(found), 'setting')}, each with its "
            "limit.",
        ),
        mark="the limit of the same bytes",
    )  # fmt: skip
    yield draw_stacks(
        folder,
        {
            label_of(finding, s): {part: 1e9 * t / s.pixels for part, t in s.split.items()}
            for s in found
        },
        Words(
            f"{workload}-split", workload, f"{name}: where the time goes",
            "nanoseconds of a thread, a pixel",
            (f"{pixels}; processor time by parts, medians; shorter is better",),
            "Processor time of the tasks by parts. Waiting: a task's thread was not on a processor "
            "(disk, lock, other programs). Overhead and idle: no task was on the thread.",
            f"Stacked bars of thread time a pixel of {several(len(found), 'setting')} by parts of "
            "the work.",
        ),
    )  # fmt: skip
    yield draw_bars(
        folder,
        [
            Bar(
                label_of(finding, s), s.peak_bytes / 1e6, s.peak_bytes / 1e6, s.peak_bytes / 1e6,
                s.planned_bytes / 1e6, is_chosen(s),
            )
            for s in found
        ],
        Words(
            f"{workload}-memory", workload, f"{name}: memory of a worker", "MB, the most resident",
            (f"{pixels}; the largest worker of all repeats",),
            "Peak resident memory of the largest worker. The red mark is what is planned for one "
            "that does nothing else; a plan of more than a worker has is refused beforehand.",
            f"Bars of a worker's peak memory of {several(len(found), 'setting')}, each with its "
            "plan.",
        ),
        mark="the plan",
    )  # fmt: skip
    if any(s.efficiency is not None for s in found):
        yield _scaling(finding, workload, folder)


def _scaling(finding: Finding, workload: Workload, folder: Path) -> Illustration:
    found = finding.of(workload)
    cuts = list(dict.fromkeys(s.setting.cut for s in found))[:_SCALED]
    lines = {}
    for cut in cuts:
        points: dict[int, float] = {}
        for s in found:
            if s.setting.cut == cut:
                lanes = s.setting.lanes
                points[lanes] = max(points.get(lanes, 0.0), s.mpx_s.median)
        lines[str(cut)] = sorted(points.items())
    told = f"the {len(cuts)} fastest cuts" if len(cuts) > 1 else f"shards and chunks of {cuts[0]}"
    return draw_scaling(
        folder, lines,
        Words(
            f"{workload}-scaling", workload, f"{workload.capitalize()}: strong scaling", "Mpx/s",
            (f"{told}; {kind_of(finding)}; the better of crews of as many threads",),
            "The same work by more threads, of one worker or several.",
            f"Lines of million pixels a second against threads of {several(len(cuts), 'setting')}.",
        ),
    )  # fmt: skip


def label_of(finding: Finding, summary: Summary) -> str:
    """A setting's name in figures and tables; workers and threads where they vary."""
    setting = summary.setting
    if len(finding.question.sweep.crews) == 1:
        return str(setting.cut)
    return f"{setting.cut}  {setting.workers} × {setting.threads}"


def kind_of(finding: Finding) -> str:
    """Whose pixels they are."""
    return "pixels of a simulated Moon" if finding.question.simulated else "pixels of a mosaic"
