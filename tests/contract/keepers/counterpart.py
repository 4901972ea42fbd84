"""What the servers that stand in for key keepers share: HTTP or HTTPS, ways to misbehave on request. Not a test itself.

A server prints its port and serves until it is ended. ``POST /-/set`` with a JSON object changes how it behaves from
then on, until the next; ``GET /-/heard`` lists what it was sent. Ways that every server knows, under ``mode``:
``slow`` (answers after a minute), ``drip`` (a byte now and then for ever), ``drop`` (closes without an answer),
``sealed`` (503), ``redirect``, ``huge``, ``garbage``.
"""

from __future__ import annotations

import argparse
import http.server
import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any

Reply = tuple[int, dict[str, Any]]


class State:
    """How the server behaves, and what it heard. ``never`` is an event that nobody sets."""

    def __init__(self) -> None:
        self.set: dict[str, Any] = {}
        self.heard: list[dict[str, Any]] = []
        self.never = threading.Event()

    @property
    def mode(self) -> str:
        return str(self.set.get("mode", ""))


Answerer = Callable[[State, str, str, dict[str, str], bytes], Reply]


def serve(answer: Answerer) -> None:  # noqa: C901 - a server with its ways to misbehave
    """Run the server that ``answer`` speaks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cert")
    parser.add_argument("--key")
    given = parser.parse_args()
    state = State()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/-/set":
                state.set = json.loads(body)
                self._reply(200, {})
                return
            if self.path == "/-/heard":
                self._reply(200, {"heard": state.heard})
                return
            self._speak(body)

        do_GET = do_POST  # noqa: N815 - the base class's names
        do_PUT = do_POST  # noqa: N815

        def _speak(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.heard.append({"path": self.path, "body": body.decode("utf-8", "replace")})
            if state.mode == "drop":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif state.mode == "slow":
                state.never.wait(60)
                self.close_connection = True
            elif state.mode == "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for at in range(600):
                    self.wfile.write(b"X-%d: 1\r\n" % (at % 90))
                    self.wfile.flush()
                    if state.never.wait(0.1):
                        break
            elif state.mode == "redirect":
                self.send_response(307)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif state.mode == "huge":
                self._raw(200, b'{"data":"' + b"x" * (1 << 20) + b'"}')
            elif state.mode == "garbage":
                self._raw(200, b"<html>" + body + b"</html>")
            else:
                self._reply(*answer(state, self.command, self.path, headers, body))

        def _reply(self, status: int, body: dict[str, Any]) -> None:
            self._raw(status, json.dumps(body).encode())

        def _raw(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hung up is what is being tested."""
            del request, client_address

    server = Server(("127.0.0.1", 0), Handler)
    if given.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.cert, given.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
