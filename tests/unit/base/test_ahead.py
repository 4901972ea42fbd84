from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tigertally.base.ahead import Ahead


class _Stopped(Exception):  # noqa: N818 - errors say the fact
    pass


def test_items_come_in_order_from_another_thread() -> None:
    threads: set[str] = set()

    def source() -> Iterator[int]:
        for at in range(100):
            threads.add(threading.current_thread().name)
            yield at

    with Ahead(source) as items:
        assert list(items) == list(range(100))
    assert threads == {"ahead"}


def test_the_next_item_is_made_after_a_hint_and_no_other_before_it_is_taken() -> None:
    made: list[int] = []
    ready = threading.Semaphore(0)

    def source() -> Iterator[int]:
        for at in range(5):
            made.append(at)
            ready.release()
            yield at

    with Ahead(source) as items:
        each = iter(items)
        assert next(each) == 0
        assert ready.acquire(timeout=5)
        assert not ready.acquire(timeout=0.05)
        items.hint()
        items.hint()
        assert ready.acquire(timeout=5)
        assert not ready.acquire(timeout=0.05)
        assert made == [0, 1]
        assert list(each) == [1, 2, 3, 4]


def test_what_the_source_raises_comes_after_its_items() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise _Stopped

    seen: list[int] = []
    with Ahead(source) as items, pytest.raises(_Stopped):
        seen.extend(items)
    with Ahead(source) as items:
        each = iter(items)
        assert [next(each), next(each)] == [1, 2]
        with pytest.raises(_Stopped):
            next(each)


def test_a_consumer_that_stops_early_closes_the_source_in_its_own_thread() -> None:
    closed: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.append(threading.current_thread().name)

    before = threading.active_count()
    with Ahead(source) as items:
        assert next(iter(items)) == 0
    assert closed == ["ahead"]
    assert threading.active_count() == before
    with pytest.raises(_Stopped), Ahead(source) as items:
        for _ in items:
            raise _Stopped
    assert closed == ["ahead", "ahead"]
