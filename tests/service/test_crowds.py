"""So many at a time, and of one caller no more than a part of them."""

import pytest

from lunarscale.errors import RateError, UnavailableError
from lunarscale.service.crowds import Crowd


def test_one_caller_has_a_part_and_all_together_no_more_than_there_is() -> None:
    crowd = Crowd(3, 2, what="tiles")
    crowd.enter("a")
    crowd.enter("a")
    with pytest.raises(RateError, match="2 tiles of one caller"):
        crowd.enter("a")
    crowd.enter("b")
    with pytest.raises(UnavailableError, match="3 tiles are being worked on"):
        crowd.enter("c")
    crowd.leave("a")
    with crowd.inside("c"):
        assert len(crowd) == 3
    assert len(crowd) == 2
    assert set(crowd._inside) == {"a", "b"}, "who has gone is forgotten"


def test_who_fails_makes_room() -> None:
    crowd = Crowd(1, 1, what="tiles")
    with pytest.raises(ZeroDivisionError), crowd.inside("a"):
        raise ZeroDivisionError
    assert crowd.has_room("a")
