"""A bench in this process: what is measured, kept, written, and cleared away."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bench_at_hand import CUT, asked

from lunarscale.engine.executors import Serial
from lunarscale.errors import ParametersError, PlanError, StoreError
from lunarscale.grid.raster import Window
from lunarscale.steps.bench import bench
from lunarscale.steps.benchmarking import question as questions
from lunarscale.steps.benchmarking.crews import Crew, Look
from lunarscale.steps.benchmarking.limits import Limit
from lunarscale.steps.benchmarking.question import Question, fullest_piece
from lunarscale.steps.benchmarking.scene import scene
from lunarscale.steps.benchmarking.settings import Cut, Setting, Sweep
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

HERE = Crew(None, 1, worker_bytes=10**12)
ALL = Sweep(
    ("ingest", "statistics"), (CUT, Cut(32, 32, "zstd:1:shuffle")),
    ("int16", "float32"), ((0, 1),),
)  # fmt: skip


class Stopped(Exception):
    """As Ctrl-C, but for one bench only."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Question:
    """A bench of two workloads that has ended."""
    question = asked(tmp_path_factory.mktemp("bench") / "out", ALL)
    bench(question)
    return question


def rows(question: Question, name: str) -> pd.DataFrame:
    parquet = pd.read_parquet(question.out / f"{name}.parquet")
    csv = pd.read_csv(question.out / f"{name}.csv")
    pd.testing.assert_frame_equal(parquet, csv, check_dtype=False)
    return parquet


def test_a_row_a_setting_and_repeat(whole: Question) -> None:
    runs, summary = rows(whole, "measurements"), rows(whole, "summary")
    settings = len(whole.sweep.settings())
    assert settings == 6  # four of counts, and two of float32 by one of the workloads
    assert len(runs) == settings * (1 + whole.repeats)
    assert len(summary) == settings
    assert runs.warm_up.sum() == settings
    assert set(summary.workload) == {"ingest", "statistics"}
    timed = runs[~runs.warm_up & (runs["dtype"] == "int16")]
    assert (timed.pixels == 128 * 128).all()
    assert timed.share_of_limit.between(0.0, 1.0, inclusive="neither").all()
    assert (timed.worker_processor_s > 0.0).all()
    assert summary.recommended.sum() == 2


def test_the_parts_of_the_time_are_all_of_it(whole: Question) -> None:
    runs = rows(whole, "measurements")
    parts = [name for name in runs.columns if name.endswith("_processor_s")]
    parts.remove("worker_processor_s")
    parts += ["waiting_s", "overhead_and_idle_s"]
    lanes = runs.workers.clip(lower=1) * runs.threads
    np.testing.assert_allclose(runs[parts].sum(axis=1), runs.wall_s * lanes, rtol=0.02)


def test_repeats_are_interleaved(whole: Question) -> None:
    repeats = [
        run["repeat"] for run in json.loads((whole.out / "measured.json").read_text())["runs"]
    ]
    assert repeats == sorted(repeats)


def test_counts_take_fewer_bytes_than_float32(whole: Question) -> None:
    summary = rows(whole, "summary")
    ingest = summary[summary.workload == "ingest"].set_index(["dtype", "shard"])
    written = ingest.disk_written_bytes
    assert written["float32", 64] > written["int16", 64] > 0


def test_the_page_holds_what_was_found_and_the_scratch_is_gone(whole: Question) -> None:
    page = (whole.out / "index.html").read_text()
    assert "lunarscale ingest TILES --out mosaic.zarr --shard" in page
    assert "simulated" in page
    for workload in ALL.workloads:
        assert (whole.out / "figures" / f"{workload}-split.svg").exists()
    assert not (whole.out / "scratch").exists()


def test_nothing_is_measured_twice(whole: Question) -> None:
    before = (whole.out / "measured.json").read_bytes()
    told: list[str] = []
    finding = bench(whole, tell=told.append)
    assert not told
    assert (whole.out / "measured.json").read_bytes() == before
    assert len(finding.summaries) == 4


def test_other_results_are_not_mixed(whole: Question) -> None:
    with pytest.raises(ParametersError, match="these results are of 128 x 128 pixels of a simul"):
        bench(asked(whole.out, size=192))


def test_a_stopped_bench_keeps_what_it_has_and_goes_on(tmp_path: Path) -> None:
    sweep = Sweep(("statistics",), (CUT, Cut(32, 32)), crews=((0, 1),))
    question = asked(tmp_path / "out", sweep)

    def stop(done: int, todo: int, name: str) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        bench(question, progress=stop)
    assert len(rows(question, "measurements")) == 5
    assert not (tmp_path / "out" / "scratch").exists()
    first = json.loads((question.out / "measured.json").read_text())
    counted: list[int] = []
    finding = bench(question, progress=lambda done, todo, name: counted.append(todo))
    again = json.loads((question.out / "measured.json").read_text())
    timed = [run for run in first["runs"] if run["repeat"]]
    assert [run for run in again["runs"] if run in timed] == timed
    assert len(again["sessions"]) == 2
    assert set(counted) == {2}  # one setting had both; the other is warmed up for its last
    assert all(summary.repeats == 2 for summary in finding.summaries)
    assert bench(question, overwrite=True).sessions[0].name != first["sessions"][0]["name"]


def test_a_mosaic_is_cut_anew_without_a_change(tmp_path: Path) -> None:
    question = asked(tmp_path / "a", Sweep(("equations",), (CUT,), crews=((0, 1),)), size=160)
    with scene(question, HERE, lambda text: None) as first:
        mosaic = first.source(CUT)
        piece = fullest_piece(mosaic, 96)
        assert piece.height == piece.width == 96
        other = asked(
            tmp_path / "b", Sweep(("equations",), (Cut(48, 16, "zstd:3:bitshuffle"),)), size=96,
            mosaic=mosaic.location.url,
        )  # fmt: skip
        assert other.simulated
        with scene(other, HERE, lambda text: None) as second:
            anew = second.source(other.sweep.cuts[0])
            assert anew.grid.bounds() == mosaic.grid.bounds(other.piece)
            for name, band in (("reflectance", 0), ("reflectance", 4), ("flag", None)):
                want = mosaic.read(name, other.piece, band)
                assert np.array_equal(anew.read(name, Window(0, 0, 96, 96), band), want)
            assert (want != mosaic.array("flag").packing.fill_value).any()


def test_the_limit_moves_the_bytes_that_the_run_moved(tmp_path: Path) -> None:
    question = asked(tmp_path / "out")
    setting = Setting("equations", CUT, workers=0)

    def stored(cube: Cube, names: tuple[str, ...]) -> int:
        keys = cube.location.all_keys()
        return sum(cube.location.size(k) or 0 for k in keys if k.startswith(names))

    with scene(question, HERE, lambda text: None) as made:
        prepared = made.prepared(setting)
        prepared.run(Serial())
        task, jobs = made.limit(setting, prepared.jobs)
        limit = Serial().fold(task, jobs, merge=Limit.merge, initial=Limit())
        bands = tuple(f"reflectance/c/{plane.band}/" for plane in task.reads)
        assert len(bands) == 3
        read = stored(made.source(CUT), bands)
        written = stored(Cube.open(made.at("made.zarr")), ("FeO/c", "TiO2/c", "OMAT/c",
                         "FeO_flag/c", "TiO2_flag/c", "OMAT_flag/c"))  # fmt: skip
        assert not made.at("limit").all_keys()
    assert limit.pixels == 128 * 128
    # less indices and checksums, and chunks of one value
    assert 0.85 * read < limit.read_bytes <= read
    assert 0.6 * written < limit.written_bytes <= written
    assert set(limit.laps) == {"read", "decode", "encode", "write"}


def test_workers_that_do_not_see_the_scratch_place_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = asked(tmp_path / "out")
    blind = Location(str(tmp_path / "another"))

    class Blind(Look):
        def __init__(self, place: Location, token: str) -> None:
            super().__init__(blind, token)

    monkeypatch.setattr(f"{scene.__module__}.Look", Blind)
    with (
        pytest.raises(StoreError, match="1 of 1 workers do not see what is written there"),
        scene(question, HERE, lambda text: None),
    ):
        pass


def test_a_full_disk_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = asked(tmp_path / "out")
    usage = questions.shutil.disk_usage(tmp_path)._replace(free=question.scratch_bytes() - 1)
    monkeypatch.setattr(questions.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        PlanError, match=r"scratch has to hold up to .* but .* is free; use a small"
    ):
        bench(question)
    assert not question.out.exists()


def test_what_does_not_fit_a_worker_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    little = SimpleNamespace(available=100_000_000)
    memory = "lunarscale.steps.benchmarking.measuring.psutil.virtual_memory"
    monkeypatch.setattr(memory, lambda: little)
    finding = bench(asked(tmp_path / "out"))
    assert not finding.runs
    (reason,) = finding.left_out.values()
    assert "predict: a worker of 1 thread needs" in reason
