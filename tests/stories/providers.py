"""Sign-in providers for tests: a real one in a process of its own, and one of ours that lies as it is told to.

Ours is honest but for its lies: it checks client, redirect, PKCE and that a code is used once. Not a test itself.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.unit.formats.tokens import Signer

from tigertally.crypto.digest import sha256
from tigertally.formats.jws import to_b64url

CLIENT = "tigertally"


def get(address: str, *, form: Mapping[str, str] | None = None) -> tuple[int, str, bytes]:
    """What a browser does with one address; where it is sent is for the caller to follow."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    body = None if form is None else urllib.parse.urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    connection.request("GET" if body is None else "POST", f"{parts.path}?{parts.query}", body=body, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers.get("Location", ""), answer.read()
    connection.close()
    return found


@contextlib.contextmanager
def real() -> Iterator[str]:
    """Start ``oidc-provider-mock``; give its issuer."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                assert process.poll() is None
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def signed_in_at_real(address: str, *, subject: str) -> str:
    """Sign in on the real provider's page; return where the browser is sent back to."""
    assert get(address)[0] == 200
    status, back, _ = get(address, form={"sub": subject})
    assert status == 302
    return back


@dataclass(slots=True)
class Ours:
    """A provider of ours. What it would say passes its ``lies`` first: of the claims, the documents, the answers."""

    port: int = 0
    key: Signer = field(default_factory=Signer)
    subject: str = "248289761001"
    claims: dict[str, object] = field(default_factory=dict)
    header: dict[str, object] = field(default_factory=dict)
    document: dict[str, object] = field(default_factory=dict)
    answer: dict[str, object] = field(default_factory=dict)
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    published: Signer | None = None
    before_keys: Callable[[], None] = lambda: None
    asked: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reset(self) -> None:
        """Be honest again."""
        for lies in (self.claims, self.header, self.document, self.answer, self.raw):
            lies.clear()
        self.published = None

    def sign_in(self, address: str) -> str:
        """What happens on its page: the person is known and sent back; returns the query."""
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        assert (given["response_type"], given["scope"], given["client_id"]) == ("code", "openid", CLIENT)
        assert given["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = given
        return urllib.parse.urlencode({"code": code, "state": given["state"]})

    def reply(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        if path in self.raw:
            return self.raw[path]
        if path == "/.well-known/openid-configuration":
            honest: dict[str, object] = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
            return 200, json.dumps({**honest, **self.document}).encode()
        if path == "/keys":
            self.before_keys()
            shown = (self.published or self.key).public
            key = {"kty": "OKP", "crv": "Ed25519", "x": to_b64url(shown.key), "kid": shown.id, "use": "sig"}
            return 200, json.dumps({"keys": [key]}).encode()
        return self.token(form)

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        asked = self.asked.pop(form.get("code", ""), {})
        proof = to_b64url(sha256(form.get("code_verifier", "").encode()))
        fits = (form.get("redirect_uri"), form.get("client_id"), proof)
        if fits != (asked.get("redirect_uri"), asked.get("client_id"), asked.get("code_challenge")):
            return 400, b'{"error":"invalid_grant"}'
        now = int(datetime.now(UTC).timestamp())
        honest = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "nonce": asked["nonce"], "iat": now}
        said = {**honest, "exp": now + 60, **self.claims}
        head = {"alg": self.key.algorithm, "kid": self.key.public.id, **self.header}
        token = self.key.token({name: value for name, value in said.items() if value is not None}, head).decode()
        return 200, json.dumps({"token_type": "Bearer", "access_token": "x", "id_token": token, **self.answer}).encode()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, ours: Ours, *given: object) -> None:
        self.ours = ours
        super().__init__(*given)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(dict(urllib.parse.parse_qsl(body)))

    def _answer(self, form: dict[str, str]) -> None:
        status, body = self.ours.reply(self.path, form)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextlib.contextmanager
def ours() -> Iterator[Ours]:
    """Start a provider of ours in a thread."""
    made = Ours()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, made))
    made.port = server.server_address[1]
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
