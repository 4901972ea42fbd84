"""Group commit: many callers, few commits, and nobody pays for another one's error."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from tigertally.store import Store, StoreConflict, StoreMisused, StoreUnavailable, Tx
from tigertally.store.jobs import store_job

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def add(tx: Tx, key: str) -> str:
    """Insert a job."""
    tx.execute(
        insert(store_job),
        {"key": key, "kind": "t", "state": "done", "cursor": b"{}", "fence": 1, "started": NOW, "updated": NOW},
    )
    return key


def count(store: Store) -> int:
    """How many jobs there are."""
    with store.reading() as tx:
        return tx.scalar(select(func.count()).select_from(store_job)) or 0


def test_one_caller_gets_its_value_after_the_commit(store: Store) -> None:
    seen: list[int] = []

    def work(tx: Tx) -> str:
        tx.after_commit(lambda: seen.append(count(store)))
        return add(tx, "a")

    assert store.grouped(work) == "a"
    assert seen == [1]


def test_callers_share_commits_and_each_gets_its_own_result(store: Store) -> None:
    transactions: Counter[int] = Counter()
    start = threading.Barrier(16)

    def caller(number: int) -> list[str]:
        start.wait()
        results = []
        for turn in range(10):
            key = f"{number}-{turn}"

            def work(tx: Tx, key: str = key) -> str:
                transactions[id(tx)] += 1
                held.append(tx)
                return add(tx, key)

            results.append(store.grouped(work))
        return results

    held: list[Tx] = []  # keeps ids from being used again
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(caller, range(16)))
    assert results == [[f"{number}-{turn}" for turn in range(10)] for number in range(16)]
    assert count(store) == 160
    assert len(transactions) < 160, "no two callers ever shared a commit"


def test_a_failing_function_undoes_its_own_work_only(store: Store) -> None:
    store.grouped(lambda tx: add(tx, "taken"))
    ran: list[str] = []

    def work(tx: Tx, number: int) -> str:
        tx.after_commit(lambda: ran.append(str(number)))
        add(tx, f"first-{number}")
        if number % 3 == 0:
            add(tx, "taken")
        if number % 3 == 1:
            raise LookupError(number)
        return "fine"

    def caller(number: int) -> str:
        try:
            return store.grouped(lambda tx: work(tx, number))
        except StoreConflict:
            return "conflict"
        except LookupError as error:
            return f"lookup {error.args[0]}"

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(caller, range(30)))
    assert results == [["conflict", f"lookup {number}", "fine"][number % 3] for number in range(30)]
    assert count(store) == 11
    assert len(ran) == 10


def test_a_failing_commit_fails_all_but_keeps_their_own_errors(store: Store) -> None:
    inside = threading.Event()
    queued = threading.Event()

    def breaks_the_connection(tx: Tx) -> str:
        inside.set()
        assert queued.wait(10)
        add(tx, "lost")
        return "never"

    def raises(tx: Tx) -> str:
        add(tx, "lost too")
        raise LookupError

    def closes(tx: Tx) -> str:
        driver = tx.connection.connection.driver_connection
        assert driver is not None
        driver.close()
        return "never"

    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(store.grouped, breaks_the_connection)
        assert inside.wait(10)
        own_error = pool.submit(store.grouped, raises)
        closer = pool.submit(store.grouped, closes)
        while len(store._group._queue) < 2:  # noqa: SLF001 - the only way to see that they wait
            threading.Event().wait(0.001)
        queued.set()
        with pytest.raises((StoreUnavailable, StoreMisused)):
            leader.result(10)
        with pytest.raises(LookupError):
            own_error.result(10)
        with pytest.raises((StoreUnavailable, StoreMisused)):
            closer.result(10)
    assert count(store) == 0
    assert store.grouped(lambda tx: add(tx, "after")) == "after"


def test_an_interrupted_leader_leaves_nobody_waiting(store: Store) -> None:
    inside = threading.Event()
    queued = threading.Event()

    def interrupted(tx: Tx) -> str:
        inside.set()
        assert queued.wait(10)
        add(tx, "no")
        raise KeyboardInterrupt

    def lead() -> str:
        try:
            return store.grouped(interrupted)
        except KeyboardInterrupt:
            return "interrupted"

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(lead)
        assert inside.wait(10)
        follower = pool.submit(store.grouped, lambda tx: add(tx, "follower"))
        while not store._group._queue:  # noqa: SLF001 - the only way to see that it waits
            threading.Event().wait(0.001)
        queued.set()
        assert leader.result(10) == "interrupted"
        assert follower.result(10) == "follower"
    assert count(store) == 1


def test_an_interrupted_waiter_takes_its_work_along(store: Store) -> None:
    inside = threading.Event()
    release = threading.Event()

    def holds(tx: Tx) -> str:
        inside.set()
        assert release.wait(10)
        return add(tx, "leader")

    def interrupt(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ThreadPoolExecutor(1) as pool:
            leader = pool.submit(store.grouped, holds)
            assert inside.wait(10)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(InterruptedError):
                store.grouped(lambda tx: add(tx, "interrupted"))
            release.set()
            assert leader.result(10) == "leader"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert count(store) == 1
    assert store.grouped(lambda tx: add(tx, "after")) == "after"


def test_it_does_not_nest(store: Store) -> None:
    with pytest.raises(StoreMisused, match="inside"):
        store.grouped(lambda _: store.grouped(lambda tx: add(tx, "a")))
    assert count(store) == 0
