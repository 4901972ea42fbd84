"""A witness that a counsel can run: a folder, no database, no installation. One command on a file, or a small server.

The folder holds ``witness.key`` (two note keys, sealed by a passphrase), ``witness.json`` (name and public keys),
``logs.policy`` (the logs it knows, C2SP tlog-policy), ``cosigned/`` (per log the checkpoint cosigned last) and
``evidence/`` (requests signed by a known log that contradict what was cosigned: proof that the log misbehaved).

Invariants: the record is durable before a cosignature leaves; comparing and recording are one step, among threads
and among processes; a log whose record cannot be read is not cosigned.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tigertally.app.errors import BadWitnessName, NotReadable, NotWritable, NoWitness, WitnessExists
from tigertally.app.settings import write_whole
from tigertally.base import canon
from tigertally.base.clock import Clock
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretText
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.crypto.sign import NoteKey
from tigertally.formats import checkpoint as notes
from tigertally.formats import cosignature, keyfile, note, policy, witness
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import VKey
from tigertally.formats.party import PartyCard

KEY_NAME: Final = "witness.key"
CARD_NAME: Final = "witness.json"
LOGS_NAME: Final = "logs.policy"
PURPOSE: Final = "witness"
EVIDENCE_MAX: Final = 1_000
TIMEOUT_S: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer: status, content type, body; ``why`` in words, for the person who runs the witness."""

    status: int
    kind: str
    body: bytes
    why: str = ""


@dataclass(slots=True, kw_only=True)
class Witness:
    """An open witness."""

    home: Path
    name: str
    key: NoteKey = field(repr=False)
    clock: Clock
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def vkeys(self) -> tuple[str, str]:
        """Both public keys, as a policy lists them."""
        classic, lattice = cosignature.keys_of_witness(self.name, self.key)
        return str(classic), str(lattice)

    def trust(self, card: PartyCard) -> str:
        """Learn the log of an organisation whose card was checked; return its origin. Twice is once."""
        lines = [f"log {vkey}" for vkey in card.log.vkeys()]
        with self._alone():
            known = _read(self.home / LOGS_NAME).decode("latin-1").split("\n")[:-1]
            new = [line for line in lines if line not in known]
            text = "".join(f"{line}\n" for line in [*known, *new])
            policy.parse(text.encode("latin-1"))
            write_whole(self.home / LOGS_NAME, text.encode("latin-1"), mode=0o644)
        return card.log.name

    def answer(self, body: bytes) -> Reply:
        """Answer an ``add-checkpoint`` request; what is cosigned is recorded first. Raises ``OSError``, problems."""
        with self._alone():
            listed = policy.parse(_read(self.home / LOGS_NAME)).logs

            def keys_of(origin: str) -> list[VKey]:
                return [item.key for item in listed if item.key.name == origin]

            found = witness.consider(body, keys_of=keys_of, last_of=self.last)
            if found.checkpoint is None:
                return self._refuse(found, body)
            self._record(found.checkpoint, body)
        signatures = cosignature.cosign(found.checkpoint, name=self.name, key=self.key, now=self.clock.now())
        return Reply(status=200, kind="text/plain; charset=utf-8", body=witness.signature_lines(signatures))

    def last(self, origin: str) -> Checkpoint | None:
        """Return the checkpoint of a log that was cosigned last."""
        path = self._place(origin)
        return notes.parse(_read(path))[0] if path.exists() else None

    def _record(self, checkpoint: Checkpoint, body: bytes) -> None:
        self._place(checkpoint.origin).parent.mkdir(mode=0o700, exist_ok=True)
        write_whole(self._place(checkpoint.origin), witness.parse(body).checkpoint)
        _settle(self._place(checkpoint.origin).parent)

    def _refuse(self, found: witness.Answer, body: bytes) -> Reply:
        if found.contradicts:
            folder = self.home / "evidence"
            folder.mkdir(mode=0o700, exist_ok=True)
            if sum(1 for _ in folder.iterdir()) < EVIDENCE_MAX:
                write_whole(folder / f"{sha256_hex(body)}.request", body)
        size = found.status == 409  # noqa: PLR2004 - Conflict
        kind, text = (witness.SIZE_TYPE, f"{found.size}\n") if size else ("text/plain", f"{found.why}\n")
        return Reply(status=found.status, kind=kind, body=text.encode(), why=found.why)

    def _place(self, origin: str) -> Path:
        return self.home / "cosigned" / f"{sha256_hex(origin.encode())}.checkpoint"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off other threads and other processes on this folder."""
        with self._mutex, (self.home / ".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def create(home: Path, *, name: str, passphrase: SecretText, clock: Clock, cost: Argon2Cost = DEFAULT_COST) -> Witness:
    """Make a witness in ``home``; ``name`` should be an address without its scheme, such as ``counsel.example/w1``."""
    if not note.is_name(name) or not name.isascii():
        raise BadWitnessName
    if (home / KEY_NAME).exists():
        raise WitnessExists(home=home)
    key = NoteKey.generate()
    sealed = keyfile.seal(key.seeds, purpose=PURPOSE, passphrase=passphrase, cost=cost)
    made = Witness(home=home, name=name, key=key, clock=clock)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(home / KEY_NAME, sealed.to_bytes())
        write_whole(home / LOGS_NAME, b"quorum none\n", mode=0o644)
        card = canon.dumps({"name": name, "vkeys": list(made.vkeys)})
        write_whole(home / CARD_NAME, card + b"\n", mode=0o644)
    except OSError as error:
        raise NotWritable(path=home, reason=type(error).__name__) from None
    return made


def open_witness(home: Path, *, passphrase: SecretText, clock: Clock) -> Witness:
    """Open the witness in ``home``. Raises :class:`NoWitness`, ``WrongPassphrase``, ``Malformed``."""
    if not (home / KEY_NAME).exists():
        raise NoWitness(home=home)
    seeds = keyfile.parse(_read(home / KEY_NAME)).open(passphrase)
    card = canon.loads(_read(home / CARD_NAME).rstrip(b"\n"))
    name = card.get("name") if isinstance(card, dict) else None
    if not isinstance(name, str) or not note.is_name(name):
        raise BadWitnessName
    return Witness(home=home, name=name, key=NoteKey(seeds), clock=clock)


def server(opened: Witness, *, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server of ``POST /add-checkpoint`` and, for people, ``GET /`` with the public keys. Plain HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "tigertally-witness"
        sys_version = ""
        timeout = TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > witness.REQUEST_BYTES_MAX:
                self.close_connection = True
                self._send(Reply(status=400, kind="text/plain", body=b"a length is needed, and a small one\n"))
                return
            body = self.rfile.read(int(length))
            if self.path != "/add-checkpoint":
                self._send(Reply(status=404, kind="text/plain", body=b"no such call\n"))
                return
            try:
                reply = opened.answer(body)
            except (OSError, Problem):
                reply = Reply(status=500, kind="text/plain", body=b"the record cannot be read or written\n")
            self._send(reply)

        def do_GET(self) -> None:
            text = "".join(f"{vkey}\n" for vkey in opened.vkeys)
            self._send(Reply(status=200, kind="text/plain; charset=utf-8", body=text.encode()))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: what strangers send is not for a log."""

        def _send(self, reply: Reply) -> None:
            with suppress(ConnectionError):
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

    return ThreadingHTTPServer((host, port), Handler)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotReadable(path=path, reason=type(error).__name__) from None


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
