"""Working ahead: the next items are made in a process of their own while the present one is written.

Python code of two threads takes turns; two processes use two cores. The helper is a fork, so that keys and open files
are there without being sent, and what it makes comes back through a pipe: nothing clear touches a disk. Invariants:
items come in order; one of them waits, not more, so memory stays bounded; what the source raises is raised to the
consumer, at the place where its item would have come (a problem as itself, anything else by its name only); a helper
that was killed is :class:`HelperGone`, never an end; it does not outlive the consumer nor the consumer's process.
The source must not use what the consumer uses (a database, the terminal): both have it now.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import struct
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from io import FileIO
from select import POLLIN, poll
from typing import Any, Final, Generic, NamedTuple, NoReturn, Self, TypeVar

from tigertally.base.errors import Problem, Unavailable
from tigertally.base.text import Text

S = TypeVar("S")
T = TypeVar("T")

HELPERS: Final = 2

_LENGTH: Final = struct.Struct(">cQ")
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_ITEM, _ASK, _PROBLEM, _DEFECT, _END = b"i", b"a", b"p", b"d", b"e"


class HelperGone(Unavailable):
    """The process that reads ahead ended without a word: killed, or out of memory."""

    code = "base.helper_gone"
    title = Text("辅助进程意外终止", "the process that reads ahead has ended unexpectedly")
    hint = Text(
        "可能内存不足；已完成的部分保留，重新运行即可继续",
        "memory may have run out; what was done stays, run the same command again to go on",
    )


class Ahead(Generic[T]):
    """The items of ``source()``, for one consumer. Use it as a context: leaving ends the helper.

    With ``answer`` the source gets a function to ask the consumer with: what only one process may use (a database) is
    used there, while it waits for the next item.
    """

    def __init__(self, source: Callable[..., Iterator[T]], answer: Callable[[Any], object] | None = None) -> None:
        made_read, made_write = os.pipe()
        told_read, told_write = os.pipe()
        consumer = os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads: the helper takes no lock that another thread could hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._helper = os.fork()
        if not self._helper:
            os.close(made_read)
            os.close(told_write)
            _help(source, made_write, told_read, consumer=consumer, asking=answer is not None)
        os.close(made_write)
        os.close(told_read)
        self._made = os.fdopen(made_read, "rb", buffering=0)
        self._told = os.fdopen(told_write, "wb", buffering=0)
        self._answer = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the helper, if it has not ended. Closing again does nothing."""
        self._made.close()
        self._told.close()
        if self._helper:
            with suppress(ProcessLookupError):
                os.kill(self._helper, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._helper, 0)
            self._helper = 0

    def __iter__(self) -> Iterator[T]:
        while not isinstance(got := self.step(), _End):
            if isinstance(got, _Made):
                yield got.item

    def fileno(self) -> int:
        """Return what to wait on until :meth:`step` has something to do."""
        return self._made.fileno()

    def step(self) -> _Made[T] | _End | None:
        """Take one message: an item, the end, or None after a question. Raises what the source raised."""
        kind, body = _read(self._made)
        if kind == _END:
            return _End()
        if kind == _DEFECT:
            raise RuntimeError(body.decode())
        item = pickle.loads(body)  # noqa: S301 - from our own fork
        if kind == _PROBLEM:
            raise item
        if kind == _ITEM:
            return _Made(item)
        if self._answer is not None:
            with suppress(BrokenPipeError):  # a helper that is gone is told of by the next message
                _write(self._told, _ITEM, pickle.dumps(self._answer(item), protocol=5))
        return None


class _Made(NamedTuple, Generic[T]):
    item: T


class _End:
    """The source has no more items."""


def spread(
    work: Callable[..., T],
    inputs: Iterable[S],
    *,
    helpers: int = HELPERS,
    answer: Callable[[Any], object] | None = None,
) -> Generator[T, None, None]:
    """Yield ``work(one)`` of each input, in order, each made in a helper of its own, ``helpers`` of them at a time.

    Inputs are taken in the caller's process, so they may come from its database. With ``answer`` it is
    ``work(one, ask)``, as in :class:`Ahead`. What was made while an earlier input took longer waits in memory. A caller
    that stops early closes the iterator, and with it every helper.
    """
    waiting: deque[_Job[T]] = deque()
    try:
        for one in inputs:
            waiting.append(_Job(Ahead(partial(_only, work, one), answer)))
            while sum(job.running for job in waiting) >= helpers:
                _serve(waiting)
            yield from _finished(waiting)
        while waiting:
            _serve(waiting)
            yield from _finished(waiting)
    finally:
        for job in waiting:
            job.helper.close()
        if isinstance(inputs, Generator):
            inputs.close()


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    """A helper with one item to make, and the item, or what was raised instead, once it is there."""

    helper: Ahead[T]
    made: list[T] = field(default_factory=list)
    raised: Exception | None = None

    @property
    def running(self) -> bool:
        return not self.made and self.raised is None

    def step(self) -> None:
        try:
            got = self.helper.step()
        except (Problem, RuntimeError) as raised:
            self.raised = raised
        else:
            if isinstance(got, _Made):
                self.made.append(got.item)
        if not self.running:
            self.helper.close()


def _only(work: Callable[..., T], one: S, *ask: object) -> Iterator[T]:
    yield work(one, *ask)


def _serve(waiting: Iterable[_Job[T]]) -> None:
    """Wait for helpers that have not made their item yet, and take what they have to say."""
    running = {job.helper.fileno(): job for job in waiting if job.running}
    poller = poll()
    for descriptor in running:
        poller.register(descriptor, POLLIN)
    for descriptor, _ in poller.poll():
        running[descriptor].step()


def _finished(waiting: deque[_Job[T]]) -> Iterator[T]:
    while waiting and not waiting[0].running:
        job = waiting.popleft()
        if job.raised is not None:
            raise job.raised
        yield job.made[0]


def _help(source: Callable[..., Iterator[T]], made: int, told: int, *, consumer: int, asking: bool) -> NoReturn:
    """Be the helper: make items, write them, and end without running anything of the consumer's."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the consumer decides; it takes the helper with it
        _die_with(consumer)
        gc.freeze()  # what the consumer opened is not closed here
        with os.fdopen(made, "wb", buffering=0) as out, os.fdopen(told, "rb", buffering=0) as back:

            def ask(question: object) -> object:
                _write(out, _ASK, pickle.dumps(question, protocol=5))
                return pickle.loads(_read(back)[1])  # noqa: S301 - from our own parent

            _make(partial(source, ask) if asking else source, out)
    finally:
        os._exit(0)


def _die_with(consumer: int) -> None:
    """Have Linux kill this process when the consumer dies; elsewhere its pipes tell, at the next item."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != consumer:
        os._exit(0)


def _make(source: Callable[[], Iterator[T]], out: FileIO) -> None:
    try:
        for item in source():
            _write(out, _ITEM, pickle.dumps(item, protocol=5))
        _write(out, _END, b"")
    except BrokenPipeError:
        return
    except HelperGone:  # the consumer went while it was asked
        return
    except Problem as problem:
        _write(out, _PROBLEM, pickle.dumps(problem, protocol=5))
    except BaseException as defect:  # noqa: BLE001 - it ends here; its text could hold a value
        _write(out, _DEFECT, type(defect).__qualname__.encode())


def _write(out: FileIO, kind: bytes, body: bytes) -> None:
    rest = memoryview(_LENGTH.pack(kind, len(body)) + body)
    while rest:
        rest = rest[out.write(rest) :]


def _read(stream: FileIO) -> tuple[bytes, bytes]:
    kind, length = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return kind, _exactly(stream, length)


def _exactly(stream: FileIO, count: int) -> bytes:
    got = bytearray(count)
    rest = memoryview(got)
    while rest:
        read = stream.readinto(rest)
        if not read:
            raise HelperGone
        rest = rest[read:]
    return bytes(got)
