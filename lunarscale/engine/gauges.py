"""What is measured of runs, by its names: the same from schedulers, workers and services.

Prometheus reads it, where ``prometheus_client`` is installed (the extra ``service``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One thing that is measured.

    Parameters
    ----------
    name : str
        What Prometheus calls it; a counter's ends in ``_total``.
    help : str
    field : str
        What ``News.as_row`` calls it.
    """

    name: str
    help: str
    field: str

    @property
    def counts(self) -> bool:
        """Whether it only grows."""
        return self.name.endswith("_total")


FIGURES = (
    Figure("lunarscale_shards_done_total", "Shards that the run has finished.", "shards_done"),
    Figure("lunarscale_shards_todo", "Shards that the run has to do, finished ones too.",
           "shards_todo"),
    Figure("lunarscale_pixels_done_total", "Pixels of finished shards.", "pixels_done"),
    Figure("lunarscale_bytes_read_total", "Bytes that finished shards read.", "bytes_read"),
    Figure("lunarscale_bytes_written_total", "Bytes that finished shards wrote.", "bytes_written"),
    Figure("lunarscale_run_mpx_per_second", "Millions of pixels a second since the run began.",
           "mpx_per_second"),
    Figure("lunarscale_run_share_of_limit",
           "Share of the tasks' time that reading, decoding, encoding and writing took, 0 to 1.",
           "share_of_limit"),
    Figure("lunarscale_memory_planned_bytes", "Memory that the plan gives a worker.",
           "memory_planned_bytes"),
    Figure("lunarscale_memory_peak_bytes", "Most memory that a worker was seen to take.",
           "memory_peak_bytes"),
    Figure("lunarscale_problems_total", "Problems of shards and tiles that the run told.",
           "problems"),
    Figure("lunarscale_retries_total", "Tasks of the run that had to run again.", "retries"),
    Figure("lunarscale_workers_lost_total", "Workers that left unasked while the run went.",
           "workers_lost"),
)  # fmt: skip

#: Run, verb and figures by their fields; one that is absent or None is not known here.
Row = Mapping[str, Any]
Rows = Callable[[], Iterable[Row]]


def families(rows: Iterable[Row]) -> Iterator[Any]:
    """The figures of runs as Prometheus' families; of rows of one run, the last one counts."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    known = {(row["run"], row["verb"]): row for row in rows}
    for figure in FIGURES:
        kind = CounterMetricFamily if figure.counts else GaugeMetricFamily
        family = kind(figure.name, figure.help, labels=["run", "verb"])
        for labels, row in known.items():
            if row.get(figure.field) is not None:
                family.add_metric(labels, row[figure.field])
        yield family


class _Exposed:
    """All that this process knows of runs; it may keep workers' books and a scheduler's panel."""

    def __init__(self) -> None:
        self.sources: list[Rows] = []

    def collect(self) -> Iterator[Any]:
        """What Prometheus asks for."""
        return families(row for source in self.sources for row in source())

    def describe(self) -> Iterator[Any]:
        """Names, without values."""
        return families(())


_exposed = _Exposed()


def expose(source: Rows) -> None:
    """Show runs on this process's ``/metrics``, where ``prometheus_client`` is installed."""
    try:
        from prometheus_client import REGISTRY
    except ModuleNotFoundError:
        return
    if not _exposed.sources:
        REGISTRY.register(_exposed)
    _exposed.sources.append(source)


def withdraw(source: Rows) -> None:
    """Show them no more."""
    if source not in _exposed.sources:
        return
    from prometheus_client import REGISTRY

    _exposed.sources.remove(source)
    if not _exposed.sources:
        REGISTRY.unregister(_exposed)
