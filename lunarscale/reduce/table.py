"""The table of statistics: one row a layer and group, in units people use."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lunarscale.flags import EXTRAPOLATED, NEGATIVE, OUTSIDE_MARE, REASON_MASK, MapReason
from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import Quantity
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.statistics import Cell, Statistics

#: Bin width of a mode and a histogram, in quanta, where none is asked for: 0.1 wt %, 0.002.
BIN_QUANTA = 20

#: What the note of a row without values says.
NOTHING = "no valid pixel"


@dataclass(frozen=True)
class Row:
    """One layer in one group, weighted by true area.

    ``mean``, ``std`` (population), extremes, quantiles, ``mode`` and ``mode_bin_width`` are in
    ``units``. Stored values are steps of the quantum: a mean is the exact mean of them, a
    quantile that of a pixel and so within half a quantum. The mode is the middle of the fullest
    bin, the lowest of equals. Shares are of area: ``valid_share`` of the group's area in the
    grid, the flagged ones of the valid area. None where there is nothing to tell.
    """

    layer: str
    grouping: str
    group: str
    units: str
    mean: float | None
    std: float | None
    min: float | None
    p2_5: float | None
    p25: float | None
    median: float | None
    p75: float | None
    p97_5: float | None
    max: float | None
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


QUANTILES = P2_5, P25, MEDIAN, P75, P97_5 = (
    Fraction(25, 1000),
    Fraction(1, 4),
    Fraction(1, 2),
    Fraction(3, 4),
    Fraction(975, 1000),
)


def finish(
    statistics: Statistics,
    quantities: Sequence[Quantity],
    *,
    bin_widths: Mapping[str, float] | None = None,
) -> list[Row]:
    """The table: layers in their order, in each the groupings, in each their groups.

    Parameters
    ----------
    statistics : Statistics
    quantities : sequence of Quantity
        What each layer shows, in the order of its layers.
    bin_widths : mapping of layer name to float, optional
        Widths for modes, in units; rounded to whole quanta, ``BIN_QUANTA`` where not given.
    """
    # adding a group's atoms up once serves every layer
    cells = [
        (label.name, group, statistics.group(position, number))
        for position, label in enumerate(statistics.groupings)
        for number, group in enumerate(label.groups, start=1)
    ]
    rows = []
    for layer, (name, quantity) in enumerate(zip(statistics.layers, quantities, strict=True)):
        width = bin_quanta(quantity, (bin_widths or {}).get(name))
        rows += [
            _row((name, grouping, group), cell, layer=layer, quantity=quantity, width=width)
            for grouping, group, cell in cells
        ]
    return rows


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


def _row(
    names: tuple[str, str, str], cell: Cell, *, layer: int, quantity: Quantity, width: int
) -> Row:
    counts, flags = cell.layers[layer]
    step = Fraction(str(quantity.quantum))  # 0.005 is meant as 1/200, not as its nearest double
    valid = counts.weight
    mean, variance = counts.moments() if valid else (None, None)
    quantiles = {q: float(counts.quantile(q) * step) if valid else None for q in QUANTILES}
    return Row(
        *names,
        quantity.units,
        mean=None if mean is None else float(mean * step),
        std=None if variance is None else math.sqrt(variance * step**2),
        min=float(counts.minimum * step) if valid else None,
        p2_5=quantiles[P2_5],
        p25=quantiles[P25],
        median=quantiles[MEDIAN],
        p75=quantiles[P75],
        p97_5=quantiles[P97_5],
        max=float(counts.maximum * step) if valid else None,
        mode=_mode(counts, step, width) if valid else None,
        mode_bin_width=float(width * step),
        valid_area_km2=weight_to_km2(valid),
        area_km2=weight_to_km2(cell.weight),
        valid_share=_share(valid, cell.weight),
        valid_pixels=counts.pixels,
        pixels=cell.pixels,
        negative_share=_share(_flagged(flags, NEGATIVE), valid),
        extrapolated_share=_share(_flagged(flags, EXTRAPOLATED), valid),
        outside_mare_share=_share(_flagged(flags, OUTSIDE_MARE), valid),
        note="" if valid else NOTHING,
    )


def _mode(counts: Histogram, step: Fraction, width: int) -> float:
    first, areas = counts.binned(width)
    return float((first + int(np.argmax(areas)) + Fraction(1, 2)) * width * step)


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


def to_csv(rows: Sequence[Row]) -> str:
    """The table as CSV: a header, a line a row, empty cells for None, floats that read back."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def to_json(rows: Sequence[Row]) -> str:
    """The table as a JSON list of objects, null for None."""
    return json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n"
