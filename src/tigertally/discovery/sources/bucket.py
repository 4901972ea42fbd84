"""Object stores that speak S3: every object of a bucket, listed in pages, read in ranges, nothing written.

1. Each object is read as it was when it was listed: every request says *if it is still this ETag*. 2. Bytes come in
ranges, so a reader that seeks (zip) gets what it asks for, and a connection that breaks costs one range. 3. An object
is the same as before if ETag, size and time are. 4. Credentials come from the usual variables; without any, requests
are not signed.
"""

from __future__ import annotations

import http.client
import io
import os
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, cast
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

from tigertally.base.clock import Clock
from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.crypto.sigv4 import Credentials, encoded_path, encoded_query, signed
from tigertally.discovery.errors import BadAddress, SourceUnavailable, Unreadable
from tigertally.discovery.readers.dispatch import read_object
from tigertally.discovery.readers.members import Run
from tigertally.discovery.readers.stream import Source
from tigertally.discovery.sources.ports import Entry

RANGE_BYTES: Final = 8 * 1024 * 1024
HEAD_BYTES: Final = 65_536
_PAGE_BYTES_MAX: Final = 16 * 1024 * 1024
_TIMEOUT_SECONDS: Final = 60
_TRIES: Final = 4
_OK: Final = (200, 206)
_CHANGED_STATUS: Final = (404, 409, 412)
_RETRY_FROM: Final = 500

_CHANGED: Final = Text("列出之后对象已被改动或删除", "the object was changed or deleted after it was listed")
_DENIED: Final = Text("没有读取此对象的权限", "no permission to read this object")
_LOST: Final = Text("对象存储无法连接，未读完", "the object store could not be reached; not read to its end")
_ARCHIVED: Final = Text("已归档，需先恢复才能读取", "archived; it must be restored before it can be read")
_COLD: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    key: str
    size: int
    etag: str
    modified: str
    storage: str


class Bucket:
    """The bucket, or what is below a prefix in it, at ``s3://bucket/prefix``.

    ``?endpoint=URL`` (or ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``) names another store than Amazon's, ``?region=``
    (or ``AWS_REGION``, ``AWS_DEFAULT_REGION``) the region. Raises :class:`BadAddress` and :class:`SourceUnavailable`.
    """

    def __init__(self, url: str, *, clock: Clock) -> None:
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._bucket, self._prefix = parts.netloc, unquote(parts.path.lstrip("/"))
        self._region = asked.get("region") or _said("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = urlsplit(
            asked.get("endpoint")
            or _said("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
            or f"https://s3.{self._region}.amazonaws.com"
        )
        if not self._bucket or endpoint.scheme not in ("http", "https") or not endpoint.hostname:
            raise BadAddress(where="s3")
        self._secure, self._host = endpoint.scheme == "https", endpoint.netloc
        self._credentials = _credentials()
        self._clock = clock
        self._line: http.client.HTTPConnection | None = None

    @property
    def name(self) -> str:
        """Return the bucket's name."""
        return self._bucket

    def entries(self) -> Iterator[Entry]:
        """Yield every object."""
        for one in self._listed():
            yield Entry(
                name=one.key.removeprefix(self._prefix).lstrip("/") or one.key,
                size=one.size,
                read=partial(self._read, one),
                stamp=f"{one.etag}:{one.size}:{one.modified}",
                skip=_ARCHIVED if one.storage in _COLD else None,
            )

    def count(self) -> tuple[int, int | None]:
        """Count objects and bytes again."""
        files = size = 0
        for one in self._listed():
            files += 1
            size += one.size
        return files, size

    def close(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def part(self, key: str, etag: str, start: int, stop: int) -> bytes:
        """Return bytes ``[start, stop)`` of the object as it was listed. Raises :class:`Unreadable`."""
        headers = {"range": f"bytes={start}-{stop - 1}", "if-match": etag}
        try:
            status, data = self._get(f"/{self._bucket}/{key}", {}, headers, most=stop - start)
        except (OSError, http.client.HTTPException):
            raise Unreadable(_LOST) from None
        if status in _CHANGED_STATUS:
            raise Unreadable(_CHANGED)
        if status not in _OK or len(data) != stop - start:
            raise Unreadable(_DENIED if status == 403 else _LOST)  # noqa: PLR2004
        return data

    def _read(self, one: _Object, run: Run, shown: str) -> None:
        def open_() -> BinaryIO:
            return cast("BinaryIO", io.BufferedReader(_Stream(self, one), HEAD_BYTES))

        read_object(run, Source(name=shown, size=one.size, open=open_))

    def _listed(self) -> Iterator[_Object]:
        query = {"list-type": "2", "prefix": self._prefix, "encoding-type": "url", "max-keys": "1000"}
        while True:
            try:
                status, page = self._get(f"/{self._bucket}", query, {}, most=_PAGE_BYTES_MAX)
            except (OSError, http.client.HTTPException) as problem:
                raise SourceUnavailable(why=type(problem).__name__) from None
            if status not in _OK:
                raise SourceUnavailable(why=f"HTTP {status}")
            try:
                root = ET.fromstring(page)  # noqa: S314 - no entities: expat refuses to expand without end
            except ET.ParseError:
                raise SourceUnavailable(why="XML") from None
            for item in root.iterfind("{*}Contents"):
                key = unquote(item.findtext("{*}Key", "").replace("+", " "))
                size = item.findtext("{*}Size", "0")
                yield _Object(
                    key=key,
                    size=int(size) if size.isdecimal() else 0,
                    etag=item.findtext("{*}ETag", ""),
                    modified=item.findtext("{*}LastModified", ""),
                    storage=item.findtext("{*}StorageClass", ""),
                )
            token = root.findtext("{*}NextContinuationToken", "")
            if root.findtext("{*}IsTruncated") != "true" or not token:
                return
            query["continuation-token"] = token

    def _get(self, path: str, query: dict[str, str], headers: dict[str, str], *, most: int) -> tuple[int, bytes]:
        """Return status and body of a GET; broken connections and errors of the server are tried again."""
        for attempt in range(1, _TRIES + 1):
            try:
                status, data = self._once(path, query, headers, most)
                if status < _RETRY_FROM or attempt == _TRIES:
                    return status, data
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt == _TRIES:
                    raise
            time.sleep(0.1 * 4**attempt / 4)
        raise AssertionError

    def _once(self, path: str, query: dict[str, str], headers: dict[str, str], most: int) -> tuple[int, bytes]:
        if self._line is None:
            self._line = (
                http.client.HTTPSConnection(self._host, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context())
                if self._secure
                else http.client.HTTPConnection(self._host, timeout=_TIMEOUT_SECONDS)
            )
        every = {"host": self._host, **headers}
        if self._credentials is not None:
            every = signed(
                self._credentials, host=self._host, path=path, query=query,
                region=self._region, now=self._clock.now(), headers=headers,
            )  # fmt: skip
        target = encoded_path(path) + (f"?{encoded_query(query)}" if query else "")
        self._line.request("GET", target, headers=every)
        answer = self._line.getresponse()
        data = answer.read(most)
        if answer.read(1):
            self.close()  # more than was asked for: the rest is not waited for
        return answer.status, data


class _Stream(io.RawIOBase):
    """An object as a file that can seek; what is read ahead is one range."""

    def __init__(self, bucket: Bucket, one: _Object) -> None:
        super().__init__()
        self._bucket = bucket
        self._one = one
        self._at = 0
        self._start = 0
        self._held = b""
        self._next = HEAD_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._one.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        if self._at >= self._one.size or not len(buffer):
            return 0
        if not self._start <= self._at < self._start + len(self._held):
            stop = min(self._at + self._next, self._one.size)
            self._held = self._bucket.part(self._one.key, self._one.etag, self._at, stop)
            self._start, self._next = self._at, RANGE_BYTES
        begin = self._at - self._start
        piece = self._held[begin : begin + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _said(*names: str) -> str:
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _credentials() -> Credentials | None:
    key, secret = _said("AWS_ACCESS_KEY_ID"), _said("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        return None
    session = _said("AWS_SESSION_TOKEN")
    return Credentials(key=key, secret=SecretText(secret), session=SecretText(session) if session else None)
