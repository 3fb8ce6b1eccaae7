"""A bench on a terminal, and its tables as Parquet and CSV."""

import io
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lunarscale.engine.plan import giga
from lunarscale.steps.benchmarking.finding import (
    IDLE,
    PARTS,
    WAITING,
    Finding,
    Recommendation,
    Summary,
    limit_s,
    rate,
)
from lunarscale.steps.benchmarking.question import Question
from lunarscale.steps.benchmarking.records import Kept, Run
from lunarscale.steps.benchmarking.settings import Setting
from lunarscale.steps.saving import save

#: Settings of a workload that are listed on a terminal.
_LISTED = 12


def plan_pairs(asked: Question, kept: Kept) -> list[tuple[str, str]]:
    """What is about to be measured, as label and figure."""
    settings = asked.sweep.settings()
    todo = kept.todo(settings, asked.repeats)
    left = len({setting for setting, _ in todo})
    return [
        ("bench", asked.source),
        ("workloads", ", ".join(asked.sweep.workloads)),
        ("settings", f"{len(settings):,}, of which {len(settings) - left:,} are measured"),
        ("runs to do", f"{len(todo):,}: {asked.repeats} a setting and one that warms up"),
        ("scratch", f"{asked.scratch.url}, up to {giga(asked.scratch_bytes())}"),
        ("time", f"about {_minutes(asked.seconds(todo))}" if todo else "none: all is measured"),
    ]


def _minutes(seconds: float) -> str:
    if seconds < 90.0:
        return f"{max(round(seconds, -1), 10):.0f} s"
    return f"{seconds / 60.0:,.0f} min"


def settings_table(asked: Question, kept: Kept) -> Table:
    """Every setting, and whether it is measured."""
    todo = {setting for setting, _ in kept.todo(asked.sweep.settings(), asked.repeats)}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("workload", "shard", "chunk", "codec", "type", "workers", "threads", ""):
        number = heading in ("shard", "chunk", "workers", "threads")
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for setting in asked.sweep.settings():
        state = "" if setting in todo else "measured"
        table.add_row(*_place(setting), f"{state}{' weak scaling' if setting.weak else ''}".strip())
    return table


def _place(setting: Setting) -> tuple[str, ...]:
    cut = setting.cut
    return (
        setting.workload, str(cut.shard), str(cut.chunk), cut.codec, setting.dtype,
        str(setting.workers), str(setting.threads),
    )  # fmt: skip


def summary_tables(finding: Finding) -> list[Any]:
    """What was found, on a terminal: a table a workload, then what to use."""
    tables: list[Any] = [_workload_table(finding, workload) for workload in finding.workloads]
    lines = [f"Not measured: {reason}" for reason in dict.fromkeys(finding.left_out.values())]
    if finding.overall is not None:
        lines += [
            "MB/s: decoded, a core. limit: the time that codec and store take alone, of the run's. "
            "plan: the peak of what is planned.",
            *finding.caution,
        ]
        lines += [f"Use shards and chunks of {finding.overall.cut}: {finding.overall.reason}."]
    return [*tables, Group(*map(Text, lines))]


def _workload_table(finding: Finding, workload: Any) -> Table:
    found = finding.of(workload)
    more = f" ({len(found) - _LISTED} more in the table)" if len(found) > _LISTED else ""
    made = "SIMULATED Moon" if finding.question.simulated else "real pixels"
    table = Table(
        title=f"{workload}, {found[0].pixels / 1e6:,.1f} Mpx, {made}{more}", title_justify="left",
        box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1),
    )  # fmt: skip
    table.add_column("shard / chunk codec", no_wrap=True)
    several = len(finding.question.sweep.crews) > 1
    crew = ("w × t",) if several else ()
    for heading in (*crew, "Mpx/s", "±", "MB/s", "limit", "peak MB", "plan", "disk MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in found[:_LISTED]:
        setting = each.setting
        table.add_row(
            str(setting.cut),
            *((f"{setting.workers} × {setting.threads}",) if several else ()),
            rate(each.mpx_s.median),
            f"{each.mpx_s.half:.0%}",
            f"{each.mb_s_core.median:,.0f}",
            f"{each.share.median:.0%}" if each.limit_s else "",
            f"{each.peak_bytes / 1e6:,.0f}",
            f"{each.peak_bytes / each.planned_bytes:.0%}",
            f"{each.disk_bytes / 1e6:,.0f}",
        )
    return table


def commands(recommended: Recommendation, finding: Finding) -> list[str]:
    """The commands that use a recommendation."""
    cut, choice = recommended.cut, finding.question.choice
    cluster = (
        f"--scheduler {choice.scheduler}"
        if choice.scheduler is not None
        else f"--workers {recommended.workers} --threads {recommended.threads}"
    )
    if choice.tls is not None:
        cluster += f" --tls {shlex.quote(choice.tls)}"
    return [
        f"lunarscale ingest TILES --out mosaic.zarr {cut.options} {cluster}",
        f"lunarscale predict mosaic.zarr --out maps.zarr --codec {cut.codec} {cluster}",
    ]


def write_tables(finding: Finding, folder: Path) -> list[Path]:
    """``measurements`` (a row a run) and ``summary`` (a row a setting), each as Parquet and CSV."""
    asked = {setting.key for setting in finding.question.sweep.settings()}
    runs = [_run_row(run) for run in finding.runs if run.setting.key in asked]
    weak = [summary for summary in finding.weak if summary.setting.weak]
    every = [*finding.summaries, *weak, *finding.others]
    summaries = [_summary_row(summary, finding) for summary in every]
    return [*_write(runs, folder, "measurements"), *_write(summaries, folder, "summary")]


def _write(rows: Sequence[Mapping[str, Any]], folder: Path, name: str) -> list[Path]:
    # what was not measured is no number: a column of nothing else would have no type
    filled = [{k: math.nan if v is None else v for k, v in row.items()} for row in rows]
    frame, packed = pd.DataFrame(filled), io.BytesIO()
    frame.to_parquet(packed, index=False)
    return [
        save(folder / f"{name}.parquet", packed.getvalue()),
        save(folder / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n")),
    ]


def _setting_row(setting: Setting) -> dict[str, Any]:
    return {
        "workload": setting.workload,
        "shard": setting.cut.shard,
        "chunk": setting.cut.chunk,
        "codec": setting.cut.codec,
        "dtype": setting.dtype,
        "workers": setting.workers,
        "threads": setting.threads,
        "scaling": "weak" if setting.weak else "strong",
    }


def _run_row(run: Run) -> dict[str, Any]:
    spent = {f"{part}_processor_s": run.laps[part][0] if part in run.laps else 0.0
             for part in PARTS}  # fmt: skip
    clock = sum(lap[1] for lap in run.laps.values())
    inside = sum(lap[0] for lap in run.laps.values())
    limits = {f"limit_{part}_s": run.limit.laps[part][1] if part in run.limit.laps else None
              for part in ("read", "decode", "encode", "write", "compute")}  # fmt: skip
    return {
        **_setting_row(run.setting),
        "repeat": run.repeat,
        "warm_up": run.warms_up,
        "session": run.session,
        "wall_s": run.wall_s,
        "store_and_record_s": run.fixed_s,
        "pixels": run.pixels,
        "shards": run.shards,
        "Mpx_s": run.pixels / run.wall_s / 1e6,
        "decoded_MB_s_core": run.decoded_bytes / run.wall_s / run.setting.lanes / 1e6,
        "worker_processor_s": run.processor_s,
        **spent,
        "waiting_s": max(clock - inside, 0.0),
        "overhead_and_idle_s": max(run.wall_s * run.setting.lanes - max(clock, inside), 0.0),
        "peak_bytes": run.peak_bytes,
        "planned_bytes": run.planned_bytes,
        "disk_read_bytes": run.limit.read_bytes,
        "disk_written_bytes": run.limit.written_bytes,
        "objects_written": run.limit.objects,
        **limits,
        "limit_s": limit_s(run) if run.limit.pixels else None,
        "share_of_limit": limit_s(run) / run.wall_s if run.limit.pixels else None,
    }


def _summary_row(summary: Summary, finding: Finding) -> dict[str, Any]:
    best = {(r.workload, r.cut, r.workers, r.threads) for r in finding.best}
    s = summary.setting
    split = {f"{_word(part)}_s": summary.split[part] for part in (*PARTS, WAITING, IDLE)}
    return {
        **_setting_row(s),
        "repeats": summary.repeats,
        "Mpx_s": summary.mpx_s.median,
        "Mpx_s_least": summary.mpx_s.least,
        "Mpx_s_most": summary.mpx_s.most,
        "decoded_MB_s_core": summary.mb_s_core.median,
        "wall_s": summary.wall_s.median,
        "warm_up_s": summary.warm_up_s,
        **split,
        "workers_outside_tasks_s": summary.dask_s,
        "peak_bytes": summary.peak_bytes,
        "planned_bytes": summary.planned_bytes,
        "disk_read_bytes": summary.read_bytes,
        "disk_written_bytes": summary.written_bytes,
        "objects_written": summary.objects,
        "limit_s": summary.limit_s,
        "share_of_limit": summary.share.median,
        "share_of_limit_by_processor": summary.share_processor,
        "efficiency": summary.efficiency,
        "recommended": (s.workload, s.cut, s.workers, s.threads) in best and not s.weak
        and s.dtype == "int16",
    }  # fmt: skip


def _word(part: str) -> str:
    return part.replace(" ", "_")
