from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tigertally.testing import SettableClock

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def test_it_stands_still_until_moved() -> None:
    clock = SettableClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(90)
    assert clock.now() == NOON + timedelta(seconds=90)
    clock.set_back(100)
    assert clock.now() == NOON - timedelta(seconds=10)
    clock.set_to(NOON)
    assert clock.now() == NOON


def test_it_answers_in_utc() -> None:
    china = timezone(timedelta(hours=8))
    clock = SettableClock(datetime(2026, 3, 31, 20, tzinfo=china))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_wrong_ways_to_move_it_are_errors() -> None:
    clock = SettableClock(NOON)
    with pytest.raises(ValueError, match=r".+"):
        clock.advance(-1)
    with pytest.raises(ValueError, match=r".+"):
        clock.set_back(-1)
    with pytest.raises(ValueError, match=r".+"):
        clock.set_to(NOON.replace(tzinfo=None))
    assert clock.now() == NOON
