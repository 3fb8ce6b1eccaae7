"""How much of each group lies at or above two thresholds at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lunarscale.grid.raster import weight_to_km2
from lunarscale.reduce.joint import Joint


@dataclass(frozen=True)
class Exceedance:
    """The part of a group where both maps are at or above their thresholds.

    Parameters
    ----------
    group : str
    at_least : (float, float)
        The thresholds, in the maps' units.
    area_km2 : float
        Area at or above both.
    valid_area_km2 : float
        Area of the group where both maps have a value.
    group_area_km2 : float
        Area of the group in the maps' grid, with values or not.
    share : float or None
        Of the area with values; None where there is none.
    qualified_share : float or None
        Part of ``area_km2`` where a value is stretched; None where that is 0.
    """

    group: str
    at_least: tuple[float, float]
    area_km2: float
    valid_area_km2: float
    group_area_km2: float
    share: float | None
    qualified_share: float | None


def exceedances(
    joint: Joint, thresholds: tuple[tuple[float, ...], tuple[float, ...]], *, left_over: str
) -> list[Exceedance]:
    """Every group at every pair of thresholds: exact areas, divided once.

    Parameters
    ----------
    joint : Joint
    thresholds : (tuple of float, tuple of float)
        What the edges of its two axes stand for.
    left_over : str
        Name for what lies in no group; it is left out where that has no area.
    """
    names = (left_over, *joint.grouping.groups)
    above, valid = joint.at_or_above(), joint.with_values()
    order = (*range(1, len(names)), *([0] if joint.whole[0] else []))
    return [
        _exceedance(
            names[group],
            (first, second),
            areas=(int(above[group, 0, i, j]), int(above[group, 1, i, j])),
            of=(int(valid[group]), int(joint.whole[group])),
        )
        for i, first in enumerate(thresholds[0])
        for j, second in enumerate(thresholds[1])
        for group in order
    ]


def _exceedance(
    group: str, at_least: tuple[float, float], *, areas: tuple[int, int], of: tuple[int, int]
) -> Exceedance:
    (plain, qualified), (valid, whole) = areas, of
    area = plain + qualified
    return Exceedance(
        group=group,
        at_least=at_least,
        area_km2=weight_to_km2(area),
        valid_area_km2=weight_to_km2(valid),
        group_area_km2=weight_to_km2(whole),
        share=area / valid if valid else None,
        qualified_share=qualified / area if area else None,
    )


def to_records(rows: Sequence[Exceedance], names: tuple[str, str]) -> list[dict[str, Any]]:
    """The rows as flat records, for CSV and JSON; areas in km2.

    Parameters
    ----------
    rows : sequence of Exceedance
    names : (str, str)
        Columns of the two thresholds, ``Al2O3_wt_pct_at_least``.
    """
    return [
        {
            "group": row.group,
            **dict(zip(names, row.at_least, strict=True)),
            "area_km2": row.area_km2,
            "valid_area_km2": row.valid_area_km2,
            "group_area_km2": row.group_area_km2,
            "share": row.share,
            "extrapolated_share": row.qualified_share,
        }
        for row in rows
    ]
