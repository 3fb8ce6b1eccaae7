"""A bench whose scratch place is a bucket: nothing of it is assumed to lie on this machine."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from s3_at_hand import Bucket

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.steps.bench import bench
from lunarscale.steps.benchmarking.question import ask
from lunarscale.steps.benchmarking.settings import Cut, Sweep

pytestmark = pytest.mark.s3


def test_a_bucket_is_measured_and_left_empty(
    s3: str, new_name: Callable[[], str], tmp_path: Path
) -> None:
    bucket = Bucket.new(s3, new_name())
    sweep = Sweep(("ingest", "statistics"), (Cut(64, 32),), crews=((0, 1),))
    question = ask(
        sweep, out=str(tmp_path / "bench"), size=128, repeats=1, choice=ClusterChoice(workers=0),
        scratch=bucket.url("scratch"), storage_options=bucket.options,
    )  # fmt: skip
    finding = bench(question)
    assert {summary.setting.workload for summary in finding.summaries} == set(sweep.workloads)
    limits = pd.read_parquet(tmp_path / "bench" / "measurements.parquet").dropna(
        subset="share_of_limit"
    )
    assert limits.share_of_limit.between(0.0, 1.0, inclusive="neither").all()
    assert (limits.disk_read_bytes > 0).all()
    assert bucket.url("scratch") in (tmp_path / "bench" / "index.html").read_text()
    assert bucket.objects("scratch") == {}
