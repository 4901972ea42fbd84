"""One way to ask a keeper over the network: JSON over HTTPS, bounded in time and size, believing nothing.

1. TLS 1.2 or later with the peer's name checked; plain HTTP to this machine only (a local agent or a test);
2. a whole exchange has one deadline, however slowly the bytes drip;
3. an answer has a length limit; redirects are not followed; proxies of the environment are not used;
4. nothing that the peer said travels on: problems carry our words, so neither a credential nor a key that an
   answer echoes reaches a log;
5. one exchange at a time per keeper, over one connection that is kept; a kept connection that the peer has closed
   is made anew once, because wrapping and unwrapping may be done twice.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tigertally.base.canon import Json
from tigertally.vault.errors import BadKeeper, KeeperNotBelieved, KeeperUnavailable

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 64 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. ``body`` is an object, empty if the answer was not one."""

    status: int
    body: Mapping[str, Json]


class Line:
    """A line to one keeper. Its address is ``https://HOST[:PORT]``, or ``http://`` to this machine."""

    __slots__ = ("_closed", "_connection", "_context", "_lock", "_timeout_s", "host", "port", "tls")

    def __init__(self, address: str, *, ca: Path | None = None, timeout_s: float = TIMEOUT_S) -> None:
        parts = _parts(address)
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.tls else 80)
        self._context = _context(ca) if self.tls else None
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def authority(self) -> str:
        """The ``Host`` header: the port only if it is not the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"

    def ask(self, method: str, path: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer. Raises ``KeeperUnavailable``, and ``KeeperNotBelieved`` for one that is no JSON."""
        with self._lock:
            if self._closed:
                raise KeeperUnavailable(reason="closed")
            kept = self._connection is not None
            try:
                status, data = self._exchange(method, path, body, headers)
            except KeeperUnavailable as problem:
                if not kept or problem.details["reason"] == "timeout":
                    raise
                status, data = self._exchange(method, path, body, headers)
        if len(data) > ANSWER_BYTES_MAX:
            raise KeeperNotBelieved(reason="answer_too_long")
        try:
            found = json.loads(data) if data else {}
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return Answer(status=status, body=found)
        if status == http.client.OK:
            raise KeeperNotBelieved(reason="answer_is_no_json")
        return Answer(status=status, body={})

    def close(self) -> None:
        """Hang up; every later question is ``KeeperUnavailable``."""
        with self._lock:
            self._closed = True
            self._hang_up()

    def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection = self._connect()
        late = threading.Event()
        plug = connection.sock

        def cut() -> None:
            late.set()
            with suppress(OSError):
                # The socket's own method: a TLS socket would first try to say goodbye.
                socket.socket.shutdown(plug, socket.SHUT_RDWR)

        timer = threading.Timer(self._timeout_s, cut)
        timer.daemon = True
        timer.start()
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            answer = connection.getresponse()
            data = answer.read(ANSWER_BYTES_MAX + 1)
            if len(data) > ANSWER_BYTES_MAX or answer.will_close:
                self._hang_up()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._hang_up()
            reason = "timeout" if late.is_set() or isinstance(error, TimeoutError) else "connection_lost"
            raise KeeperUnavailable(reason=reason) from None
        else:
            if late.is_set():
                self._hang_up()
                raise KeeperUnavailable(reason="timeout")
            return answer.status, data
        finally:
            timer.cancel()

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is not None:
            return self._connection
        made: http.client.HTTPConnection
        if self._context is not None:
            made = http.client.HTTPSConnection(self.host, self.port, timeout=self._timeout_s, context=self._context)
        else:
            made = http.client.HTTPConnection(self.host, self.port, timeout=self._timeout_s)
        try:
            made.connect()
        except ssl.SSLError:
            made.close()
            raise KeeperUnavailable(reason="tls") from None
        except TimeoutError:
            made.close()
            raise KeeperUnavailable(reason="timeout") from None
        except OSError:
            made.close()
            raise KeeperUnavailable(reason="unreachable") from None
        self._connection = made
        return made

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _parts(address: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(address)
        port_is_a_number = parts.port is None or parts.port > 0
    except ValueError:
        raise BadKeeper(what="address") from None
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if not parts.hostname or not bare or not port_is_a_number or parts.scheme not in ("http", "https"):
        raise BadKeeper(what="address")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise BadKeeper(what="address_without_tls")
    return parts


def _context(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ssl.SSLError):
            raise BadKeeper(what="ca") from None
    return context
