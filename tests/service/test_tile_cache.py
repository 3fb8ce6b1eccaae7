"""What is kept for many threads: made once, bounded, never twice at a time."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunarscale.service.tiles import kept as kept_module
from lunarscale.service.tiles.kept import Kept


def test_thirty_two_who_ask_at_once_have_it_made_once() -> None:
    kept: Kept[bytes] = Kept(100, len)
    together, makes = threading.Barrier(32), []

    def make() -> bytes:
        makes.append(1)
        return b"thing"

    def ask(_: int) -> bytes:
        together.wait()
        return kept.get("key", make)

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(ask, range(32))) == [b"thing"] * 32
    assert len(makes) == 1


def test_what_fails_is_told_to_all_who_wait_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, someone_waits = threading.Event(), threading.Event()

    class Awaited(Future[bytes]):
        def result(self, timeout: float | None = None) -> bytes:
            someone_waits.set()
            return super().result(timeout)

    monkeypatch.setattr(kept_module, "Future", Awaited)
    kept: Kept[bytes] = Kept(100, len)

    def fail() -> bytes:
        begun.set()
        someone_waits.wait()
        raise OSError("torn")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get, "key", fail)
        begun.wait()
        second = pool.submit(kept.get, "key", lambda: b"never made")
        for each in (first, second):
            with pytest.raises(OSError, match="torn"):
                each.result()
    assert kept.get("key", lambda: b"well") == b"well"
    assert kept.weight == 4


def test_the_one_that_was_not_asked_for_longest_goes() -> None:
    kept: Kept[bytes] = Kept(10, len)
    for key in "abc":
        kept.get(key, lambda: b"xxx")
    kept.get("a", lambda: b"made again")
    kept.get("d", lambda: b"xxx")
    assert [kept.find(key) is not None for key in "abcd"] == [True, False, True, True]
    assert kept.get("e", lambda: b"y" * 11) == b"y" * 11, "too heavy: given, not kept"
    assert kept.find("e") is None
    assert kept.weight == 9


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), max_size=60))
def test_the_weight_is_what_is_there_and_never_more_than_allowed(
    asked: list[tuple[int, int]],
) -> None:
    kept: Kept[bytes] = Kept(20, len)
    sizes: dict[int, int] = {}
    for key, size in asked:
        size = sizes.setdefault(key, size)
        assert len(kept.get(key, lambda size=size: b"x" * size)) == size
        there = sum(size for key, size in sizes.items() if kept.find(key) is not None)
        assert kept.weight == there <= 20
