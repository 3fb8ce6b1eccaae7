"""A bench's page: what to use and why, figures, tables, what each word means."""

import platform
from pathlib import Path
from textwrap import wrap

import lunarscale
from lunarscale.engine.plan import giga
from lunarscale.engine.record import now
from lunarscale.plurals import several
from lunarscale.render.labels import NO_NUMBER, number
from lunarscale.render.page import MethodNote, Section, write_page
from lunarscale.render.page_parts import Entry
from lunarscale.render.tables import Table
from lunarscale.steps.benchmarking.figures import draw
from lunarscale.steps.benchmarking.finding import (
    LEAST_NOISE,
    MOST_SLOWER,
    Finding,
    Summary,
    rate,
)
from lunarscale.steps.benchmarking.measuring import DASK_REPORT
from lunarscale.steps.benchmarking.records import FILE
from lunarscale.steps.benchmarking.settings import Workload
from lunarscale.steps.benchmarking.tables import commands, write_tables

#: Characters of a line of a command.
_LINE = 60

_FILES = {
    "summary.csv": "one row a setting, as CSV",
    "summary.parquet": "the same as Parquet",
    "measurements.csv": "one row a setting and repeat, as CSV",
    "measurements.parquet": "the same as Parquet",
    FILE: "the records as they were kept; the next bench with this folder goes on from them",
}


def write_finding(finding: Finding) -> Path:
    """Write the tables, and the page with its figures where something was measured."""
    folder = finding.question.out
    write_tables(finding, folder)
    drawn = draw(finding, folder / "figures")
    sections = [Section("What to use", tuple(_advice(finding)))]
    for workload in finding.workloads:
        first, *others = drawn[workload]
        sections.append(Section(workload.capitalize(), (first, _rates(finding, workload), *others)))
    sections.append(Section("The machine", (_machine(finding), *_other_types(finding))))
    if finding.weak:
        sections.append(Section("Weak scaling", (_weak(finding),)))
    downloads = dict(_FILES)
    if (folder / DASK_REPORT).exists():
        downloads[DASK_REPORT] = (
            "Dask's own performance report of one more run of the recommended setting"
        )
    return write_page(
        folder,
        title=f"Bench: {finding.question.source}",
        provenance=_provenance(finding),
        notes=_notes(finding),
        sections=sections,
        summary=_summary(finding),
        downloads=downloads,
    )


def _summary(finding: Finding) -> str:
    made = (
        "The pixels are simulated, the times are measured. " if finding.question.simulated else ""
    )
    return (
        f"{made}Each setting was run {several(finding.question.repeats, 'time')} in turn with all "
        "others, beside its limit: the time that the same workers take only to read, unpack, pack "
        f"and write the same bytes. Repeats lie within {finding.noise:.1%} of their median."
    )


def _advice(finding: Finding) -> list[str | MethodNote]:
    overall = finding.overall
    told: list[str | MethodNote] = [*finding.caution]
    if overall is None:
        told.append("No setting was measured with every workload; the tables tell of each.")
    else:
        crew = f"{several(overall.workers, 'worker')} of {several(overall.threads, 'thread')}"
        told.append(
            MethodNote(
                f"Shards and chunks of {overall.cut}, {crew}",
                f"{overall.reason[0].upper()}{overall.reason[1:]}.",
                formula="\n".join(map(_in_lines, commands(overall, finding))),
            )
        )
    if len(finding.best) > 1:
        told += [
            f"For {best.workload} alone {best.cut}"
            + (
                f" with {several(best.workers, 'worker')} of {several(best.threads, 'thread')}"
                if len(finding.question.sweep.crews) > 1
                else ""
            )
            + f": {best.reason}."
            for best in finding.best
        ]
    told += [f"Not measured: {reason}" for reason in dict.fromkeys(finding.left_out.values())]
    return told


def _in_lines(command: str) -> str:
    """A command in short lines, which a shell takes as one."""
    return " \\\n".join(wrap(command, _LINE, break_on_hyphens=False, break_long_words=False))


def _rates(finding: Finding, workload: Workload) -> Table:
    found = finding.of(workload)
    has_crews = len(finding.question.sweep.crews) > 1
    headings = (
        "shard / chunk codec", *(("workers × threads",) if has_crews else ()), "Mpx/s", "± %",
        "MB/s a core", "share of limit, %", "by processor, %", "peak, MB", "of the plan, %",
        "read, MB", "written, MB", *(("efficiency, %",) if has_crews else ()),
    )  # fmt: skip
    rows = tuple(
        (
            str(s.setting.cut),
            *((f"{s.setting.workers} × {s.setting.threads}",) if has_crews else ()),
            *_rate(s),
            *((_percent(s.efficiency),) if has_crews else ()),
        )
        for s in found
    )
    return Table(
        f"{workload.capitalize()}: {found[0].pixels / 1e6:,.1f} Mpx in turns, the fastest first",
        headings,
        (("", rows),),
    )


def _rate(s: Summary) -> tuple[str, ...]:
    return (
        rate(s.mpx_s.median),
        _percent(s.mpx_s.half),
        number(s.mb_s_core.median, 0),
        _percent(s.share.median if s.limit_s else None),
        _percent(s.share_processor if s.limit_s else None),
        number(s.peak_bytes / 1e6, 0),
        _percent(s.peak_bytes / s.planned_bytes),
        number(s.read_bytes / 1e6, 1),
        number(s.written_bytes / 1e6, 1),
    )


def _percent(share: float | None) -> str:
    return NO_NUMBER if share is None else number(100.0 * share, 0)


def _machine(finding: Finding) -> Table:
    """What the threads do with nothing of ours, all at once."""
    headings = (
        "workers × threads", "memory copy, GB/s", "matrix product, GFLOP/s", "written, MB/s",
        "read back, MB/s", "flushed to disk, MB/s",
    )  # fmt: skip
    rows = tuple(
        (
            name.replace("x", " × "),
            number(made.copy_bytes / 1e9, 1),
            number(made.product_flop / 1e9, 1),
            *(number(v / 1e6, 0) for v in (made.write_bytes, made.read_bytes, made.flushed_bytes)),
        )
        for session in finding.sessions[-1:]
        for name, made in session.machine.items()
    )
    return Table("One thread's rate while all do the same", headings, (("", rows),))


def _other_types(finding: Finding) -> list[str | Table]:
    """Codec and store alone, by number type."""
    if not finding.others:
        return []
    alike = {
        (s.setting.cut, s.setting.lanes): s for s in finding.summaries
        if s.setting.workload == finding.others[0].setting.workload
    }  # fmt: skip
    sections = []
    for other in finding.others:
        ours = alike.get((other.setting.cut, other.setting.lanes))
        rows = tuple(
            (
                s.setting.dtype,
                number(s.pixels / s.codec_s / 1e6 if s.codec_s else None, 1),
                number(s.disk_bytes / s.pixels, 2),
                *(number(s.codec_mb_s.get(part), 0) for part in ("decode", "encode")),
            )
            for s in ((ours, other) if ours is not None else (other,))
        )
        sections.append((str(other.setting.cut), rows))
    headings = (
        "number type", "codec and store alone, Mpx/s", "bytes a pixel on disk",
        "decode, MB/s", "encode, MB/s",
    )  # fmt: skip
    named = finding.others[0].setting.workload
    return [
        "Stores keep int16 counts with a scale. The table shows what float32 would cost: the same "
        f"layers of {named} by codec and store alone; MB are those on disk, of one thread.",
        Table("Number types", headings, tuple(sections)),
    ]


def _weak(finding: Finding) -> Table:
    rows = tuple(
        (
            f"{s.setting.workload} {s.setting.cut}",
            f"{s.setting.workers} × {s.setting.threads}",
            number(s.pixels / 1e6, 1),
            rate(s.mpx_s.median),
            _percent(s.efficiency),
        )
        for s in sorted(
            finding.weak, key=lambda s: (s.setting.workload, s.setting.cut, s.setting.lanes)
        )
    )
    headings = ("setting", "workers × threads", "Mpx", "Mpx/s", "efficiency, %")
    return Table("Work in proportion to the threads", headings, (("", rows),))


def _notes(finding: Finding) -> list[MethodNote]:
    last = finding.sessions[-1]
    left = (
        "The workers of a scheduler have made the inputs too, and what that left behind counts: "
        "their peaks are higher than a run's own."
        if finding.question.choice.scheduler is not None
        else "Others made the inputs and are gone."
    )
    reset = (
        "The peak begins anew before each run, after the C library has handed back what it held."
        if last.peaks_reset
        else "This system does not let it begin anew, so it is of a worker's whole life so far."
    )
    networks = (
        "; of networks the models alone on their first pixels are added"
        if "networks" in finding.workloads
        else ""
    )
    return [
        MethodNote(
            "Names of settings",
            "2048 / 512 lz4:5:auto: shards (the files, one task each) of 2048 x 2048 pixels, in "
            "chunks (the least that is read) of 512 x 512, packed by Blosc's LZ4 at level 5; auto "
            "takes the filter that suits each layer.",
        ),
        MethodNote(
            "Share of the limit",
            "The limit's seconds over the run's. The limit is measured in the same bench just "
            "after each run, on all workers and threads at once: they read the same objects, "
            "decode their chunks, encode the chunks that the run made, and write them, and do "
            f"nothing else{networks}. By processor: the same of processor time, which other "
            "programs of the machine disturb less.",
            "share = (read + decode + encode + write) / threads / seconds of the run",
        ),
        MethodNote(
            "Rates",
            "From the first task to the last: making a store's documents and the record of the "
            "run is not in it (measurements.csv has it). Every setting runs once before any runs "
            "again, in an order drawn anew each time; the first run of each warms up and is not "
            "counted. MB are decoded bytes, read and written. What was written goes to the disk "
            "when the system likes; the machine's table has the rate of the disk itself.",
        ),
        MethodNote(
            "Where the time goes",
            "Each task takes laps of processor time and of the clock. The parts, waiting, and "
            "overhead and idle add up to the threads times the seconds.",
        ),
        MethodNote(
            "Memory",
            f"Most resident memory of a worker process. {reset} {left} All workloads and "
            "their limits run in the same workers, and what they have loaded and compiled stays: "
            "about a tenth more than the plan of a run of one workload was seen.",
        ),
        MethodNote(
            "What is recommended",
            "The fastest; of those as fast within the noise (and at most "
            f"{MOST_SLOWER:.0%} slower) the one with the least memory (to "
            "5 % of the plan), of object stores then the fewest objects, then the fewest bytes. "
            "The noise is the median, over settings, of half the range of their repeats, and at "
            f"least {LEAST_NOISE:.0%}. For several workloads, the geometric mean of each one's "
            "rate over its fastest.",
        ),
        MethodNote(
            "Efficiency",
            "Pixels a second and thread over those of the fewest threads measured with the same "
            "shard, chunk and codec.",
        ),
    ]  # fmt: skip


def _provenance(finding: Finding) -> dict[str, Entry]:
    asked, last = finding.question, finding.sessions[-1]
    starts = ", ".join(
        f"{seconds:.1f} s ({several(int(threads), 'thread')} a worker)"
        for threads, seconds in last.start_s.items()
    )
    calls = len(finding.sessions)
    return {
        "page": f"lunarscale {lunarscale.__version__}, {now()}",
        "pixels": asked.source,
        "machine": f"{last.host}, {last.processor}, {platform.system()}",
        "workers": asked.choice.scheduler or "a local cluster",
        "scratch": asked.scratch.url,
        "start of the cluster": starts,
        "memory a worker may take": giga(asked.choice.worker_bytes)
        if asked.choice.scheduler is None
        else "as the scheduler's workers have it",
        "measured in": "one call" if calls == 1 else f"{calls} calls; runs of different calls "
        "are not in turn with each other",
    }  # fmt: skip
