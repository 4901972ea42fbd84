"""A real browser for pages: headless Chromium, driven over its debugging pipe. Not a test itself.

Chromium reads commands on descriptor 3 and writes answers and events to 4, each ended by a zero byte.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_S = 60


def found() -> str | None:
    """Where Chromium is, if it is."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@dataclass(slots=True, kw_only=True)
class Browser:
    """One page of a running Chromium. ``heard`` are the events."""

    to: int
    fro: int
    session: str = ""
    number: int = 0
    rest: bytes = b""
    heard: list[dict[str, Any]] = field(default_factory=list)

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Do something and return what came of it."""
        self.number += 1
        body = {"id": self.number, "method": method, "params": params}
        if self.session:
            body["sessionId"] = self.session
        os.write(self.to, json.dumps(body).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result
            self.heard.append(answer)

    def run(self, script: str) -> object:
        """Return the value of an expression in the page."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        value: object = done["result"].get("value")
        return value

    def until(self, script: str, *, wait_s: float = WAIT_S) -> object:
        """Return the value of an expression once it is true."""
        over = time.monotonic() + wait_s
        while not (value := self.run(script)):
            assert time.monotonic() < over, script
            time.sleep(0.05)
        return value

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            piece = os.read(self.fro, 1 << 16)
            assert piece, "the browser ended"
            self.rest += piece
        whole, _, self.rest = self.rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(whole)
        return answer


@contextmanager
def browsing(path: str, profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile and one empty page."""
    theirs_in, to = os.pipe()
    fro, theirs_out = os.pipe()
    # Out of the way of the two numbers that they become in the browser.
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
    nothing = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, number) for number in (0, 1, 2)]
    actions += [(os.POSIX_SPAWN_DUP2, theirs[0], 3), (os.POSIX_SPAWN_DUP2, theirs[1], 4)]
    words = ("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-extensions")
    alone = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync")
    line = [path, *words, *alone, f"--user-data-dir={profile}", "about:blank"]
    process = os.posix_spawn(path, line, dict(os.environ), file_actions=actions, setpgroup=0)
    for end in (theirs_in, theirs_out, *theirs, nothing):
        os.close(end)
    try:
        browser = Browser(to=to, fro=fro)
        targets = browser.call("Target.getTargets")["targetInfos"]
        page = next(item["targetId"] for item in targets if item["type"] == "page")
        browser.session = browser.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        yield browser
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(to)
        os.close(fro)
