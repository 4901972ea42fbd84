"""Reading ahead: the next items are made in a thread of their own while the present one is used.

For work whose other half waits for a disk or lets go of the interpreter (SQLite does, in every statement). Invariants:
items come in order; at most ``depth`` of them wait, so memory stays bounded; what the source raises is raised to the
consumer, at the place where its item would have come; the source is begun, read and closed in its thread only; when
the consumer stops early, so does the source.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_POLL_S: Final = 0.02


class _End:
    """The source ended: by itself, or by ``raised``."""

    __slots__ = ("raised",)

    def __init__(self, raised: BaseException | None) -> None:
        self.raised = raised


class _Reader(Generic[T]):
    """The thread's side."""

    def __init__(self, source: Callable[[], Iterator[T]], depth: int) -> None:
        self.waiting: Queue[T | _End] = Queue(maxsize=depth)
        self.stopped = Event()
        self._source = source

    def run(self) -> None:
        end = _End(None)
        try:
            items = self._source()
            try:
                for item in items:
                    self.waiting.put(item)
                    if self.stopped.is_set():
                        break
            finally:
                if isinstance(items, Generator):
                    items.close()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it is the consumer's
            end = _End(raised)
        self.waiting.put(end)


def ahead(source: Callable[[], Iterator[T]], *, depth: int = 1) -> Generator[T, None, None]:
    """Yield the items of ``source()``, which runs in a thread up to ``depth`` items ahead; close it to stop."""
    reader = _Reader(source, depth)
    thread = Thread(target=reader.run, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := reader.waiting.get(), _End):
            yield item
        if item.raised is not None:
            raise item.raised
    finally:
        reader.stopped.set()
        while thread.is_alive():
            # It may wait for room: what it made is dropped until it sees that nobody wants more.
            with suppress(Empty):
                reader.waiting.get(timeout=_POLL_S)
