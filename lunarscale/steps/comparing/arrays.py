"""Two maps as xarray objects against each other: their difference and figures, lazily."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from lunarscale.engine.pair_source import DIFFERENCE, FIRST, LAYERS, SECOND
from lunarscale.flags import MapReason
from lunarscale.quantities import Quantity
from lunarscale.reduce import changes as layers
from lunarscale.reduce.changes import HAS_A, HAS_B, Change, changes, usual_size
from lunarscale.reduce.covariances import Covariances
from lunarscale.reduce.statistics import Statistics

#: Name of the statistics among the sums; products are under their grouping's name.
STATISTICS = "statistics"


@dataclass(frozen=True)
class Compared:
    """A map less another.

    Parameters
    ----------
    difference : xarray.DataArray
        The first less the second in units, NaN where either has no value; lazy where they are.
    rows : list of Change
        The figures of ``lunarscale compare``, one row a region; a ``Delayed`` of them where they
        were not to be computed yet.
    """

    difference: xr.DataArray
    rows: list[Change]

    def to_frame(self) -> pd.DataFrame:
        """The figures as a pandas frame, one row a region."""
        return pd.DataFrame([asdict(row) for row in self.rows])


def paired(first: xr.DataArray, second: xr.DataArray, quantity: Quantity) -> xr.Dataset:
    """Two maps of one grid and their difference, all on the ground where both have a value.

    The flag of the difference says where only one map has one (``reduce.changes.HAS_A``), as
    ``engine.pair_source`` does for stores.

    Parameters
    ----------
    first, second : xarray.DataArray
        ``(y, x)`` with the same ``lat`` and ``lon``, in the quantity's units.
    quantity : Quantity
    """
    has = first.notnull(), second.notnull()
    both = has[0] & has[1]
    apart = (first - second).where(both)
    beyond = abs(np.rint(apart / quantity.quantum)) > np.iinfo(np.int16).max
    nothing = ~both | beyond
    alone = HAS_A * has[0].astype(np.uint8) + HAS_B * has[1].astype(np.uint8)
    reason = xr.where(beyond, np.uint8(MapReason.BEYOND_RANGE), np.uint8(MapReason.NO_INPUT))
    names = [{"name": name, "quantity": quantity.name} for name in LAYERS]
    return xr.Dataset(
        {
            FIRST: first.where(both),
            SECOND: second.where(both),
            DIFFERENCE: apart.where(~beyond),
            f"{DIFFERENCE}_flag": xr.where(nothing, reason + alone, 0).astype(np.uint8),
        },
        attrs={"lunarscale": {"layers": names}},
    )


def figures(
    sums: Mapping[str, Any], quantity: Quantity, *, moved_by: float | None = None
) -> list[Change]:
    """What is read off the sums of ``paired``.

    Parameters
    ----------
    sums : mapping of str to Sum
        ``STATISTICS``, and products by the groupings' names.
    quantity : Quantity
    moved_by : float, optional
        Difference in units from which a pixel has moved; ``reduce.changes.usual_size`` if none.
    """
    statistics: Statistics = sums[STATISTICS]
    products: dict[str, Covariances] = {g.name: sums[g.name] for g in statistics.groupings}
    if moved_by is None:
        size = usual_size(statistics.group(0, 1).layers[layers.DIFFERENCE].counts)
    else:
        size = max(1, round(abs(moved_by) / quantity.quantum))
    return changes(statistics, products, quantity, moved_by=size)
