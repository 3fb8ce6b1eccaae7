"""`lunarscale bench` for a stranger: plans, refusals, a scheduler that runs already."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from cli_at_hand import lunarscale, refused
from distributed import Client

SMALL = ("--size", "256", "--shards", "128", "--chunks", "64", "--codecs", "lz4", "--repeats", "1")


def test_a_dry_run_lists_settings_and_makes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "bench"
    given = ("--chunks", "128,256", "--codecs", "lz4", "--workers", "1,2", "--out", out)
    text = lunarscale("bench", "--dry-run", "--shards", "512,1024", *given).stdout
    words = " ".join(text.split())
    assert "4,096 x 4,096 pixels of a simulated Moon" in words
    # two workloads, four cuts, two crews; float32 with one of each
    assert "settings 20, of which 0 are measured" in words
    assert len(re.findall(r"^ +(equations|statistics) ", text, flags=re.M)) == 20
    assert re.search(r"up to [\d.]+ GB", words)
    assert re.search(r"about \d+ (s|min)", words)
    assert "stand idle" not in words
    assert not out.exists()


def test_usual_shards_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    text = lunarscale("bench", "--dry-run", "--size", "1024", "--out", tmp_path / "bench").stdout
    assert set(re.findall(r"^ +(?:equations|statistics) +(\d+)", text, flags=re.M)) == {"1024"}
    assert " ".join(text.split()).count("shards of 1024 pixels: 1 for") == 1
    told = refused("bench", "--size", "1024", "--shards", "1024,2048", "--out", tmp_path / "bench")
    assert "a shard of 2048 is larger than the piece" in told
    assert "use a larger --size or smaller --shards" in told
    told = refused("bench", "--size", "512", "--out", tmp_path / "bench")
    assert "a shard of 1024 is larger than the piece" in told


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            ("--workload", "maps"),
            "there is no such workload; there are ingest, equations, networks",
        ),
        (("--shards", "100", "--chunks", "64"), "each chunk must divide each shard"),
        (("--codecs", "gzip"), "the compressors are lz4, lz4hc"),
        (("--dtypes", "int8"), "stores keep int16 counts"),
        (("--workers", "two"), "two is no whole number of at least 0"),
        (("--threads", "0"), "0 is no whole number of at least 1"),
        (("--shards", "8192", "--chunks", "512"), "is larger than the piece of 4096 x 4096 pixels"),
        (("nothing.zarr",), "a lunarscale store was expected but there is nothing"),
        (("nothing.zarr", "--workload", "ingest"), "it is measured on simulated tiles"),
        (("--out", "s3://bucket/bench"), "a folder of this machine is needed, not a URL"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    given: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in refused("bench", *given)
    assert not list(tmp_path.iterdir())


@pytest.mark.cluster
def test_a_running_scheduler_is_measured_with_some_of_its_workers(
    two_workers: Client, tmp_path: Path
) -> None:
    out, scratch = tmp_path / "bench", tmp_path / "seen-by-all"
    address = two_workers.scheduler.address
    cluster = ("--scheduler", address)
    assert "name a --scratch that every worker" in refused("bench", *cluster, *SMALL, "--out", out)
    told = refused("bench", *cluster, *SMALL, "--threads", "2", "--scratch", scratch)
    assert "have 1 threads each, which a bench cannot change" in told
    told = refused("bench", *cluster, *SMALL, "--workers", "3", "--scratch", scratch)
    assert "has 2 workers but --workers asks for 3" in told
    given = (*SMALL, "--workers", "1,2", "--weak", "--workload", "equations", "--out", out)
    text = lunarscale("bench", *cluster, *given, "--scratch", scratch).stdout
    assert f"--codec lz4:5:auto --scheduler {address}" in " ".join(text.split())
    rows = pd.read_parquet(out / "summary.parquet")
    counts = rows[rows["dtype"] == "int16"]
    assert sorted(counts[counts.scaling == "strong"].workers) == [1, 2]
    assert list(counts[counts.scaling == "weak"].workers) == [1]
    assert (counts.share_of_limit > 0.0).all()
    # half of the shards for half of the workers
    runs = pd.read_parquet(out / "measurements.parquet")
    assert set(runs[runs.scaling == "weak"].pixels) == {256 * 256 // 2}
    assert "Bokeh" in (out / "dask-report.html").read_text()
    assert "dask-report.html" in (out / "index.html").read_text()
    assert not list(scratch.glob("*"))  # nothing is left


@pytest.mark.cluster
def test_ctrl_c_leaves_what_is_measured(tmp_path: Path, hears_ctrl_c: Callable[[], None]) -> None:
    out = tmp_path / "bench"
    command = [sys.executable, "-m", "lunarscale.cli", "bench", *SMALL, "--workload", "statistics"]
    command += ["--repeats", "500", "--dtypes", "int16", "--workers", "1", "--out", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hears_ctrl_c
    ) as process:
        deadline = time.monotonic() + 300.0
        while (
            not (out / "measured.json").exists()
            or '"repeat": 2' not in (out / "measured.json").read_text()
        ):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)  # another process is waited for
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "what is finished is kept; run it again, without --overwrite" in errors
    assert len(pd.read_csv(out / "measurements.csv")) >= 2
    assert (out / "index.html").exists()
    assert not (out / "scratch").exists()
