"""Group commit: concurrent callers share one transaction and so one wait for the disk.

How: a caller puts its function in a queue. The first caller leads: it opens the transaction, runs the
queued functions one after another, each in its own savepoint, commits, and wakes their callers; then
it hands the lead to the first one still waiting. While a leader waits for the disk, the next group
gathers by itself, so no time is spent waiting for company and no thread runs in the background.

Invariants:
1. a caller returns only after the commit that holds its work; 2. a function that raises undoes its
own savepoint only, and its caller gets that exception; 3. if the commit fails, all whose functions
had succeeded get the failure; 4. whatever happens to a leader, nobody waits for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from tigertally.base.errors import Problem
from tigertally.store.errors import StoreMisused, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tigertally.store.tx import Tx

T = TypeVar("T")

GROUP_CALLS_MAX: Final = 512


class _Call(Generic[T]):
    """One caller's function and what became of it."""

    __slots__ = ("actions", "error", "finished", "function", "value", "wake")

    def __init__(self, function: Callable[[Tx], T]) -> None:
        self.function = function
        self.wake = threading.Event()
        self.finished = False
        self.value: T | None = None
        self.error: BaseException | None = None
        self.actions: list[Callable[[], None]] = []

    def run(self, tx: Tx) -> None:
        """Run the function in a savepoint. Raises only if the whole transaction is lost."""
        start = tx.mark()
        try:
            with tx.savepoint():
                self.value = self.function(tx)
            self.actions = tx.take_actions(start)
        except Exception as error:  # noqa: BLE001 - it is the caller's exception and is raised there
            self.error = error
        if tx.lost and tx.spoilt is not None:
            raise tx.spoilt

    def result(self) -> T:
        """Give the caller its value or its exception, and run its after-commit actions in its own thread."""
        if self.error is not None:
            raise self.error
        for action in self.actions:
            action()
        return cast("T", self.value)


class Group:
    """The queue of one store. ``begin`` opens a writing transaction that commits at the end of its block."""

    __slots__ = ("_begin", "_led", "_mutex", "_queue")

    def __init__(self, begin: Callable[[], AbstractContextManager[Tx]]) -> None:
        self._begin = begin
        self._mutex = threading.Lock()
        self._queue: deque[_Call[object]] = deque()
        self._led = False

    def submit(self, function: Callable[[Tx], T]) -> T:
        """Run ``function`` in a shared transaction; return its value after the commit."""
        call = _Call(function)
        with self._mutex:
            self._queue.append(cast("_Call[object]", call))
            lead = not self._led
            self._led = True
        if not lead:
            try:
                call.wake.wait()
            except BaseException:
                self._withdraw(cast("_Call[object]", call))
                raise
            lead = not call.finished
        if lead:
            self._lead()
        return call.result()

    def _lead(self) -> None:
        batch: list[_Call[object]] = []
        problem: BaseException | None = None
        try:
            with self._begin() as tx:
                while (call := self._next(batch)) is not None:
                    call.run(tx)
        except BaseException as error:
            problem = error
            if not isinstance(error, (Problem, StoreMisused)):
                raise
        finally:
            self._release(batch, problem)

    def _next(self, batch: list[_Call[object]]) -> _Call[object] | None:
        with self._mutex:
            if not self._queue or len(batch) >= GROUP_CALLS_MAX:
                return None
            batch.append(self._queue.popleft())
            return batch[-1]

    def _release(self, batch: list[_Call[object]], problem: BaseException | None) -> None:
        """Finish the batch and hand the lead on."""
        with self._mutex:
            if not batch and self._queue:
                # The transaction could not even be opened: the leader's own call is the first in the queue.
                batch.append(self._queue.popleft())
            for call in batch:
                if problem is not None and call.error is None:
                    call.error = _own_copy(problem)
                call.finished = True
                call.wake.set()
            self._hand_on()

    def _withdraw(self, call: _Call[object]) -> None:
        """Take out an interrupted caller's work, if nobody runs it yet, and pass on a lead it got."""
        with self._mutex:
            if call in self._queue:
                self._queue.remove(call)
                if call.wake.is_set():
                    self._hand_on()

    def _hand_on(self) -> None:
        """Wake the next leader. The mutex is held."""
        self._led = bool(self._queue)
        if self._led:
            self._queue[0].wake.set()


def _own_copy(problem: BaseException) -> BaseException:
    """Each thread raises an exception of its own; an interruption of the leader is not the others' interruption."""
    if isinstance(problem, Problem):
        return type(problem)(**problem.details)
    if isinstance(problem, StoreMisused):
        return StoreMisused(*problem.args)
    return StoreUnavailable(reason="interrupted")
