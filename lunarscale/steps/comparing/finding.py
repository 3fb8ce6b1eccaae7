"""What `compare` has found: sums of both maps and their difference, and what is read off them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lunarscale.engine.pair_source import DIFFERENCE
from lunarscale.grid.raster import weight_to_km2
from lunarscale.reduce import changes as layers
from lunarscale.reduce.changes import Change, changes, usual_size
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.histogram import Histogram
from lunarscale.reduce.joint import Joint
from lunarscale.reduce.pictures import Pictures
from lunarscale.reduce.statistics import Statistics
from lunarscale.reduce.table import Row, finish
from lunarscale.steps.comparing.question import Question


@dataclass(frozen=True)
class Finding:
    """What one pass over both maps has found.

    Parameters
    ----------
    question : Question
    statistics : Statistics
        Of A, B and the difference, by all groupings.
    products : dict of str to Covariances
        Of the same, by grouping.
    density : Joint
        Areas by pairs of bins, B first.
    pictures : Pictures
    """

    question: Question
    statistics: Statistics
    products: dict[str, Covariances]
    density: Joint
    pictures: Pictures

    @property
    def difference(self) -> Histogram:
        """The whole area's differences."""
        return self.statistics.group(0, 1).layers[layers.DIFFERENCE].counts

    @cached_property
    def moved_by(self) -> int:
        """Counts from which a pixel has moved."""
        asked = self.question.moved_by
        if asked is None:
            return usual_size(self.difference)
        return max(1, round(asked / self.question.quantity.quantum))

    @cached_property
    def rows(self) -> list[Change]:
        """One row a region, the whole Moon first."""
        quantity = self.question.quantity
        return changes(self.statistics, self.products, quantity, moved_by=self.moved_by)

    @cached_property
    def table(self) -> list[Row]:
        """The statistics of A, B and the difference in every region, with their box plots."""
        return finish(self.statistics, self.question.source.quantities)

    @property
    def whole(self) -> Change:
        """The whole Moon's row."""
        return self.rows[0]

    def shares(self) -> NDArray[np.float64]:
        """Share of the compared area in each bin of the density, ``(bin of A, bin of B)``.

        Bins below the first edge are left out; they hold what is below the threshold. The last
        row and column hold what is beyond the last edge.
        """
        areas = self.density.areas[1:].sum(axis=(0, 1))[1:, 1:].T
        return np.asarray(areas / max(int(self.difference.weight), 1), dtype=np.float64)

    def left_out(self) -> dict[str, float]:
        """Area in km2 with both values that the density leaves out, by where it lies."""
        areas = self.density.areas[1:].sum(axis=(0, 1))
        inside = int(areas[1:-1, 1:-1].sum())
        below = int(areas.sum()) - int(areas[1:, 1:].sum())
        above = int(areas.sum()) - below - inside
        return {
            "below_first_edge_km2": weight_to_km2(below),
            "at_or_above_last_edge_km2": weight_to_km2(above),
        }

    def picture(self) -> NDArray[np.float32]:
        """The difference small enough to look at, ``(row, col)`` in units; NaN without a value."""
        quantum = self.question.quantity.quantum
        return self.pictures.picture(DIFFERENCE, self.question.source.grid, quantum)
