"""Bench: measure shards, chunks, codecs, workers and threads on one's own machine or cluster."""

from collections.abc import Callable

from lunarscale.steps.benchmarking.finding import Finding, find
from lunarscale.steps.benchmarking.measuring import Progress, measure
from lunarscale.steps.benchmarking.page import write_finding
from lunarscale.steps.benchmarking.question import Question
from lunarscale.steps.benchmarking.records import Kept
from lunarscale.steps.benchmarking.settings import Setting


def bench(
    asked: Question, *, overwrite: bool = False, tell: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda done, todo, name: None,
) -> Finding:  # fmt: skip
    """Measure every setting that is not measured yet, and write tables and the page.

    What is measured is kept as it comes: stopped, the tables hold what there is, and the next
    call goes on.

    Parameters
    ----------
    asked : Question
    overwrite : bool
        Begin anew where results are there.
    tell : callable
        Told, in words, what is made.
    progress : callable
        Told the runs done, all there are, and which is on.

    Raises
    ------
    ParametersError
        If the folder holds results of something else.
    PlanError
        If the scratch folder is too small.
    StoreError
        If a worker does not see the scratch place.
    ClusterError
        If no scheduler answers, or its workers go away.
    """
    kept = Kept(asked.out, asked.identity(), overwrite=overwrite)
    if kept.todo(asked.sweep.settings(), asked.repeats):
        asked.check_disk()

    def recommended() -> Setting | None:
        overall = find(asked, kept).overall
        if overall is None:
            return None
        workload = asked.sweep.workloads[0]
        return Setting(workload, overall.cut, "int16", overall.workers, overall.threads)

    try:
        measure(asked, kept, tell=tell, progress=progress, recommend=recommended)
    finally:
        finding = find(asked, kept)
        if finding.summaries or finding.others:
            write_finding(finding)
    return finding
