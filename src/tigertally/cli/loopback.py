"""A page for one question to the person's own browser: it makes or shows a passkey, hands the answer back, is gone.

Or it is where the browser comes back to from a sign-in provider (:func:`returning`), at ``http://127.0.0.1:PORT/signed-in``
(RFC 8252 §7.3): the secret is then the ``state`` of that sign-in, and the query is the answer.

The page is at ``http://localhost:PORT/SECRET``, which browsers count as a secure context. Invariants:

1. it listens on the loopback interface only, on 127.0.0.1 and ::1 alike, so that nobody else answers for
   ``localhost``; where the system tells whose a connection is (Linux), another user's is dropped;
2. a request says ``localhost:PORT`` in Host (no name that was made to point here), the secret in its path, and an
   answer this very page in Origin; whoever has not all of that learns nothing;
3. one answer is taken, within :data:`WAIT_S`; it is believed no more than one from a file (``formats.webauthn``);
4. the page runs the one script that is in it, loads nothing, talks to nobody else and is in no frame or cache.
"""

from __future__ import annotations

import hmac
import os
import queue
import secrets
import socket
import sys
import threading
import urllib.parse
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Final

import click

from tigertally.access.passkeys import ASKED_S, CREATE
from tigertally.base.canon import Json
from tigertally.base.errors import Unavailable
from tigertally.base.text import Text
from tigertally.cli.base import Shell
from tigertally.cli.language import option
from tigertally.formats.webauthn import BYTES_MAX

WAIT_S: Final = ASKED_S
RETURN: Final = "/signed-in"
_HANDLER_S: Final = 20
_SAID: Final = {
    HTTPStatus.OK: "<!doctype html><title>OK</title><p>回到终端继续，此页可关闭。Go on in the terminal; close this.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "<!doctype html><title>No</title><p>登录未完成，见终端。See the terminal.",
    HTTPStatus.GONE: "<!doctype html><title>Gone</title><p>已有答复。There was an answer before.",
}
_LAST_WORD_S: Final = 3
_TRIES: Final = 8
_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_UID_COLUMN: Final = 7
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "publickey-credentials-create=(self), publickey-credentials-get=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


PORT: Final = option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    zh="页面的端口（默认任一空闲端口；ssh -L 转发时指定）",
    en="port of the page (any free one by default; name one to forward it with ssh -L)",
)


class BrowserSilent(Unavailable):
    """Nobody answered on the page."""

    code = "cli.browser_silent"
    title = Text("浏览器五分钟内没有作答", "the browser did not answer within five minutes")
    hint = Text(
        "重新运行；没有浏览器的机器上，可用 ssh -L 转发 --port，或以 JSON 文件往返（见 --help）",
        "run it again; on a machine without a browser forward --port with ssh -L, or pass JSON files (see --help)",
    )


class NoLoopback(Unavailable):
    """The page has no address."""

    code = "cli.no_loopback"
    title = Text("无法在本机 localhost 上打开页面", "no page can be opened on this machine's localhost")
    hint = Text("端口可能被占用：换一个 --port，或不指定", "the port may be taken: give another --port, or none")


@dataclass(slots=True, kw_only=True)
class Page:
    """The page while it is open. ``told`` is what it says at the end: None until then."""

    port: int
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    html: bytes = b""
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    wait_s: float = WAIT_S
    _answers: queue.Queue[bytes] = field(default_factory=lambda: queue.Queue(maxsize=1))
    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _taken: bool = False
    _good: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)
    _shown: threading.Event = field(default_factory=threading.Event)

    @property
    def redirect(self) -> str:
        """Where a browser comes back to."""
        return f"http://127.0.0.1:{self.port}{RETURN}"

    @property
    def origin(self) -> str:
        """What an answer is bound to."""
        return f"http://localhost:{self.port}"

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"{self.origin}/{self.secret}"

    def ask(self, shell: Shell, options: Json, *, use: str, name: str, act: str = "") -> bytes:
        """Show the page and wait for its answer. Raises :class:`BrowserSilent`."""
        self.html = _render(self, options, use=use, name=name, act=act, lang=shell.lang.value)
        return self._wait(shell, self.address)

    def go(self, shell: Shell, address: str, *, state: str) -> str:
        """Send the browser to ``address``; return the query that it is back with. Raises :class:`BrowserSilent`."""
        self.secret = state
        return self._wait(shell, address).decode("ascii", "replace")

    def _wait(self, shell: Shell, address: str) -> bytes:
        shell.say("请在本机浏览器中打开，五分钟内有效：", "Open this in a browser on this machine within five minutes:")
        shell.err.print(f"  {address}", markup=False, highlight=False, soft_wrap=True)
        if shell.err.is_terminal and _has_screen():
            webbrowser.open(address)
        try:
            return self._answers.get(timeout=self.wait_s)
        except queue.Empty:
            raise BrowserSilent from None

    def done(self) -> None:
        """Let the page say that the answer was good; it says the opposite if this is never called."""
        self._good = True

    def end(self) -> None:
        """Let whoever waits for the outcome have it."""
        self._ended.set()
        if self._taken:
            self._shown.wait(_LAST_WORD_S)

    def take(self, answer: bytes) -> bool | None:
        """Take an answer; return whether it was good once that is known, None if there was one before."""
        with self._mutex:
            if self._taken or self._ended.is_set():
                return None
            self._taken = True
        self._answers.put(answer)
        self._ended.wait(_HANDLER_S)
        return self._good

    def shown(self) -> None:
        """Say that the browser has the outcome."""
        self._shown.set()


@contextmanager
def returning(*, port: int = 0, wait_s: float = WAIT_S) -> Iterator[Page]:
    """Give a page that a browser comes back to from a sign-in provider. Raises :class:`NoLoopback`."""
    with _listening(_Return, port=port, wait_s=wait_s) as page:
        yield page


@contextmanager
def opened(*, port: int = 0, wait_s: float = WAIT_S) -> Iterator[Page]:
    """Give a page that listens until the block ends, at ``port`` or any. Raises :class:`NoLoopback`."""
    with _listening(_Handler, port=port, wait_s=wait_s) as page:
        yield page


@contextmanager
def _listening(handler: type[_Handler], *, port: int, wait_s: float) -> Iterator[Page]:
    listening = _listen(port)
    page = Page(port=listening[0].server_address[1], wait_s=wait_s)
    for server in listening:
        server.RequestHandlerClass = partial(handler, page)
    threads = [threading.Thread(target=partial(server.serve_forever, 0.05), daemon=True) for server in listening]
    for thread in threads:
        thread.start()
    try:
        yield page
    finally:
        page.end()
        for server, thread in zip(listening, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


class _Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def _listen(port: int) -> list[ThreadingHTTPServer]:
    """Return servers of one port on both loopback addresses, or on the first where there is no IPv6."""
    for _ in range(_TRIES):
        try:
            first = ThreadingHTTPServer(("127.0.0.1", port), BaseHTTPRequestHandler)
        except OSError:
            raise NoLoopback from None
        try:
            return [first, _Server6(("::1", first.server_address[1]), BaseHTTPRequestHandler)]
        except OSError:
            if not _has_six():
                return [first]
            first.server_close()
    raise NoLoopback


def _has_six() -> bool:
    """Return whether ::1 is an address of this machine."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _has_screen() -> bool:
    """Return whether a browser would open in a window, not in this terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def owner_of(*, ours: int, theirs: int) -> int | None:
    """Return whose the process is at the other end of a loopback connection, by its ports; None if nobody tells."""
    for path in _TABLES:
        with suppress(OSError, ValueError, IndexError):
            for line in path.read_text(encoding="ascii").splitlines()[1:]:
                words = line.split()
                ports = [int(word.rpartition(":")[2], 16) for word in words[1:3]]
                if ports == [theirs, ours]:
                    return int(words[_UID_COLUMN])
    return None


class _Handler(BaseHTTPRequestHandler):
    server_version = "tigertally"
    sys_version = ""
    timeout = _HANDLER_S

    def __init__(
        self, page: Page, request: socket.socket, client: tuple[str, int], server: ThreadingHTTPServer
    ) -> None:
        self.page = page
        super().__init__(request, client, server)

    def handle(self) -> None:
        owner = owner_of(ours=self.page.port, theirs=self.client_address[1])
        if owner is None or owner == os.getuid():
            with suppress(ConnectionError, TimeoutError):
                super().handle()

    def do_GET(self) -> None:
        if self._is_ours():
            self._send(HTTPStatus.OK, self.page.html)

    def do_POST(self) -> None:
        if not self._is_ours():
            return
        length = self.headers.get("Content-Length", "")
        fetched = self.headers.get("Sec-Fetch-Site", "same-origin")
        if self.headers.get("Origin") != self.page.origin or fetched != "same-origin":
            self._send(HTTPStatus.FORBIDDEN)
        elif self.headers.get_content_type() != "application/json":
            self._send(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        elif not length.isdecimal() or int(length) > BYTES_MAX:
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            good = self.page.take(self.rfile.read(int(length)))
            status = HTTPStatus.GONE if good is None else HTTPStatus.OK if good else HTTPStatus.UNPROCESSABLE_ENTITY
            self._send(status)
            if good is not None:
                self.page.shown()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: what strangers send is not for a log."""

    def _is_ours(self) -> bool:
        """Return whether Host and path are this page's; tell the sender if not."""
        if self.headers.get("Host") != f"localhost:{self.page.port}":
            self._send(HTTPStatus.MISDIRECTED_REQUEST)
        elif not hmac.compare_digest(self.path.encode(), f"/{self.page.secret}".encode()):
            self._send(HTTPStatus.NOT_FOUND)
        else:
            return True
        return False

    def _send(self, status: HTTPStatus, body: bytes = b"") -> None:
        self.send_response(status)
        nonce = self.page.nonce
        own = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'"
        closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        self.send_header("Content-Security-Policy", f"{closed}; {own}")
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Return(_Handler):
    """Takes the one query that has the state of this sign-in; a page with another could not have come from it."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        states = urllib.parse.parse_qs(query).get("state", [])
        if self.headers.get("Host") != f"127.0.0.1:{self.page.port}":
            self._send(HTTPStatus.MISDIRECTED_REQUEST)
        elif (
            path != RETURN or len(states) != 1 or not hmac.compare_digest(states[0].encode(), self.page.secret.encode())
        ):
            self._send(HTTPStatus.NOT_FOUND)
        else:
            good = self.page.take(query.encode())
            status = HTTPStatus.GONE if good is None else HTTPStatus.OK if good else HTTPStatus.UNPROCESSABLE_ENTITY
            self._send(status, _SAID[status].encode())
            if good is not None:
                self.page.shown()

    def do_POST(self) -> None:
        self._send(HTTPStatus.METHOD_NOT_ALLOWED)


def _render(page: Page, options: Json, *, use: str, name: str, act: str, lang: str) -> bytes:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - most commands have no page

    text = resources.files("tigertally.data").joinpath("templates", "passkey.html").read_text(encoding="utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(text)
    words = {"options": options, "making": use == CREATE, "name": name, "act": act, "lang": lang, "nonce": page.nonce}
    return template.render(words).encode()
