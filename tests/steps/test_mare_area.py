"""Mare area by a real mask: 6.23e6 km2 of it, whatever the maps under it show."""

import csv
import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lunarscale.simulated.archive import write_archive
from lunarscale.steps.ingest import ingest
from lunarscale.steps.predict import predict
from lunarscale.steps.summarise import Summary, summarise

#: The mask's mare, square kilometres (Nelson et al. 2014, rasterised at 76 px/deg to 70 N and S).
MARE_KM2 = 6.23e6

#: The Moon, and of it what lies between 70 N and 70 S, which the mask covers: sin 70 of it.
MOON_KM2 = 37.932e6
COVERED_KM2 = MOON_KM2 * math.sin(math.radians(70.0))

#: A pixel of the simulated Moon is a third of a degree: the coastlines are coarse, 1 % is not.
PPD, SHARD, CHUNK = 3.0, 256, 64


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Maps of a simulated Moon."""
    folder = tmp_path_factory.mktemp("moon")
    write_archive(folder / "tiles", ppd=PPD)
    mosaic, out = str(folder / "mosaic.zarr"), str(folder / "maps.zarr")
    ingest([str(folder / "tiles")], out=mosaic, ppd=PPD, shard=SHARD, chunk=CHUNK)
    predict(mosaic, out=out)
    return out


@pytest.fixture(scope="module")
def mask(test_data: Callable[[str], Path]) -> Path:
    """The real mask."""
    return test_data("mare/mare_mask_76ppd_70S70N.png")


def areas(summary: Summary) -> dict[str, float]:
    """Area in km2 by group, the same in every layer."""
    by_layer: dict[str, dict[str, float]] = {}
    for row in summary.rows:
        by_layer.setdefault(row.layer, {})[row.group] = row.area_km2
    first, *others = by_layer.values()
    assert others
    assert all(other == first for other in others)
    return first


def test_by_mask_finds_the_mare(maps: str, mask: Path, tmp_path: Path) -> None:
    start = time.process_time()
    summary = summarise(maps, by=[str(mask)])
    took = time.process_time() - start
    found = areas(summary)
    land, mare = f"{mask.stem} = 0", f"{mask.stem} = 255"
    assert list(found) == [land, mare]
    assert found[mare] == pytest.approx(MARE_KM2, rel=0.01)
    assert found[land] + found[mare] == pytest.approx(COVERED_KM2, rel=0.005)
    assert took < 30.0, f"{took:.1f} s"
    table = csv.DictReader(summary.write(str(tmp_path))[0].read_text().splitlines())
    assert {float(row["area_km2"]) for row in table if row["group"] == mare} == {found[mare]}


def test_by_maria_of_a_mask_finds_the_same(maps: str, mask: Path) -> None:
    found = areas(summarise(maps, by=["moon", f"maria={mask}"]))
    assert list(found) == ["Moon", "maria", "non-maria"]
    assert found["Moon"] == pytest.approx(MOON_KM2, rel=1e-4)
    by_mask = areas(summarise(maps, by=[str(mask)]))
    assert found["maria"] == by_mask[f"{mask.stem} = 255"]
    assert found["non-maria"] == by_mask[f"{mask.stem} = 0"]


def test_circles_would_be_seen(maps: str) -> None:
    """The seas as circles hold another area: within 1 % is the mask's own figure."""
    assert areas(summarise(maps, by=["maria"]))["maria"] != pytest.approx(MARE_KM2, rel=0.05)
