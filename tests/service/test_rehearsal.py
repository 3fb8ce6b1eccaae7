"""What the first statistics need is made ready before anybody asks, and nobody waits for it."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from drawn_at_hand import box, polygon
from maps_at_hand import write_maps
from numba.core import event

from lunarscale.grid.raster import RasterGrid
from lunarscale.service.catalogue import Catalogue
from lunarscale.service.queries import rehearsal
from lunarscale.service.queries.rehearsal import Rehearsal, rehearse
from lunarscale.service.queries.rooms import Watch
from lunarscale.service.queries.statistics import statistics_of
from lunarscale.service.settings import Limits


def test_after_it_the_first_statistics_compile_nothing(tmp_path: Path) -> None:
    counts = np.arange(32 * 64, dtype=np.int16).reshape(32, 64)
    write_maps(tmp_path / "maps.zarr", {"FeO": counts}, RasterGrid(64, 0, 0, 32, 64))
    dataset = Catalogue(tmp_path).dataset("maps.zarr")
    body = repr(polygon(box(-60, -40, 70, 50))).replace("'", '"').encode()
    for _ in rehearse():
        pass
    with event.install_recorder("numba:compile") as compiled:
        found = statistics_of(dataset, dataset.layer("FeO"), body, limits=Limits(), watch=Watch(60))
    assert found.rows[0].pixels > 0
    assert [each.data["dispatcher"] for _, each in compiled.buffer] == []


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that a rehearsal has come to; there is no end of them."""
    done: list[int] = []

    def endless() -> Iterator[None]:
        while True:
            done.append(len(done))
            yield

    monkeypatch.setattr(rehearsal, "rehearse", endless)
    monkeypatch.setattr(Rehearsal, "_is_done", False)
    return done


def test_it_begins_behind_something_else_and_ends_with_the_service(steps: list[int]) -> None:
    first: Future[None] = Future()
    found = Rehearsal()
    found.open(after=first)
    assert steps == []
    first.set_result(None)
    found.close()  # waits for a step, not for the end
    assert not any(thread.is_alive() for thread in [found._thread] if thread is not None)


def test_a_service_that_has_ended_rehearses_nothing(steps: list[int]) -> None:
    first: Future[None] = Future()
    found = Rehearsal()
    found.open(after=first)
    found.close()
    first.set_result(None)
    assert steps == []
