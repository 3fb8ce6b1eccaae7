"""The task that takes all sums of one shard in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from lunarscale.engine.outcome import Outcome
from lunarscale.engine.plan import plan_sums
from lunarscale.engine.run import Prepared
from lunarscale.engine.sources import Source
from lunarscale.engine.warm import some_of
from lunarscale.errors import LunarscaleError, TornError
from lunarscale.grid.raster import Window
from lunarscale.laps import lap, recording
from lunarscale.reduce.sums import Measure, sum_chunks
from lunarscale.urls.at_once import at_once


class SumJob(NamedTuple):
    """One shard to sum, or a strip of them: where, and what lay there when the run was planned.

    Parameters
    ----------
    window : Window
    content : str or None
        ``Source.content`` of it; None where something under it was not finished.
    """

    window: Window
    content: str | None


@dataclass(frozen=True)
class SumTask:
    """Takes sums of shards of one source, or of strips of them.

    What a shard holds is compared with the plan's before and after it is read: what is rewritten in
    mid-run is told, and never summed half old and half new.

    Parameters
    ----------
    source : Source
    measures : mapping of str to Measure
        By the names that the sums will have.
    """

    source: Source
    measures: Mapping[str, Measure]

    def __call__(self, job: SumJob) -> Outcome:
        """Read one shard and sum it; a problem of the input comes back, it does not raise."""
        with recording() as laps:
            try:
                outcome = self._sum(job)
            except LunarscaleError as problem:
                outcome = Outcome(self.source.shard_name(job.window), problem=problem)
        return replace(outcome, laps=laps)

    def rehearse(self) -> None:
        """Sum a few chunks, and forget them: a process is ready then for its first job.

        Raises
        ------
        LunarscaleError
            Where a job would find the same.
        """
        source = self.source
        for window in some_of(source.layout.windows()):
            chunk = next(iter(source.chunks(next(iter(window.split(source.layout.chunk))))))
            sum_chunks(self.measures, source.layers, [chunk], grid=source.grid, window=window)

    def _sum(self, job: SumJob) -> Outcome:
        source, window = self.source, job.window
        source.require_seen()
        self._require_same(job)
        shards = window.split(source.layout.shard)
        chunks = chain.from_iterable(map(source.chunks, shards))
        with lap("count"):
            sums = sum_chunks(self.measures, source.layers, chunks, grid=source.grid, window=window)
        self._require_same(job)
        pixels = window.height * window.width
        return Outcome(
            source.shard_name(window),
            pixels=pixels,
            bytes_read=pixels * source.bytes_a_pixel,
            sums=sums,
            window=window,
        )

    def _require_same(self, job: SumJob) -> None:
        found = self.source.content(job.window)
        if found is None or found != job.content:
            raise TornError(
                f"{self.source.name}: what lies under shard {self.source.shard_name(job.window)} "
                "has been written anew, or taken back, since this run began; let no run write "
                "there meanwhile, then run this command again"
            )


def prepare_sums(
    source: Source,
    measures: Mapping[str, Measure],
    *,
    verb: str,
    windows: Sequence[Window] | None = None,
) -> Prepared:
    """One pass over a source that takes all these sums, not begun.

    Parameters
    ----------
    source : Source
    measures : mapping of str to Measure
        By the names that they will have in ``Tale.sums``.
    verb : str
        Name of the step, for the plan.
    windows : sequence of Window, optional
        What a task takes each, in their order; the source's shards if not given.
    """
    windows = source.layout.windows() if windows is None else windows
    contents = at_once(source.content, windows)
    return Prepared(
        plan=plan_sums(source, measures, verb=verb),
        layout=source.layout,
        begin=lambda: SumTask(source, measures),
        jobs=[SumJob(*job) for job in zip(windows, contents, strict=True)],
        reduces=True,
    )
