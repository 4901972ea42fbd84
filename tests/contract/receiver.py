"""A receiver of feeds, as a process of its own: syslog over TLS or a webhook over HTTPS. Not a test itself.

``receiver.py syslog|webhook CERT KEY OUT [--slow S] [--fail N] [--rude]`` prints its port and appends what it takes to
OUT: one line per frame, or per body with its headers. ``--fail N`` breaks the first N deliveries once it has read them.
"""

from __future__ import annotations

import argparse
import http.server
import json
import socket
import ssl
import sys
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["syslog", "webhook"])
    parser.add_argument("cert")
    parser.add_argument("key")
    parser.add_argument("out", type=Path)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--fail", type=int, default=0)
    parser.add_argument("--rude", action="store_true")
    given = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.cert, given.key)
    (syslog if given.kind == "syslog" else webhook)(given, context)


def syslog(given: argparse.Namespace, context: ssl.SSLContext) -> None:
    left = given.fail
    with socket.create_server(("127.0.0.1", 0)) as server:
        tell(server.getsockname()[1])
        while True:
            plain, _ = server.accept()
            try:
                session = context.wrap_socket(plain, server_side=True)
                data = b""
                while part := session.recv(65536):
                    data += part
            except OSError:
                plain.close()
                continue
            time.sleep(given.slow)
            if left:
                left -= 1
                session.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                session.close()
                continue
            with given.out.open("ab") as out:
                while data:
                    length, _, rest = data.partition(b" ")
                    out.write(rest[: int(length)] + b"\n")
                    data = rest[int(length) :]
            if given.rude:
                session.close()
            else:
                session.unwrap().close()


def webhook(given: argparse.Namespace, context: ssl.SSLContext) -> None:
    left = [given.fail]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(given.slow)
            if left[0]:
                left[0] -= 1
                self.send_error(503)
                return
            with given.out.open("a") as out:
                out.write(json.dumps({"headers": dict(self.headers), "body": body.decode()}) + "\n")
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    tell(server.server_address[1])
    server.serve_forever()


def tell(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
