"""The table of statistics: one row a layer and group, in units people use."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, OUTSIDE_MARE, REASON_MASK, MapReason
from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import Quantity
from lunarscale.reduce.figures import NO_LAYER, NOTHING, figures_of, note_of
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.statistics import Cell, Statistics

#: Bin width of a mode and a histogram, in quanta, where none is asked for: 0.1 wt %, 0.002.
BIN_QUANTA = 20

#: What the note of a group says whose borders divide pixels, where cells were sampled too.
CELLS_BY_CENTRES = "areas by exact coverage, sampled cells by the centre of their pixel"


@dataclass(frozen=True)
class Row:
    """One layer in one group, weighted by true area.

    ``mean``, ``std`` (population), extremes, quantiles, whiskers, ``mode`` and ``mode_bin_width``
    are in ``units``. Stored values are steps of the quantum: a mean is the exact mean of them, a
    quantile that of a pixel and so within ``quantile_error``, half a quantum. The mode is the
    middle of the fullest bin, the lowest of equals; ``lunarscale.reduce.modes`` finds them all.
    Skewness and excess kurtosis are the population's (``reduce.shape``), as are the whiskers of
    box plots and the share of the area outside them. Shares are of area: ``valid_share`` of the
    group's area in the grid, the flagged ones of the valid area.

    ``mean_cells`` is the mean of the pixels at the centres of equal-area cells, the paper's way,
    and ``mean_difference`` what it is more than ``mean``. None where there is nothing to tell.
    """

    layer: str
    grouping: str
    group: str
    units: str
    _: KW_ONLY
    mean: float | None
    mean_cells: float | None = None
    mean_difference: float | None = None
    sampled_cells: int | None = None
    std: float | None
    skewness: float | None = None
    excess_kurtosis: float | None = None
    min: float | None
    p2_5: float | None
    p25: float | None
    median: float | None
    p75: float | None
    p97_5: float | None
    max: float | None
    quantile_error: float | None = None
    whisker_low: float | None = None
    whisker_high: float | None = None
    outside_whiskers_share: float | None = None
    mode: float | None
    mode_bin_width: float
    valid_area_km2: float
    area_km2: float
    valid_share: float | None
    valid_pixels: int
    pixels: int
    negative_share: float | None
    extrapolated_share: float | None
    outside_mare_share: float | None
    note: str


def finish(
    statistics: Statistics,
    quantities: Sequence[Quantity],
    *,
    bin_widths: Mapping[str, float] | None = None,
    sampled: Statistics | None = None,
    centred: Mapping[str, str] | None = None,
) -> list[Row]:
    """The table: layers in their order, in each the groupings, in each their groups.

    Parameters
    ----------
    statistics : Statistics
    quantities : sequence of Quantity
        What each layer shows, in the order of its layers.
    bin_widths : mapping of layer name to float, optional
        Widths for modes, in units; rounded to whole quanta, ``BIN_QUANTA`` where not given.
    sampled : Statistics, optional
        Of the same layers at the centres of equal-area cells; groupings that it lacks have none.
    centred : mapping of digest to digest, optional
        Of groupings that divide pixels: those by pixels' centres, which cells were sampled by. A
        row of theirs says so in its note.
    """
    # adding a group's atoms up once serves every layer
    groups = [
        _Group(
            label.name,
            name,
            statistics.group(position, number),
            _twin(sampled, (centred or {}).get(label.digest, label.digest), number),
            CELLS_BY_CENTRES if sampled and label.digest in (centred or {}) else "",
        )
        for position, label in enumerate(statistics.groupings)
        for number, name in enumerate(label.groups, start=1)
    ]
    layers = [
        _Layer(
            name,
            place,
            quantity,
            bin_quanta(quantity, (bin_widths or {}).get(name)),
            any(cell.layers[place].counts.weight for cell in statistics.cells.values()),
        )
        for place, (name, quantity) in enumerate(zip(statistics.layers, quantities, strict=True))
    ]
    unit_km2 = statistics.unit_km2
    return [group.row(layer, unit_km2=unit_km2) for layer in layers for group in groups]


class _Layer(NamedTuple):
    """A layer by its name and place, with its mode's bin, and whether it has a value anywhere."""

    name: str
    place: int
    quantity: Quantity
    bin_quanta: int
    anywhere: bool


def _twin(sampled: Statistics | None, digest: str, number: int) -> Cell | None:
    """The same group where cells were sampled; None where they were not."""
    for position, other in enumerate(sampled.groupings if sampled else ()):
        if sampled and other.digest == digest:
            return sampled.group(position, number)
    return None


class _Group(NamedTuple):
    """A group under its names; where it was sampled at cells too, that, and a remark on it."""

    grouping: str
    name: str
    cell: Cell
    sampled: Cell | None
    remark: str

    def row(self, layer: _Layer, *, unit_km2: float) -> Row:
        counts, flags = self.cell.layers[layer.place]
        # 0.005 is meant as 1/200, not as its nearest double
        step = Fraction(str(layer.quantity.quantum))
        valid, whole = counts.weight, self.cell.weight
        note = note_of(counts, flags, pixels=self.cell.pixels, unit_km2=unit_km2)
        if self.cell.pixels and not layer.anywhere:
            note = note.replace(NOTHING, NO_LAYER)
        figures = figures_of(counts, step, bin_quanta=layer.bin_quanta)
        return Row(
            layer.name,
            self.grouping,
            self.name,
            layer.quantity.units,
            **(figures | self._cells(layer.place, step)),  # type: ignore[arg-type]
            mode_bin_width=float(layer.bin_quanta * step),
            valid_area_km2=valid * unit_km2,
            area_km2=whole * unit_km2,
            valid_share=_share(valid, whole),
            valid_pixels=counts.pixels,
            pixels=self.cell.pixels,
            negative_share=_share(_flagged(flags, NEGATIVE), valid),
            extrapolated_share=_share(_flagged(flags, EXTRAPOLATED), valid),
            outside_mare_share=_share(_flagged(flags, OUTSIDE_MARE), valid),
            note="; ".join(filter(None, (note, self.remark))),
        )

    def _cells(self, place: int, step: Fraction) -> dict[str, float | None]:
        """The mean over cells' centres beside that over all pixels."""
        if self.sampled is None:
            return {}
        counts, own = self.sampled.layers[place].counts, self.cell.layers[place].counts
        if not counts.weight:
            return {"sampled_cells": 0}
        mean = counts.moments()[0] * step
        less = float(mean - own.moments()[0] * step) if own.weight else None
        return {
            "mean_cells": float(mean), "mean_difference": less, "sampled_cells": counts.weight,
        }  # fmt: skip


def bin_quanta(quantity: Quantity, bin_width: float | None = None) -> int:
    """Whole quanta, at least one, nearest to a bin width in units."""
    return BIN_QUANTA if bin_width is None else max(1, round(bin_width / quantity.quantum))


def histogram(
    counts: Histogram, quantity: Quantity, *, bin_width: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the valid area in bins of values, for plots.

    Parameters
    ----------
    counts : Histogram
        ``statistics.group(...).layers[...].counts``.
    quantity : Quantity
    bin_width : float, optional
        In units; rounded to whole quanta.

    Returns
    -------
    edges : ndarray of float64, (bin + 1,)
        In units; a bin holds its lower edge. One edge, and no bins, where there is no value.
    shares : ndarray of float64, (bin,)
        They sum to 1.
    """
    width = bin_quanta(quantity, bin_width)
    if not counts.weight:
        return np.zeros(1), np.zeros(0)
    first, areas = counts.binned(width)
    edges = (np.arange(len(areas) + 1.0) + first) * (width * quantity.quantum)
    return edges, areas.astype(np.float64) / counts.weight


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _flagged(flags: Histogram, bit: int) -> int:
    """Area of the values that carry a qualifier."""
    has_value = (flags.values & REASON_MASK) == MapReason.HAS_VALUE
    return int(flags.weights[has_value & (flags.values & bit != 0)].sum())


def areas_without_value_km2(flags: Histogram) -> dict[str, float]:
    """Area in square kilometres by the reason why there is no value, lower case, all reasons."""
    reasons = flags.values & REASON_MASK
    return {
        reason.name.lower(): weight_to_km2(int(flags.weights[reasons == reason].sum()))
        for reason in MapReason
        if reason is not MapReason.HAS_VALUE
    }


def qualified_areas_km2(flags: Histogram) -> dict[str, float]:
    """Area in square kilometres of the values that carry each qualifier."""
    qualifiers = {"negative": NEGATIVE, "extrapolated": EXTRAPOLATED, "outside_mare": OUTSIDE_MARE}
    return {name: weight_to_km2(_flagged(flags, bit)) for name, bit in qualifiers.items()}
