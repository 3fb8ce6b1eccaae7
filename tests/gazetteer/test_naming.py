"""Many places at once are named as they are one by one."""

import numpy as np
import pytest

from lunarscale.gazetteer import holding, nearest
from lunarscale.gazetteer.naming import name_places


def test_they_are_named_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    lons = np.append(rng.uniform(-180, 180, 60), [180.0, -180.0, 0.0, 132.9, 10.0])
    lats = np.append(np.degrees(np.arcsin(rng.uniform(-1, 1, 60))), [5.0, -60, -90, -74.7, 90])
    found = name_places(lons, lats)
    for lon, lat, named in zip(lons, lats, found, strict=True):
        alone = nearest(lon, lat)
        assert named.nearest.feature == alone.feature
        assert named.nearest.distance_km == pytest.approx(alone.distance_km, abs=1e-6)
        assert named.holding == holding(lon, lat)
    assert found[-2].holding is not None
    assert found[-2].holding.name == "Schrödinger"
    assert any(named.holding is None for named in found)


def test_no_places_have_no_names() -> None:
    assert name_places(np.empty(0), np.empty(0)) == []
