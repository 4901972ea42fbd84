"""What a parser's process and its parent say to each other: one job in, frames out.

A job is a line of JSON (task, size, whether a file descriptor comes with it); without a descriptor the object's bytes
follow it. A frame is one byte of kind, eight bytes of length (little-endian), the payload. Invariants: a
job ends in exactly one :data:`END` or :data:`FAILED`; words of trouble are a closed set, never a library's own message,
which could hold a customer's value.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Final

import pyarrow as pa

from tigertally.base.canon import Json

HEADER: Final = struct.Struct("<cQ")
FRAME_BYTES_MAX: Final = 256 * 1024 * 1024
PIECE_BYTES: Final = 1024 * 1024
_BATCH_BYTES: Final = 64 * 1024 * 1024

TEXT: Final = b"T"  # a piece of running text, UTF-8
TABLE: Final = b"S"  # a table begins: {"table", "headers"}
BATCH: Final = b"B"  # a batch of the table, Arrow stream of text columns
MEMBER: Final = b"M"  # a member begins: {"name", "size", "skip"}
DATA: Final = b"D"  # bytes of the member
CLOSE: Final = b"E"  # the member ends: {"broken"}
WEAK: Final = b"W"  # not all was read: a word of Trouble
END: Final = b"X"
FAILED: Final = b"F"  # a word of Trouble


class Task(Enum):
    """What the child can read."""

    BOOK = "book"
    PDF = "pdf"
    SEVENZIP = "sevenzip"
    MSG = "msg"
    PARQUET = "parquet"
    ORC = "orc"
    ARROW = "arrow"
    DUCKDB = "duckdb"


class Trouble(Enum):
    """Why something was not read, or not whole."""

    BROKEN = "broken"
    ENCRYPTED = "encrypted"
    NOT_INSTALLED = "not_installed"
    PARTS = "parts"  # one part of several cannot be read
    WIDE = "wide"  # too many columns
    IMAGES = "images"  # pages or parts that are pictures
    RICH = "rich"  # a body in a form that is not read
    LOG = "log"  # a write-ahead log beside it
    # These are the parent's words.
    TIME = "time"
    DIED = "died"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One object for the child: ``file`` can seek."""

    task: Task
    file: BinaryIO
    size: int


class Sender:
    """Writes frames; the child's side."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def frame(self, kind: bytes, payload: bytes | memoryview = b"") -> None:
        """Send one frame."""
        self._channel.sendall(HEADER.pack(kind, len(payload)))
        if len(payload):
            self._channel.sendall(payload)

    def said(self, kind: bytes, value: Json) -> None:
        """Send one frame of JSON."""
        self.frame(kind, json.dumps(value).encode())

    def text(self, text: str) -> None:
        """Send running text, in pieces."""
        data = text.encode("utf-8", "replace")
        for start in range(0, len(data), FRAME_BYTES_MAX):
            self.frame(TEXT, data[start : start + FRAME_BYTES_MAX])

    def table(self, table: str | None, headers: list[str] | None) -> None:
        """Begin a table; without headers its first rows are asked for one."""
        named: list[Json] | None = None if headers is None else [*headers]
        self.said(TABLE, {"table": table, "headers": named})

    def batch(self, columns: list[pa.Array]) -> None:
        """Send a batch of large_string columns; those of a nested kind may be longer than others."""
        rows = max((len(column) for column in columns), default=0)
        if rows > 1 and sum(column.nbytes for column in columns) > _BATCH_BYTES:
            for start, stop in ((0, rows // 2), (rows // 2, rows)):
                self.batch([column.slice(start, stop - start) for column in columns])
            return
        sink = pa.BufferOutputStream()
        for column in columns:
            batch = pa.record_batch([column.cast(pa.large_string())], ["c"])
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
        self.frame(BATCH, memoryview(sink.getvalue()))

    def weak(self, trouble: Trouble) -> None:
        """Say that not all was read."""
        self.frame(WEAK, trouble.value.encode())


def columns_of(payload: bytes) -> list[pa.Array]:
    """Return the columns of a batch frame. Raises ``pa.ArrowInvalid`` for what is none."""
    source = pa.BufferReader(payload)
    columns: list[pa.Array] = []
    while source.tell() < len(payload):
        with pa.ipc.open_stream(source) as reader:
            columns += [reader.read_all().column(0).combine_chunks()]
    return columns
