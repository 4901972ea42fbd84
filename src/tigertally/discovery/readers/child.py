"""The parent's side of :mod:`tigertally.discovery.parsers`: children that wait for work, and their frames.

A child serves many objects, because starting one costs half a second. It is given up, killed and not used again, when
it takes too long, says too much, dies, or when the reader of its frames stops early. Children share
nothing with the parent but one socket and the file they are to read; of the environment they get the search path only.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from tigertally.base.limits import ARCHIVE_BYTES_MAX
from tigertally.base.text import Text
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.parsers.frames import END, FAILED, FRAME_BYTES_MAX, HEADER, Task, Trouble
from tigertally.discovery.readers.stream import Source

SILENCE_SECONDS_MAX: Final = 300.0  # between two frames
HELD_BYTES_MAX: Final = 256 * 1024 * 1024
_STEP_BYTES: Final = 1024 * 1024
_CHILDREN_MAX: Final = 8

_LARGE: Final = Text("嵌套过大，未在内存中打开", "nested, and too large to be opened in memory")
_PLATFORM: Final = Text("本平台不能打开压缩包内的这种文件", "this kind of file inside an archive cannot be opened here")
_WORDS: Final = {
    Trouble.BROKEN: Text("已损坏，或不是所称的格式", "damaged, or not of the format it seems to be"),
    Trouble.ENCRYPTED: Text("已加密，无法读取", "encrypted; not read"),
    Trouble.PARTS: Text("有部分内容无法读取", "parts of it cannot be read"),
    Trouble.WIDE: Text("列数过多，多出的列未扫描", "too many columns; those beyond the limit were not scanned"),
    Trouble.IMAGES: Text("有页面是图像，未读取其中的文字", "pages that are images; the text in them was not read"),
    Trouble.RICH: Text("正文的格式无法读取", "its body is in a form that cannot be read"),
    Trouble.LOG: Text("旁边有未合并的预写日志（WAL），未读取", "a write-ahead log lies beside it, which was not read"),
    Trouble.TIME: Text("解析超时，已停止", "took too long; stopped"),
    Trouble.DIED: Text("解析进程意外终止", "the parser's process died"),
    Trouble.LIMIT: Text("内容超出解析上限，已停止", "beyond the parser's limits; stopped"),
}
_EXTRAS: Final = {Task.SEVENZIP: "sevenzip", Task.DUCKDB: "duckdb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One thing a child says; ``payload`` may hold clear values."""

    kind: bytes
    payload: bytes = field(repr=False)


def why(task: Task, trouble: Trouble) -> Text:
    """Return the sentence for a child's word."""
    if trouble is Trouble.NOT_INSTALLED:
        extra = _EXTRAS.get(task, "all")
        return Text(
            f"读取此格式需要另装：pip install 'tigertally[{extra}]'",
            f"reading this format needs: pip install 'tigertally[{extra}]'",
        )
    return _WORDS[trouble]


def frames(task: Task, source: Source) -> Generator[Frame]:
    """Let a child read ``source`` and yield what it says, without the last word.

    Raises :class:`Unreadable` when the child cannot read it, takes too long or dies; what was yielded before stands.
    Closing the generator early gives the child up.
    """
    for fresh in (False, True):
        child = _POOL.take(fresh=fresh)
        spoken = whole = False
        try:
            child.ask(task, source)
            for frame in child.answers():
                spoken = True
                if frame.kind == END:
                    whole = True
                    return
                if frame.kind == FAILED:
                    whole = True
                    raise Unreadable(why(task, Trouble(frame.payload.decode())))
                yield frame
        except TimeoutError:
            raise Unreadable(_WORDS[Trouble.TIME]) from None
        except (BrokenPipeError, ConnectionError, EOFError, ValueError):
            if spoken or fresh:
                raise Unreadable(_WORDS[Trouble.DIED]) from None
        finally:
            _POOL.give(child) if whole else child.kill()
        # It was gone before it said anything, perhaps while it had no work: another one tries.


class _Child:
    """One process and the socket to it."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
            environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "tigertally.discovery.parsers", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._channel.settimeout(SILENCE_SECONDS_MAX)

    def ask(self, task: Task, source: Source) -> None:
        """Hand over an object: a file by its descriptor, anything else by its bytes."""
        job = {"task": task.value, "size": source.size}
        with source.open() as stream:
            if source.path is not None:
                line = json.dumps(job).encode() + b"\n"
                # One byte with the descriptor, the rest behind it: a message may be cut.
                socket.send_fds(self._channel, [line[:1]], [stream.fileno()])
                self._channel.sendall(line[1:])
                return
            image = _held(stream)
        job["size"] = len(image)
        line = json.dumps(job).encode() + b"\n"
        if task is Task.DUCKDB:
            with _anonymous(image) as descriptor:
                socket.send_fds(self._channel, [line[:1]], [descriptor])
                self._channel.sendall(line[1:])
            return
        self._channel.sendall(line)
        self._channel.sendall(image)

    def answers(self) -> Iterator[Frame]:
        """Yield frames until the last word."""
        total = 0
        while True:
            kind, size = HEADER.unpack(self._exactly(HEADER.size))
            total += size
            if size > FRAME_BYTES_MAX or total > ARCHIVE_BYTES_MAX:
                raise Unreadable(_WORDS[Trouble.LIMIT])
            frame = Frame(kind=kind, payload=self._exactly(size))
            yield frame
            if kind in (END, FAILED):
                return

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._channel.close()
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()

    def _exactly(self, size: int) -> bytes:
        held = bytearray(size)
        view = memoryview(held)
        at = 0
        while at < size:
            count = self._channel.recv_into(view[at:], min(size - at, _STEP_BYTES))
            if not count:
                raise EOFError
            at += count
        return bytes(held)


class _Pool:
    """Children without work. Threads and forks are safe: a child is one taker's, and only its maker's process's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._owner = 0

    def take(self, *, fresh: bool) -> _Child:
        """Return an idle child, or a new one."""
        with self._lock:
            if self._owner != os.getpid():
                self._idle, self._owner = [], os.getpid()
                atexit.register(self.close)
            return self._idle.pop() if self._idle and not fresh else _Child()

    def give(self, child: _Child) -> None:
        """Take a child back that has done its work."""
        with self._lock:
            if len(self._idle) < _CHILDREN_MAX:
                self._idle.append(child)
                return
        child.kill()

    def close(self) -> None:
        """End all idle children."""
        with self._lock:
            idle, self._idle = self._idle, []
        if self._owner == os.getpid():
            for child in idle:
                child.kill()


_POOL: Final = _Pool()


def _held(stream: BinaryIO) -> bytes:
    pieces: list[bytes] = []
    left = HELD_BYTES_MAX
    while chunk := stream.read(min(left + 1, 1 << 22)):
        pieces.append(chunk)
        left -= len(chunk)
        if left < 0:
            raise Unreadable(_LARGE)
    return b"".join(pieces)


@contextlib.contextmanager
def _anonymous(image: bytes) -> Iterator[int]:
    """Give a descriptor of a file that is in memory only."""
    if not hasattr(os, "memfd_create"):
        raise Unreadable(_PLATFORM)
    with cast("BinaryIO", os.fdopen(os.memfd_create("object"), "w+b")) as file:
        file.write(image)
        file.flush()
        file.seek(0)
        yield file.fileno()
