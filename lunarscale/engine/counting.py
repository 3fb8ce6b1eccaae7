"""The task that takes all sums of one shard in one pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from lunarscale.engine.outcome import Outcome
from lunarscale.engine.plan import plan_sums
from lunarscale.engine.run import Prepared
from lunarscale.engine.sources import Source
from lunarscale.errors import LunarscaleError
from lunarscale.grid.raster import Window
from lunarscale.reduce.sums import Measure, sum_chunks


@dataclass(frozen=True)
class SumTask:
    """Takes sums of shards of one source, or of strips of them.

    Parameters
    ----------
    source : Source
    measures : mapping of str to Measure
        By the names that the sums will have.
    """

    source: Source
    measures: Mapping[str, Measure]

    def __call__(self, window: Window) -> Outcome:
        """Read one shard and sum it; a problem of the input comes back, it does not raise."""
        try:
            return self._sum(window)
        except LunarscaleError as problem:
            return Outcome(self.source.shard_name(window), problem=problem)

    def _sum(self, window: Window) -> Outcome:
        source = self.source
        shards = window.split(source.layout.shard)
        chunks = chain.from_iterable(map(source.chunks, shards))
        sums = sum_chunks(self.measures, source.layers, chunks, grid=source.grid, window=window)
        pixels = window.height * window.width
        return Outcome(
            source.shard_name(window),
            pixels=pixels,
            bytes_read=pixels * source.bytes_a_pixel,
            sums=sums,
            window=window,
        )


def prepare_sums(source: Source, measures: Mapping[str, Measure], *, verb: str) -> Prepared:
    """One pass over a source that takes all these sums, not begun.

    Parameters
    ----------
    source : Source
    measures : mapping of str to Measure
        By the names that they will have in ``Tale.sums``.
    verb : str
        Name of the step, for the plan.
    """
    return Prepared(
        plan=plan_sums(source, measures, verb=verb),
        layout=source.layout,
        begin=lambda: SumTask(source, measures),
        jobs=source.layout.windows(),
        reduces=True,
    )
