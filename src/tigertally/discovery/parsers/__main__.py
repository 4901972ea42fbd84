"""The child: takes jobs from its parent's socket, one after the other, within limits it sets on itself.

1. Limits first, before any parser is imported: address space, processor time per job, no file may be written (size
   0), no core dump. 2. Parsers are imported when first asked for. 3. Whatever a parser raises becomes one word.
4. The parent kills what takes too long; a child whose parent is gone reads the end of its socket and ends.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import resource
import socket
import sys
from typing import BinaryIO, Final, Protocol, cast

from tigertally.discovery.parsers.frames import END, FAILED, Job, Sender, Task, Trouble

MEMORY_BYTES_MAX: Final = 3 * 1024**3
CPU_SECONDS_MAX: Final = 600
_LINE_BYTES_MAX: Final = 4_096
_ROOMS: Final = {
    Task.BOOK: "books",
    Task.PDF: "pdf",
    Task.SEVENZIP: "sevenzip",
    Task.MSG: "msg",
    Task.PARQUET: "parquet",
    Task.ORC: "parquet",
    Task.ARROW: "parquet",
    Task.DUCKDB: "duck",
}


class _Parser(Protocol):
    """A room of this package."""

    def parse(self, job: Job, out: Sender) -> Trouble | None:
        """Send what the object holds; return why it cannot be read at all, if so."""
        ...


def main(descriptor: int) -> None:
    """Serve jobs until the parent is gone."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES_MAX)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    with socket.socket(fileno=descriptor) as channel:
        while _serve(channel):
            pass


def _serve(channel: socket.socket) -> bool:
    line, given = _line(channel)
    if not line:
        return False
    asked = json.loads(line)
    task, size = Task(asked["task"]), int(asked["size"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + CPU_SECONDS_MAX)
    file = io.BytesIO(_exactly(channel, size)) if given is None else cast("BinaryIO", os.fdopen(given, "rb"))
    out = Sender(channel)
    with file:
        trouble = _parsed(Job(task=task, file=file, size=size), out)
    if trouble is None:
        out.frame(END)
    else:
        out.frame(FAILED, trouble.value.encode())
    return True


def _parsed(job: Job, out: Sender) -> Trouble | None:
    try:
        room = cast("_Parser", importlib.import_module(f"tigertally.discovery.parsers.{_ROOMS[job.task]}"))
    except ImportError:
        return Trouble.NOT_INSTALLED
    try:
        return room.parse(job, out)
    except OSError as problem:
        if isinstance(problem, (BrokenPipeError, ConnectionError)):
            raise
        return Trouble.BROKEN
    except MemoryError:
        return Trouble.LIMIT
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - whatever a parser of hostile bytes raises, panics of Rust included
        return Trouble.BROKEN


def _line(channel: socket.socket) -> tuple[bytes, int | None]:
    """Return the line of a job and the descriptor that came with it."""
    data, given = b"", None
    while not data.endswith(b"\n"):
        chunk, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        given = descriptors[0] if descriptors else given
        if not chunk or len(data) > _LINE_BYTES_MAX:
            return b"", given
        data += chunk
    return data, given


def _exactly(channel: socket.socket, size: int) -> bytes:
    held = bytearray(size)
    view = memoryview(held)
    at = 0
    while at < size:
        count = channel.recv_into(view[at:])
        if not count:
            raise ConnectionError
        at += count
    return bytes(held)


def _limit(which: int, most: int) -> None:
    """Lower a soft limit; a platform that refuses goes without."""
    try:
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    except (OSError, ValueError):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
