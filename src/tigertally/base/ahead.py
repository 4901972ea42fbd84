"""Reading ahead: the next item is made in a thread of its own while the present one is written.

For work whose other half waits for a disk or lets go of the interpreter (SQLite does, in every statement). Python code
of two threads only slows each other down, so the thread waits until :meth:`Ahead.hint` says that the writing begins.
Invariants: items come in order; at most one of them waits, so memory stays bounded; what the source raises is raised
to the consumer, at the place where its item would have come; the source is begun, read and closed in its thread only;
when the consumer stops early, so does the source.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class _End:
    """The source ended: by itself, or by ``raised``."""

    __slots__ = ("raised",)

    def __init__(self, raised: BaseException | None) -> None:
        self.raised = raised


class Ahead(Generic[T]):
    """The items of ``source()``, for one consumer. Use it as a context: leaving ends the thread."""

    def __init__(self, source: Callable[[], Iterator[T]]) -> None:
        self._source = source
        self._wanted = Semaphore(1)
        self._hinted = True
        self._stopped = False
        self._made: SimpleQueue[T | _End] = SimpleQueue()
        self._thread = Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._wanted.release()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while True:
            self.hint()
            item = self._made.get()
            if isinstance(item, _End):
                if item.raised is not None:
                    raise item.raised
                return
            self._hinted = False
            yield item

    def hint(self) -> None:
        """Say that the next item may be made now. Without a hint it is made when it is asked for."""
        if not self._hinted:
            self._hinted = True
            self._wanted.release()

    def _run(self) -> None:
        end = _End(None)
        try:
            items = self._source()
            try:
                self._pass_on(items)
            finally:
                if isinstance(items, Generator):
                    items.close()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is the consumer's
            end = _End(raised)
        self._made.put(end)

    def _pass_on(self, items: Iterator[T]) -> None:
        while True:
            self._wanted.acquire()
            if self._stopped:
                return
            try:
                item = next(items)
            except StopIteration:
                return
            self._made.put(item)
