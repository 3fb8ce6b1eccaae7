"""The whole Moon's benchmark, small: every step runs, is kept, and is not run again."""

import sys
from pathlib import Path

import pytest

from benchmarks.scaling import whole_moon
from benchmarks.scaling.whole_moon import LIMIT, Results
from lunarscale.clusters.opening import ClusterChoice

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux /proc here"),
]

STEPS = {"simulate", "ingest", "predict", "summarise", "cells"}


def test_it_goes_on_and_says_what_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["whole_moon", "--resolution-m", "40000", "--gore", "0", "--shard", "128",
               "--chunk", "64", "--folder", str(tmp_path), "--keep"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", command)
    part = list(whole_moon.cases(whole_moon.settings()))[:1]
    monkeypatch.setattr(whole_moon, "cases", lambda asked: part)
    monkeypatch.setattr(whole_moon, "CLUSTER", ClusterChoice(workers=1))
    whole_moon.main()
    kept = Results(tmp_path / "results.json").rows()
    assert {row.step for row in kept} == STEPS
    for row in kept:
        assert row.pixels > 0
        assert row.seconds > 0
        assert row.peak > 100_000_000
    (ingested,) = [row for row in kept if row.step == "ingest"]
    assert ingested.pixels == part[0].pixels
    assert all(ingested.laps.get(name, 0.0) > 0 for name in LIMIT if name != "decode")
    whole_moon.main()
    assert Results(tmp_path / "results.json").rows() == kept
    assert "a sixteenth: ingest" in capsys.readouterr().out
