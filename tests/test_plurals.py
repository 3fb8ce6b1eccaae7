"""A count and its noun agree."""

import pytest

from lunarscale.plurals import several


@pytest.mark.parametrize(
    ("count", "noun", "told"),
    [
        (0, "shard", "0 shards"),
        (1, "shard", "1 shard"),
        (1458, "shard", "1,458 shards"),
        (1, "process", "1 process"),
        (2, "process", "2 processes"),
        (3, "search", "3 searches"),
    ],
)
def test_several(count: int, noun: str, told: str) -> None:
    assert several(count, noun) == told
