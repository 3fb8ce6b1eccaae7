"""The size from which a pixel has moved, and the order of the regions that changed."""

import numpy as np
import pytest

from lunarscale.reduce.changes import Change, most_changed, usual_size
from lunarscale.reduce.histogram import EMPTY, Histogram


def areas(**by_value):
    found = sorted((int(value[1:].replace("m", "-")), area) for value, area in by_value.items())
    values, weights = zip(*found, strict=True)
    return Histogram(np.array(values, np.int16), np.array(weights, np.int64), len(values))


@pytest.mark.parametrize(
    ("difference", "size"),
    [
        (EMPTY, 1),
        (areas(v0=100), 1),
        (areas(v0=99, v40=1), 1),  # nearly all is equal: whatever is not has moved
        (areas(vm2=25, v0=50, v2=25, v300=2), 3),  # beyond the whiskers at 2
        (areas(v0=60, v300=40), 300),  # too much moved for whiskers to leave it out
        (areas(vm5=100), 5),  # all of it, and by the same
    ],
)
def test_usual_size(difference, size):
    assert usual_size(difference) == size


def row(group, mean, moved, grouping="seas"):
    return Change(
        grouping=grouping, group=group, units="wt %", mean_difference=mean, moved_area_km2=moved,
        area_km2=1.0, group_area_km2=1.0, area_share=1.0,
    )  # fmt: skip


def test_order_of_the_regions():
    rows = [
        row("Moon", 9.0, 900.0, "moon"), row("a", -3.0, 10.0), row("b", 2.0, 30.0),
        row("c", None, 0.0), row("d", 0.5, 20.0),
    ]  # fmt: skip
    assert [r.group for r in most_changed(rows, "mean_difference")] == ["a", "b", "d"]
    assert [r.group for r in most_changed(rows, "moved_area")] == ["b", "d", "a"]
