"""Laps: every moment goes to one part."""

import threading
from time import perf_counter, thread_time

import pytest

from lunarscale.laps import Lap, add_laps, lap, recording


def _spin(seconds: float) -> float:
    """Work for so long or, on a machine that gives its processor to others, longer; how long."""
    begin = thread_time()
    while thread_time() < begin + seconds:
        pass
    return thread_time() - begin


def _now():
    return thread_time(), perf_counter()


def test_parts_add_up_to_the_whole():
    before = _now()
    with recording() as laps:
        began = _now()
        spun = {"rest": _spin(0.01)}
        with lap("decode"):
            spun["decode"] = _spin(0.02)
            with lap("read"):
                spun["read"] = _spin(0.03)
            spun["decode"] += _spin(0.01)
        with lap("read"):
            spun["read"] += _spin(0.01)
        ended = _now()
    after = _now()
    assert set(laps) == set(spun)
    for part, seconds in spun.items():
        # each has its own at least, and together, below, they have no more than there was
        assert laps[part].processor_s >= seconds
    sums = (
        sum(part.processor_s for part in laps.values()),
        sum(part.clock_s for part in laps.values()),
    )
    # whatever else the machine has to do: between what is seen inside and what outside
    for clock, found in enumerate(sums):
        assert ended[clock] - began[clock] <= found + 1e-6
        assert found <= after[clock] - before[clock] + 1e-6


def test_an_error_within_a_lap_closes_it():
    with recording() as laps:
        with pytest.raises(ValueError, match="torn"), lap("decode"):
            raise ValueError("torn")
        spun = _spin(0.01)
    assert laps["rest"].processor_s >= spun


def test_nothing_is_kept_outside_a_recording_or_in_another_thread():
    with lap("read"):
        pass
    found = {}

    def other():
        with lap("write"):
            found["ran"] = True

    with recording() as laps:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == {"ran": True}
    assert set(laps) == {"rest"}


def test_laps_add():
    one, two = {"read": Lap(1.0, 2.0)}, {"read": Lap(0.5, 1.0), "write": Lap(3.0, 3.0)}
    assert add_laps(one, two) == {"read": Lap(1.5, 3.0), "write": Lap(3.0, 3.0)}
    assert one == {"read": Lap(1.0, 2.0)}
