"""What is said of measurements: medians, shares, efficiency, and which setting to use."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench_at_hand import CUT, asked, kept, made
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.errors import FormatError, ParametersError
from lunarscale.laps import Lap
from lunarscale.steps.benchmarking import settings as words
from lunarscale.steps.benchmarking.crews import forget_peak, use
from lunarscale.steps.benchmarking.finding import (
    IDLE,
    LEAST_NOISE,
    WAITING,
    Finding,
    find,
)
from lunarscale.steps.benchmarking.page import write_finding
from lunarscale.steps.benchmarking.records import Kept, Run
from lunarscale.steps.benchmarking.settings import Cut, Setting, Sweep
from lunarscale.steps.benchmarking.tables import commands

BIG, SMALL, ZSTD = Cut(128, 32), CUT, Cut(64, 32, "zstd:1:auto")


def measured(setting: Setting, walls: tuple[float, ...] = (1.0, 1.0), **given: object) -> list[Run]:
    """A warm-up of nine seconds, and repeats that took so long."""
    return [
        made(setting, repeat, wall_s=wall, **given) for repeat, wall in enumerate((9.0, *walls))
    ]


def found(folder: Path, sweep: Sweep, runs: list[Run]) -> Finding:
    question = asked(folder / "out", sweep)
    return find(question, kept(question, runs))


def of_cuts(folder: Path, *runs: list[Run]) -> Finding:
    cuts = tuple(dict.fromkeys(each[0].setting.cut for each in runs))
    sweep = Sweep(("equations",), cuts, crews=((2, 1),))
    return found(folder, sweep, [run for each in runs for run in each])


def at(cut: Cut, workload: words.Workload = "equations", workers: int = 2) -> Setting:
    return Setting(workload, cut, workers=workers)


def test_medians_leave_the_warm_up_out(tmp_path: Path) -> None:
    (summary,) = of_cuts(tmp_path, measured(at(SMALL), (1.0, 4.0, 2.0))).summaries
    assert (summary.wall_s.median, summary.wall_s.least, summary.wall_s.most) == (2.0, 1.0, 4.0)
    assert summary.mpx_s.median == 0.5
    assert summary.warm_up_s == 9.0
    assert summary.mb_s_core.median == pytest.approx(15.0 / 2.0 / 2)


def test_the_share_is_the_limits_time_over_the_runs(tmp_path: Path) -> None:
    (summary,) = of_cuts(tmp_path, measured(at(SMALL), (1.0, 1.0))).summaries
    # 0.5 s of threads, on two of them
    assert summary.limit_s == pytest.approx(0.25)
    assert summary.share.median == pytest.approx(0.25)
    assert summary.share_processor == pytest.approx(0.5)


def test_networks_have_the_models_alone_in_their_limit(tmp_path: Path) -> None:
    limit = made(at(SMALL), 1).limit
    limit = replace(limit, laps={**limit.laps, "compute": Lap(0.1, 0.1)}, kernel_pixels=200_000)
    sweep = Sweep(("networks",), (SMALL,), crews=((2, 1),))
    runs = measured(at(SMALL, "networks"), limit=limit)
    (summary,) = found(tmp_path, sweep, runs).summaries
    assert summary.limit_s == pytest.approx((0.5 + 5 * 0.1) / 2)
    assert summary.codec_s == pytest.approx(0.5 / 2)


@given(st.floats(0.8, 5.0), st.integers(1, 3))
def test_the_split_adds_up_to_the_threads_time(wall: float, workers: int) -> None:
    folder = Path("nowhere")
    sweep = Sweep(("equations",), (SMALL,), crews=((workers, 1),))
    (summary,) = found(folder, sweep, measured(at(SMALL, workers=workers), (wall,))).summaries
    # laps of the records at hand: 0.9 s by the clock, 0.8 s of a processor
    assert sum(summary.split.values()) == pytest.approx(max(wall * workers, 0.9))
    assert summary.split[WAITING] == pytest.approx(0.1)
    assert summary.split[IDLE] == pytest.approx(max(wall * workers - 0.9, 0.0), abs=1e-9)


def test_the_fastest_is_recommended(tmp_path: Path) -> None:
    finding = of_cuts(tmp_path, measured(at(SMALL), (2.0, 2.0)), measured(at(BIG), (1.0, 1.01)))
    (best,) = finding.best
    assert best.cut == BIG
    assert best.reason.startswith("the fastest, 0.995 Mpx/s; no other setting is within")
    assert finding.overall is not None
    assert finding.overall.cut == BIG


def test_among_the_equally_fast_less_memory_then_fewer_bytes(tmp_path: Path) -> None:
    walls = (1.0, 1.08)
    fastest = measured(at(BIG), (1.0, 1.07), peak_bytes=700_000_000)
    small = measured(at(SMALL), walls)
    limit = replace(small[0].limit, written_bytes=5)
    packed = measured(at(ZSTD), walls, limit=limit)
    finding = of_cuts(tmp_path, fastest, small, packed)
    assert finding.noise == pytest.approx(0.037, abs=0.003)
    (best,) = finding.best
    assert best.cut == ZSTD
    assert "as fast as the fastest (0.967 Mpx/s, 128 / 32 lz4:5:auto)" in best.reason
    assert of_cuts(tmp_path, fastest, small).best[0].cut == SMALL
    # memory within 5 % of the plan is the same
    hardly = measured(at(SMALL), walls, peak_bytes=501_000_000)
    assert of_cuts(tmp_path, hardly, packed).best[0].cut == ZSTD


def test_a_loud_machine_does_not_recommend_what_is_slow(tmp_path: Path) -> None:
    fast = measured(at(BIG), (1.0, 3.0), peak_bytes=900_000_000)
    slow = measured(at(SMALL), (1.5, 3.5))
    finding = of_cuts(tmp_path, fast, slow)
    assert finding.noise > 0.3
    assert finding.best[0].cut == BIG
    (caution,) = finding.caution
    assert "this is no firm advice" in caution
    page = write_finding(finding).read_text()
    assert caution in page
    assert not of_cuts(tmp_path, measured(at(BIG)), measured(at(SMALL))).caution


def test_why_none_of_the_equally_fast_was_taken(tmp_path: Path) -> None:
    more = measured(at(BIG), peak_bytes=700_000_000)
    reason = of_cuts(tmp_path, measured(at(SMALL)), more).best[0].reason
    assert reason.endswith("another one is as fast within 1.0% but saves no memory, nor disk at "
                           "equal memory")  # fmt: skip
    third = measured(at(ZSTD), peak_bytes=700_000_000)
    reason = of_cuts(tmp_path, measured(at(SMALL)), more, third).best[0].reason
    assert "2 others are as fast within 1.0% but save no memory" in reason


def test_the_page_says_what_a_schedulers_workers_held_before(tmp_path: Path) -> None:
    finding = of_cuts(tmp_path, measured(at(SMALL)))
    assert "Others made the inputs and are gone" in write_finding(finding).read_text()
    choice = ClusterChoice("tls://192.0.2.2:8786", tls="my keys")
    finding = replace(finding, question=replace(finding.question, choice=choice))
    page = write_finding(finding).read_text()
    assert "made the inputs too, and what that left behind counts" in page
    assert finding.overall is not None
    for command in commands(finding.overall, finding):
        assert command.endswith("--scheduler tls://192.0.2.2:8786 --tls 'my keys'")


def test_one_setting_for_all_workloads_is_the_best_on_the_whole(tmp_path: Path) -> None:
    sweep = Sweep(("equations", "statistics"), (SMALL, BIG), crews=((2, 1),))
    runs = [
        *measured(at(SMALL), (1.0, 1.0)),
        *measured(at(BIG), (1.2, 1.2)),
        *measured(at(SMALL, "statistics"), (2.0, 2.0)),
        *measured(at(BIG, "statistics"), (1.0, 1.0)),
    ]
    finding = found(tmp_path, sweep, runs)
    assert [best.cut for best in finding.best] == [SMALL, BIG]
    assert finding.overall is not None
    assert finding.overall.cut == BIG
    assert "83% of its fastest" in finding.overall.reason
    # one of them is not measured with all: nothing is said of all
    only = [run for run in runs if run.setting != at(BIG)]
    alone = found(tmp_path, sweep, [r for r in only if r.setting != at(SMALL, "statistics")])
    assert alone.overall is None


def test_efficiency_is_of_the_rate_a_thread(tmp_path: Path) -> None:
    sweep = Sweep(("equations",), (SMALL,), crews=((1, 1), (2, 1)), weak=True)
    weak = replace(at(SMALL, workers=1), weak=True)
    runs = [
        *measured(at(SMALL, workers=1), (1.0, 1.0)),
        *measured(at(SMALL), (0.625, 0.625)),
        *measured(weak, (0.5, 0.5), pixels=500_000),
    ]
    finding = found(tmp_path, sweep, runs)
    assert {s.setting.workers: s.efficiency for s in finding.summaries} == {
        1: 1.0, 2: pytest.approx(0.8),
    }  # fmt: skip
    assert [s.setting.weak for s in finding.weak] == [True, False]
    assert finding.weak[1].efficiency == pytest.approx(0.8)


def test_no_machine_is_believed_to_be_silent(tmp_path: Path) -> None:
    assert of_cuts(tmp_path, measured(at(SMALL))).noise == LEAST_NOISE


def test_records_read_back(tmp_path: Path) -> None:
    question = asked(tmp_path / "out")
    records = kept(question, measured(at(SMALL)))
    records.write()
    again = Kept(question.out, question.identity())
    assert again.runs == records.runs
    assert again.sessions == records.sessions
    assert Kept(question.out, question.identity(), overwrite=True).runs == []
    (question.out / "measured.json").write_text("{}")
    with pytest.raises(ParametersError, match="this is no file of a bench's results"):
        Kept(question.out, question.identity())


def test_what_lacks_is_measured_in_turns(tmp_path: Path) -> None:
    question = asked(tmp_path / "out")
    one, two = at(SMALL), at(BIG)
    todo = kept(question, measured(one, (1.0,))).todo([one, two], 2)
    assert todo == [(one, 0), (two, 0), (two, 1), (one, 2), (two, 2)]


def test_every_combination_comes_once() -> None:
    sweep = Sweep(
        ("equations", "statistics"), (SMALL, BIG, ZSTD), ("int16", "float32"), ((1, 1), (2, 1)),
        weak=True,
    )  # fmt: skip
    settings = sweep.settings()
    assert len(settings) == len(set(settings)) == 2 * 3 * (2 + 1) + 3
    assert {s.workload for s in settings if s.dtype == "float32"} == {"equations"}
    assert all(s.workers == 1 for s in settings if s.weak)
    assert len({s.key for s in settings}) == len(settings)


@pytest.mark.parametrize(
    ("read", "error", "sentence"),
    [
        (lambda: words.workloads("maps"), ParametersError, "there are ingest, equations, networks"),
        (lambda: words.workloads(" , "), ParametersError, "nothing is named"),
        (lambda: words.number_types("int8"), ParametersError, "stores keep int16 counts"),
        (lambda: words.numbers("512,1k", "--chunks"), ParametersError, "1k is no whole number"),
        (lambda: words.numbers("0", "--shards"), ParametersError, "0 is no whole number of at"),
        (lambda: words.cuts([512], [384], ["lz4"]), ParametersError, "each chunk must divide each"),
        (lambda: words.cuts([512], [256], ["brotli"]), FormatError, "the compressors are lz4"),
    ],
)
def test_what_cannot_be_measured_is_refused(read, error, sentence) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=sentence):
        read()


def test_lists_are_read_once_each() -> None:
    assert words.numbers("512, 256,512", "--chunks") == [512, 256]
    assert words.workloads("statistics,ingest") == ("ingest", "statistics")
    assert len(words.cuts([512], [256], ["lz4", "lz4:5", "zstd"])) == 2


def test_the_peak_begins_anew() -> None:
    if not forget_peak():
        pytest.skip("this system does not let the peak of memory begin anew")
    before = use().peak_bytes
    held = bytearray(b"x") * 300_000_000
    most = use().peak_bytes
    del held
    forget_peak()
    after = use().peak_bytes
    assert most - before > 250_000_000
    assert most - after > 250_000_000
