"""The tables of modes and of histograms: every layer in every group, in units."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.quantities import Quantity
from lunarscale.reduce.figures import NOTHING
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.modes import Mode, Modes, modes_of
from lunarscale.reduce.statistics import Statistics

#: Bins of the histograms that are written, in quanta.
FINE_QUANTA = 10


@dataclass(frozen=True)
class ModeRow:
    """A mode of one layer in one group; ``reduce.modes.Mode`` in units.

    ``height`` is the share of the area per unit. ``search_bandwidth`` is that of the density in
    which modes were sought and ``bandwidth`` that of the kernel through which this one was
    placed, by ``rule``: ``plug-in``, or ``given``. A group without values has one row that says
    so.
    """

    layer: str
    grouping: str
    group: str
    units: str
    rule: str
    number: int
    location: float | None = None
    low: float | None = None
    high: float | None = None
    height: float | None = None
    prominence: float | None = None
    area_share: float | None = None
    half_height_low: float | None = None
    half_height_high: float | None = None
    bandwidth: float | None = None
    merges_at_bandwidth: float | None = None
    search_bandwidth: float | None = None
    note: str = ""


class Layered(NamedTuple):
    """One layer's histogram in one group, with its names."""

    layer: str
    quantity: Quantity
    grouping: str
    group: str
    counts: Histogram


def each(
    statistics: Statistics, quantities: Sequence[Quantity], groupings: Collection[str]
) -> Iterator[Layered]:
    """Every layer in every group of some groupings, in the order of the table of statistics."""
    cells = [
        (label.name, name, statistics.group(position, number))
        for position, label in enumerate(statistics.groupings)
        if label.name in groupings
        for number, name in enumerate(label.groups, start=1)
    ]
    for place, (layer, quantity) in enumerate(zip(statistics.layers, quantities, strict=True)):
        for grouping, group, cell in cells:
            yield Layered(layer, quantity, grouping, group, cell.layers[place].counts)


def mode_rows(layered: Layered, *, bandwidth: float | None = None) -> list[ModeRow]:
    """All modes of one layer in one group, numbered from low values to high.

    Parameters
    ----------
    layered : Layered
    bandwidth : float, optional
        In units, instead of the rules'.
    """
    step = float(Fraction(str(layered.quantity.quantum)))
    given = None if bandwidth is None else bandwidth / step
    found = modes_of(layered.counts, bandwidth=given)
    names = layered.layer, layered.grouping, layered.group, layered.quantity.units
    rule = "plug-in" if bandwidth is None else "given"
    if not found.modes:
        return [ModeRow(*names, rule=rule, number=0, note=NOTHING)]
    return [
        _row(names, number, (mode, found), step=step, rule=rule)
        for number, mode in enumerate(found.modes, start=1)
    ]


def _row(
    names: tuple[str, str, str, str], number: int, of: tuple[Mode, Modes], *, step: float, rule: str
) -> ModeRow:
    mode, found = of
    return ModeRow(
        *names,
        number=number,
        location=mode.location * step,
        low=mode.low * step,
        high=mode.high * step,
        height=mode.height / step,
        prominence=mode.prominence,
        area_share=mode.share,
        half_height_low=mode.half_low * step,
        half_height_high=mode.half_high * step,
        bandwidth=mode.bandwidth * step,
        merges_at_bandwidth=None if mode.merges_at is None else mode.merges_at * step,
        search_bandwidth=found.bandwidth * step,
        rule=rule,
        note="all is one value" if not found.bandwidth else "",
    )


class Bins(NamedTuple):
    """A histogram in units: each bin holds ``low`` and what lies from there up to ``high``."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    weights: NDArray[np.int64]
    share: NDArray[np.float64]


def bins_of(layered: Layered) -> Bins:
    """The bins that hold something; edges are whole multiples of ``FINE_QUANTA`` quanta."""
    counts = layered.counts
    if not counts.weight:
        nothing = np.zeros(0)
        return Bins(nothing, nothing, np.zeros(0, np.int64), nothing)
    step = Fraction(str(layered.quantity.quantum)) * FINE_QUANTA
    first, weights = counts.binned(FINE_QUANTA)
    found = np.flatnonzero(weights)
    low = (found + first) * step.numerator / step.denominator
    high = (found + first + 1) * step.numerator / step.denominator
    return Bins(low, high, weights[found], weights[found] / counts.weight)
