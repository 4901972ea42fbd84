"""Working ahead: the next items are made in a process of their own while the present one is written.

Python code of two threads takes turns; two processes use two cores. The helper is a fork, so that keys and open files
are there without being sent, and what it makes comes back through a pipe: nothing clear touches a disk. Invariants:
items come in order; one of them waits, not more, so memory stays bounded; what the source raises is raised to the
consumer, at the place where its item would have come (a problem as itself, anything else by its name only); a helper
that was killed is :class:`HelperGone`, never an end; it does not outlive the consumer nor the consumer's process.
The source must not use what the consumer uses (a database, the terminal): both have it now.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import signal
import struct
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final, Generic, NoReturn, Self, TypeVar

from tigertally.base.errors import Problem, Unavailable
from tigertally.base.text import Text

S = TypeVar("S")
T = TypeVar("T")

HELPERS: Final = 2

_LENGTH: Final = struct.Struct(">cQ")
_ITEM, _PROBLEM, _DEFECT, _END = b"i", b"p", b"d", b"e"


class HelperGone(Unavailable):
    """The process that reads ahead ended without a word: killed, or out of memory."""

    code = "base.helper_gone"
    title = Text("辅助进程意外终止", "the process that reads ahead has ended unexpectedly")
    hint = Text(
        "可能内存不足；已完成的部分保留，重新运行即可继续",
        "memory may have run out; what was done stays, run the same command again to go on",
    )


class Ahead(Generic[T]):
    """The items of ``source()``, for one consumer. Use it as a context: leaving ends the helper."""

    def __init__(self, source: Callable[[], Iterator[T]]) -> None:
        made_read, made_write = os.pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads: the helper takes no lock that another thread could hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._helper = os.fork()
        if not self._helper:
            os.close(made_read)
            _help(source, made_write)
        os.close(made_write)
        self._made = os.fdopen(made_read, "rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the helper, if it has not ended. Closing again does nothing."""
        self._made.close()
        if self._helper:
            with suppress(ProcessLookupError):
                os.kill(self._helper, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._helper, 0)
            self._helper = 0

    def __iter__(self) -> Iterator[T]:
        while True:
            kind, body = self._next()
            if kind == _END:
                return
            if kind == _DEFECT:
                raise RuntimeError(body.decode())
            item = pickle.loads(body)  # noqa: S301 - from our own fork
            del body
            if kind == _PROBLEM:
                raise item
            yield item

    def _next(self) -> tuple[bytes, bytes]:
        head = self._made.read(_LENGTH.size)
        if len(head) != _LENGTH.size:
            raise HelperGone
        kind, length = _LENGTH.unpack(head)
        body = self._made.read(length)
        if len(body) != length:
            raise HelperGone
        return kind, body


def spread(work: Callable[[S], T], inputs: Iterable[S], *, helpers: int = HELPERS) -> Generator[T, None, None]:
    """Yield ``work(one)`` of each input, in order, each made in a helper of its own, ``helpers`` of them at a time.

    Inputs are taken in the caller's process, so they may come from its database; one more is taken than is being worked
    on. A caller that stops early closes the iterator, and with it every helper.
    """
    waiting: deque[Ahead[T]] = deque()
    try:
        for one in inputs:
            waiting.append(Ahead(partial(_only, work, one)))
            if len(waiting) >= helpers:
                yield _result(waiting)
        while waiting:
            yield _result(waiting)
    finally:
        for helper in waiting:
            helper.close()
        if isinstance(inputs, Generator):
            inputs.close()


def _only(work: Callable[[S], T], one: S) -> Iterator[T]:
    yield work(one)


def _result(waiting: deque[Ahead[T]]) -> T:
    with waiting[0] as helper:
        (made,) = helper
    waiting.popleft()
    return made


def _help(source: Callable[[], Iterator[T]], made: int) -> NoReturn:
    """Be the helper: make what is asked for, write it, and end without running anything of the consumer's."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the consumer decides; it takes the helper with it
        gc.freeze()  # what the consumer opened is not closed here
        with os.fdopen(made, "wb", buffering=0) as out:
            _make(source, out)
    finally:
        os._exit(0)


def _make(source: Callable[[], Iterator[T]], out: io.FileIO) -> None:
    try:
        for item in source():
            _write(out, _ITEM, pickle.dumps(item, protocol=5))
        _write(out, _END, b"")
    except BrokenPipeError:
        return
    except Problem as problem:
        _write(out, _PROBLEM, pickle.dumps(problem, protocol=5))
    except BaseException as defect:  # noqa: BLE001 - it ends here; its text could hold a value
        _write(out, _DEFECT, type(defect).__qualname__.encode())


def _write(out: io.FileIO, kind: bytes, body: bytes) -> None:
    rest = memoryview(_LENGTH.pack(kind, len(body)) + body)
    while rest:
        rest = rest[out.write(rest) :]
