from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tigertally.base.ahead import ahead


class _Stopped(Exception):  # noqa: N818 - errors say the fact
    pass


def test_items_come_in_order_from_another_thread() -> None:
    threads: set[str] = set()

    def source() -> Iterator[int]:
        for at in range(100):
            threads.add(threading.current_thread().name)
            yield at

    assert list(ahead(source)) == list(range(100))
    assert threads == {"ahead"}


def test_no_more_than_the_depth_is_made_ahead() -> None:
    made: list[int] = []
    permits = threading.Semaphore(0)

    def source() -> Iterator[int]:
        for at in range(50):
            made.append(at)
            permits.release()
            yield at

    for item in ahead(source, depth=2):
        # One that waits to be put, two in the queue, one in use.
        assert len(made) <= item + 4
    assert made == list(range(50))


def test_what_the_source_raises_comes_after_its_items() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise _Stopped

    seen: list[int] = []
    with pytest.raises(_Stopped):
        seen.extend(ahead(source))
    found = ahead(source)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(_Stopped):
        next(found)


def test_a_consumer_that_stops_early_closes_the_source_in_its_own_thread() -> None:
    closed: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.append(threading.current_thread().name)

    before = threading.active_count()
    found = ahead(source)
    assert next(found) == 0
    found.close()
    assert closed == ["ahead"]
    assert threading.active_count() == before
