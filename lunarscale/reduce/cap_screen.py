"""A screened polar cap: how much of it is like the maria and passes, by cells and by pixels."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lunarscale.grid.cells import BandedCells
from lunarscale.grid.raster import weight_to_km2
from lunarscale.reduce.joint import Joint
from lunarscale.reduce.samples import Samples
from lunarscale.reduce.screening import Likeness, Screen, pair_counts

#: What an amount is of.
CAP, VALID, OVERLAP, PASSING = "cap", "with values", "like the maria", "passing"


class Amount(NamedTuple):
    """How much there is of something, by both ways of weighing.

    ``cells`` have their centres in it, ``cells_km2`` is their number times one cell's nominal
    area; ``area_km2`` is exact, over all pixels. Shares are of what has values; None where nothing
    has.
    """

    what: str
    cells: int
    cells_km2: float
    area_km2: float
    cells_share: float | None
    area_share: float | None


@dataclass(frozen=True, eq=False)
class CapScreen:
    """What became of a cap.

    Parameters
    ----------
    likeness : Likeness
        To the maria of the whole map.
    cells : BandedCells
        Of the cap.
    cell_km2 : float
        Nominal area of one.
    pairs : ndarray of int64, (cell,)
        Pair of bins of each cell's sample, in the flattened bins; -1 where a map has no value.
    counts : ndarray of int64, (bin of FeO, bin of Mg#)
        Cells in every pair of bins.
    areas : ndarray of int64, (2, 2, bin of FeO, bin of Mg#)
        Of the cap (2**62 to the sphere): outside and in the mapped maria; plain and extrapolated.
    whole : int
        Area of the cap in the map's grid, with values or not.
    """

    likeness: Likeness
    cells: BandedCells
    cell_km2: float
    pairs: NDArray[np.int64]
    counts: NDArray[np.int64]
    areas: NDArray[np.int64]
    whole: int

    @classmethod
    def of(
        cls, screen: Screen, joint: Joint, samples: Samples, *, cells: BandedCells, cell_km2: float
    ) -> "CapScreen":
        """From the sums of a pass over the maps.

        Parameters
        ----------
        screen : Screen
        joint : Joint
            By cap (the cap, the rest) crossed with maria (maria, then the others).
        samples : Samples
            FeO and Mg# of the cells.
        cells : BandedCells
        cell_km2 : float
        """
        of_maria = len(joint.grouping.groups) // 2
        maria = joint.areas[[1, 1 + of_maria]].sum(axis=(0, 1))
        others = joint.areas[2 : 1 + of_maria].sum(axis=0)
        pairs = np.full(cells.count, -1, dtype=np.int64)
        feo, mg = (samples.counts[samples.layers.index(axis.layer)] for axis in joint.axes)
        pairs[samples.cells], counts = pair_counts(feo, mg, joint.axes)
        return cls(
            likeness=Likeness(screen, maria),
            cells=cells,
            cell_km2=cell_km2,
            pairs=pairs,
            counts=counts,
            areas=np.stack([others, joint.areas[1]]),
            whole=int(joint.whole[1 : 1 + of_maria].sum()),
        )

    @cached_property
    def has_value(self) -> NDArray[np.bool_]:
        """Which cells have FeO and Mg#, ``(cell,)``."""
        return self.pairs >= 0

    @cached_property
    def overlaps(self) -> NDArray[np.bool_]:
        """Which cells are like the maria, ``(cell,)``."""
        return self._within(self.likeness.overlap())

    @cached_property
    def passes(self) -> NDArray[np.bool_]:
        """Which cells pass, ``(cell,)``."""
        return self._within(self.likeness.passing())

    def _within(self, accepted: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return np.asarray(self.has_value & accepted.ravel()[self.pairs])

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Area of every pair of bins in the cap."""
        return np.asarray(self.areas.sum(axis=(0, 1)))

    def amounts(self) -> list[Amount]:
        """The cap, what has values, what is like the maria, and what passes."""
        pixels = self.pixels
        of = (
            (CAP, self.cells.count, self.whole),
            (VALID, int(self.has_value.sum()), int(pixels.sum())),
            (OVERLAP, int(self.overlaps.sum()), int(pixels[self.likeness.overlap()].sum())),
            (PASSING, int(self.passes.sum()), int(pixels[self.likeness.passing()].sum())),
        )
        _, (_, cells, area), *_ = of
        return [
            Amount(
                what,
                number,
                number * self.cell_km2,
                weight_to_km2(weight),
                number / cells if cells and what != CAP else None,
                weight / area if area and what != CAP else None,
            )
            for what, number, weight in of
        ]

    def maria_passing_share(self) -> float:
        """Share of the maria's own area that passes: what the screen would find of them."""
        maria = self.likeness.maria
        return int(maria[self.likeness.passing()].sum()) / int(maria.sum())

    def passing_in_maria(self) -> float:
        """Area in km2 that passes within the maria as they are mapped."""
        return weight_to_km2(int(self.areas[1][:, self.likeness.passing()].sum()))

    def extrapolated_share(self) -> float | None:
        """Share of the area that passes where a value is stretched; None where nothing passes."""
        plain, stretched = (
            int(self.areas[:, kind][:, self.likeness.passing()].sum()) for kind in (0, 1)
        )
        return stretched / (plain + stretched) if plain + stretched else None
