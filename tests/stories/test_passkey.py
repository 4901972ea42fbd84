"""A passkey on a page of our own: in a real browser with a virtual authenticator, and against who gets between.

The person types ``me passkey`` and ``confirm NAME --browser``; the rest happens on the page that they are told of.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import re
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.stories import chromium
from tests.stories import town as towns
from tests.stories.authenticator import Authenticator
from tests.stories.town import Firm

from tigertally.access.passkeys import GET
from tigertally.base.text import Lang
from tigertally.cli import loopback
from tigertally.cli.base import Shell, run
from tigertally.cli.loopback import BrowserSilent, NoLoopback, Page

ACT = "ab" * 32
ADDRESS = re.compile(r"http://localhost:\d+/\S+(?=\s)")


@dataclass(slots=True, kw_only=True)
class Asking:
    """A page that waits in a thread of its own, as a command would."""

    page: Page
    thread: threading.Thread
    answers: list[bytes]
    problems: list[Exception] = field(default_factory=list)


@contextlib.contextmanager
def asking(*, good: bool = True, wait_s: float = 30, lang: Lang = Lang.EN) -> Iterator[Asking]:
    """Open a page that shows a passkey for an act."""
    shell = Shell(home=Path(), lang=lang, as_json=True, handle="zhao", unlock_file=None, err=Console(quiet=True))
    with loopback.opened(wait_s=wait_s) as page:

        def work() -> None:
            try:
                options: Any = {"challenge": "AAAA", "allowCredentials": [], "x": "</script><b>"}
                made.answers.append(page.ask(shell, options, use=GET, name="zhao", act=ACT))
                if good:
                    page.done()
            except BrowserSilent as problem:
                made.problems.append(problem)
            page.end()

        made = Asking(page=page, thread=threading.Thread(target=work), answers=[])
        made.thread.start()
        yield made
        made.thread.join()


def call(page: Page, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask as any program can; a header given as "" is not sent."""
    sent = {"Host": f"localhost:{page.port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**sent, "Content-Length": str(len(body))}.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def good_headers(page: Page) -> dict[str, str]:
    return {"Origin": page.origin, "Content_Type": "application/json"}


def test_the_page_answers_only_who_has_its_name_its_secret_and_its_origin() -> None:
    with asking() as made:
        page, own = made.page, f"/{made.page.secret}"
        fit = good_headers(page)
        for path in ("/", own[:-1], own + "x", own.swapcase(), own + "?a"):
            assert call(page, "GET", path)[0] == 404
            assert call(page, "POST", path, b"{}", **fit)[0] == 404
        for host in ("127.0.0.1", f"127.0.0.1:{page.port}", f"evil.example:{page.port}", "localhost", ""):
            status, _, body = call(page, "GET", own, Host=host)
            assert (status, body) == (421, b"")
            assert call(page, "POST", own, b"{}", **{**fit, "Host": host})[0] == 421
        for origin in ("", "null", "http://localhost", "https://evil.example", f"http://127.0.0.1:{page.port}"):
            assert call(page, "POST", own, b"{}", **{**fit, "Origin": origin})[0] == 403
        assert call(page, "POST", own, b"{}", **fit, Sec_Fetch_Site="cross-site")[0] == 403
        for kind in ("", "text/plain", "application/x-www-form-urlencoded"):
            assert call(page, "POST", own, b"{}", **{**fit, "Content_Type": kind})[0] == 415
        assert call(page, "POST", own, b" " * 70_000, **fit)[0] == 413
        assert call(page, "PUT", own, b"{}", **fit)[0] == 501
        assert made.answers == []
        assert call(page, "POST", own, b'{"it":1}', **fit)[0] == 200
        assert call(page, "POST", own, b'{"it":2}', **fit)[0] == 410
    assert made.answers == [b'{"it":1}']
    with pytest.raises(ConnectionRefusedError):
        call(made.page, "GET", own)


def test_the_page_runs_its_own_script_only_and_says_what_it_is_for() -> None:
    for lang, first in ((Lang.ZH, "出示通行密钥"), (Lang.EN, "Show your passkey")):
        with asking(lang=lang, good=False) as made:
            page = made.page
            while not page.html:
                made.thread.join(0.01)
            status, headers, body = call(page, "GET", f"/{page.secret}")
            text = body.decode()
            assert status == 200
            assert first in text
            assert ACT in text
            assert "</script><b>" not in text
            policy = headers["Content-Security-Policy"].split("; ")
            assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'"} <= set(
                policy
            )
            assert f"script-src 'nonce-{page.nonce}'" in policy
            assert text.count("<script") == text.count(f'<script nonce="{page.nonce}"') == 2
            assert (headers["Cache-Control"], headers["X-Frame-Options"]) == ("no-store", "DENY")
            assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//| on\w+=|style=", text)
            # What the command refuses is told to the page.
            assert call(page, "POST", f"/{page.secret}", b"{}", **good_headers(page))[0] == 422


def test_nobody_waits_for_ever_and_a_port_that_is_taken_is_named() -> None:
    with asking(wait_s=0.1) as made:
        made.thread.join()
        assert [problem.code for problem in made.problems if isinstance(problem, BrowserSilent)] == [
            "cli.browser_silent"
        ]
        assert call(made.page, "POST", f"/{made.page.secret}", b"{}", **good_headers(made.page))[0] == 410
        with pytest.raises(NoLoopback), loopback.opened(port=made.page.port):
            pass


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="this system does not tell whose a connection is")
def test_whose_a_connection_is_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        ours, theirs = server.getsockname()[1], client.getsockname()[1]
        assert loopback.owner_of(ours=ours, theirs=theirs) in (os.getuid(), None)
        assert loopback.owner_of(ours=theirs, theirs=1) is None


@dataclass(slots=True, kw_only=True)
class Software:
    """Stands in for a browser: reads the page, answers what it asks."""

    device: Authenticator

    def visit(self, address: str) -> int:
        parts = urllib.parse.urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        connection = http.client.HTTPConnection("127.0.0.1", parts.port or 0, timeout=30)
        connection.request("GET", parts.path, headers={"Host": parts.netloc})
        page = connection.getresponse().read().decode()
        found = re.search(r'id="options">(.*?)</script>', page)
        assert found is not None
        options = json.loads(found[1])
        self.device.origin = origin
        answer = self.device.create(options) if "rp" in options else self.device.get(options)
        headers = {"Host": parts.netloc, "Origin": origin, "Content-Type": "application/json"}
        connection.request("POST", parts.path, body=answer, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status


@dataclass(slots=True, kw_only=True)
class Real:
    """Chromium with a virtual authenticator."""

    browser: chromium.Browser

    def visit(self, address: str) -> int:
        self.browser.call("Page.navigate", url=address)
        self.browser.until("document.readyState === 'complete' && !!document.getElementById('go')")
        assert self.browser.run("isSecureContext") is True
        self.browser.run("document.getElementById('go').click()")
        outcomes = json.dumps(["good", "bad", "gone", "none", "held", "old"])
        said = self.browser.until(f"{outcomes}.find(w => w === document.getElementById('status').dataset.said)")
        return {"good": 200, "bad": 422}.get(str(said), 400)


def commanded(firm: Firm, *words: str, who: str, visit: Callable[[str], int]) -> tuple[int, int]:
    """Run a command that opens a page, and visit it; return its exit code and what the page came to."""
    heard, codes = io.StringIO(), [-1]

    def work() -> None:
        codes[0] = run(towns.arguments(firm, words, who=who))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(heard):
        running = threading.Thread(target=work)
        running.start()
        while not (found := ADDRESS.search(heard.getvalue())):
            assert running.is_alive(), heard.getvalue()
            running.join(0.02)
        status = visit(found[0])
        running.join()
    return codes[0], status


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Firm:
    """A company; its operator showed a factor just now."""
    staff = {"chen": "lead", "wang": "officer", "zhao": "operator"}
    return towns.settle(tmp_path_factory.mktemp("keys") / "firm", staff=staff)


@pytest.fixture(params=["software", "chromium"])
def visitor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Software | Real]:
    if request.param == "software":
        yield Software(device=Authenticator(origin=""))
        return
    path = chromium.found()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with chromium.browsing(path, tmp_path / "profile") as browser:
        browser.call("Page.enable")
        browser.call("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        automatic = {"isUserVerified": True, "automaticPresenceSimulation": True}
        browser.call("WebAuthn.addVirtualAuthenticator", options={**options, **automatic})
        yield Real(browser=browser)


def test_a_passkey_is_registered_and_shown_for_one_act_on_the_page(firm: Firm, visitor: Software | Real) -> None:
    assert commanded(firm, "me", "passkey", who="zhao", visit=visitor.visit) == (0, 200)
    assert commanded(firm, "confirm", "zhao", "--browser", "--act", ACT, who="", visit=visitor.visit) == (0, 200)
    with firm.house() as house:
        actor = firm.actor(house, "zhao")
    assert (actor.factor_kind, actor.factor_act) == ("webauthn", ACT)
    if isinstance(visitor, Software):
        # Whoever answers with another key has failed to sign in, and is told so on the page too.
        other = Software(device=Authenticator(origin=visitor.device.origin, ident=visitor.device.ident))
        other.device.create({"challenge": "AAAA"})
        assert commanded(firm, "confirm", "zhao", "--browser", who="", visit=other.visit) == (3, 422)
