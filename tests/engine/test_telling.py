"""A run's story: told at its begin and end, seldom in between, and to nobody's harm."""

from typing import Any

import pytest

from lunarscale.engine.gauges import FIGURES, families
from lunarscale.engine.outcome import Tale
from lunarscale.engine.plan import Plan
from lunarscale.engine.telling import RUN, TELL_S, News, Story, from_row, share_of_limit
from lunarscale.errors import StoreError
from lunarscale.laps import Lap

PLAN = Plan("predict", shards=9, done=2, pixels=700, read_bytes=1, write_bytes=1,
            task_bytes=10, process_bytes=3)  # fmt: skip


class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, bool]] = []

    def hear(self, news: News, *, last: bool) -> None:
        """Note status and shards."""
        self.heard.append((news.status, news.shards_done, last))


class Clock:
    """Seconds that a test lets go by."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def news() -> News:
    return News.of("0badcafe", PLAN, todo=7, what="maps")


def test_it_is_told_at_begin_and_end_and_twice_a_second_at_most() -> None:
    listener, clock = Listener(), Clock()
    with Story(news(), [listener], clock) as story:
        assert RUN.get() == "0badcafe"
        for done in range(1, 8):
            clock.now += TELL_S / 3
            story.show(Tale(done=done, pixels=100 * done))
        story.ended(Tale(done=7, pixels=700))
    assert RUN.get() == ""
    assert listener.heard == [
        ("running", 0, False), ("running", 3, False), ("running", 6, False), ("finished", 7, True),
    ]  # fmt: skip
    assert story.news.mpx_per_second == pytest.approx(700e-6 / (7 * TELL_S / 3))


def test_how_it_ended() -> None:
    with Story(news(), [Listener()]) as problems:
        problems.ended(Tale(done=1, problems=[StoreError("torn")]))
    assert (problems.news.status, problems.news.problems) == ("incomplete", 1)
    assert problems.news.sentences == ["torn"]
    with pytest.raises(StoreError), Story(news(), [Listener()]) as stopped:
        raise StoreError("gone")
    assert (stopped.news.status, stopped.news.sentences) == ("stopped", ["gone"])


def test_a_run_of_sums_tells_bytes_and_problems_at_its_end() -> None:
    with Story(news(), [Listener()], sums=True) as story:
        assert story.news.bytes_read is story.news.problems is None
        story.ended(Tale(done=7, pixels=700, bytes_read=9, problems=[StoreError("torn")]))
    assert (story.news.bytes_read, story.news.problems) == (9, 1)
    clock = Clock()
    with Story(news(), [Listener()], clock, sums=True) as failing:
        clock.now += TELL_S
        failing.show(Tale(done=7, pixels=700))  # until the end nobody knows that one has failed
        failing.ended(Tale(done=6, pixels=600, problems=[StoreError("torn")]))
    assert (failing.news.shards_done, failing.news.pixels_done) == (7, 700)  # counters never fall
    with pytest.raises(StoreError), Story(news(), [Listener()], sums=True) as stopped:
        raise StoreError("gone")
    assert stopped.news.bytes_read is None


def test_who_fails_to_listen_is_told_no_more_and_harms_nobody() -> None:
    class Deaf:
        calls = 0

        def hear(self, news: News, *, last: bool) -> None:
            self.calls += 1
            raise ConnectionError("nobody there")

    deaf, listener = Deaf(), Listener()
    with Story(news(), [deaf, listener]) as story:
        story.ended(Tale(done=7))
    assert deaf.calls == 1
    assert [last for _, _, last in listener.heard] == [False, True]


def test_the_share_of_the_limit_is_of_the_laps_by_the_clock() -> None:
    laps: Any = {"read": Lap(0, 1), "decode": Lap(9, 2), "compute": Lap(0, 4), "write": Lap(0, 1)}
    assert share_of_limit(laps) == 0.5
    assert share_of_limit({}) is None


def test_news_travel_and_another_versions_are_refused() -> None:
    told = news()
    assert from_row(told.as_row()) == told
    assert told.base_bytes + 2 * told.thread_bytes == PLAN.worker_bytes(2)
    with pytest.raises(TypeError):
        from_row({**told.as_row(), "colour": "grey"})


def test_every_figure_is_of_the_news_and_what_is_unknown_is_left_out() -> None:
    row = news().as_row()
    assert {figure.field for figure in FIGURES} <= set(row)
    made = {family.name: family.samples for family in families([row, {**row, "shards_done": 5}])}
    (shards,) = made["lunarscale_shards_done"]
    assert shards.value == 5  # of one run the last word counts, once
    assert shards.labels == {"run": "0badcafe", "verb": "predict"}
    assert made["lunarscale_memory_peak_bytes"] == []
