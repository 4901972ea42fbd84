"""Floors 1 and 2: sealing, streaming, signing, committing, parts, and verifying, each beside what the machine can do.

The peer of a row is the bare library call (or the digest, or the plain parser) over the same bytes, so a ratio tells
what our framing, binding and checking cost.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.run import Row
from tigertally.base import canon
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretBytes
from tigertally.crypto import stream
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.crypto.sign import NoteKey, SigningKey
from tigertally.formats import checkpoint, ledgerexport, note, part
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.leaf import Leaf, commit_payload

SUBJECTS = 8_000
FIELDS = ((1, "6222021234567890123"), (3, "11010119900307123X"), (4, "13800001111"), (5, "虚构甲"))
VALUES = 50_000
STREAM_BYTES = 64 * 1024 * 1024
ENTRIES = 10_000


def rows() -> list[Row]:
    """Return the rows of these floors; a few seconds."""
    return [_fields(), _stream(seal=True), _stream(seal=False), _signatures(), *_parts(), _export()]


def _best(work: Callable[[], object], *, rounds: int = 3) -> float:
    """Return the shortest of some timings, in seconds: what else the machine did is not our speed."""
    timings = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        timings.append(time.perf_counter() - start)
    return min(timings)


def _row(name: str, unit: str, amount: float, ours: float, peer: str, theirs: float) -> Row:
    value, peer_value = amount / ours, amount / theirs
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 1),
        "ratio": round(value / peer_value, 3),
    }


def _fields() -> Row:
    """Seal short values, each bound to its own place."""
    cipher, gcm = Cipher(new_key()), AESGCM(secrets.token_bytes(32))
    values = [b"6222021234567890123"] * VALUES
    places = [b"scope|%d|pan|intl-1|1" % at for at in range(VALUES)]
    nonce = secrets.token_bytes(12)
    ours = _best(lambda: cipher.seal_many(values, places))
    theirs = _best(lambda: [gcm.encrypt(nonce, value, place) for value, place in zip(values, places, strict=True)])
    return _row("seal fields", "values/s", VALUES, ours, "AES-256-GCM calls alone, one nonce", theirs)


def _stream(*, seal: bool) -> Row:
    """Encrypt or decrypt 64 MiB in chunks of 16 KiB."""
    key, gcm, nonce = new_key(), AESGCM(secrets.token_bytes(32)), secrets.token_bytes(12)
    piece = secrets.token_bytes(1024 * 1024)
    pieces = [piece] * (STREAM_BYTES // len(piece))
    chunk = piece[: stream.CHUNK_BYTES]
    count = STREAM_BYTES // stream.CHUNK_BYTES
    if seal:
        ours = _best(lambda: sum(map(len, stream.encrypt_chunks(key, context=b"", plaintext=pieces))), rounds=2)
        theirs = _best(lambda: sum(len(gcm.encrypt(nonce, chunk, None)) for _ in range(count)), rounds=2)
        return _row("encrypt stream", "MB/s", STREAM_BYTES / 1e6, ours, "AES-256-GCM calls alone", theirs)
    data = b"".join(stream.encrypt_chunks(key, context=b"", plaintext=pieces))
    sealed = gcm.encrypt(nonce, chunk, None)
    ours = _best(lambda: sum(map(len, stream.decrypt_chunks(key, context=b"", read=io.BytesIO(data).read))), rounds=2)
    theirs = _best(lambda: sum(len(gcm.decrypt(nonce, sealed, None)) for _ in range(count)), rounds=2)
    return _row("decrypt stream", "MB/s", STREAM_BYTES / 1e6, ours, "AES-256-GCM calls alone", theirs)


def _signatures() -> Row:
    """Verify double signatures; the peer is the classical half."""
    key, classic = SigningKey(SecretBytes(secrets.token_bytes(64))), Ed25519PrivateKey.generate()
    message, rounds = b"m" * 2_000, 200
    both, one, public = key.sign(message), classic.sign(message), classic.public_key()

    def ours() -> None:
        for _ in range(rounds):
            key.public.verify(message, both)

    def theirs() -> None:
        for _ in range(rounds):
            public.verify(one, message)

    return _row("verify signatures", "documents/s", rounds, _best(ours), "Ed25519 alone", _best(theirs))


def _columns() -> part.PartColumns:
    names = sorted(new_id("sub") for _ in range(SUBJECTS))
    made = [
        (name, salt, code, 0, value, "tok_" + name[4:])
        for name, salt in zip(names, (secrets.token_bytes(16) for _ in names), strict=True)
        for code, value in FIELDS
    ]
    return part.PartColumns(
        subject=[row[0] for row in made],
        salt=[row[1] for row in made],
        code=[row[2] for row in made],
        slot=[row[3] for row in made],
        value=[row[4] for row in made],
        token=[row[5] for row in made],
    )


def _parts() -> list[Row]:
    """Write, read and commit to a part of four fields a subject."""
    columns = _columns()
    data = part.write_part(columns)
    table = pq.read_table(pa.BufferReader(data))

    def bare_write() -> None:
        pq.write_table(table, pa.BufferOutputStream(), compression="zstd", write_statistics=False, store_schema=False)

    per_subject = sum(len(value.encode()) + 40 for value in columns.value) // SUBJECTS
    blob = b"r" * per_subject
    return [
        _row("write part", "subjects/s", SUBJECTS, _best(lambda: part.write_part(columns)),
             "pyarrow from a table", _best(bare_write)),
        _row("read part", "subjects/s", SUBJECTS, _best(lambda: part.read_part(data, subjects=SUBJECTS)),
             "pyarrow into a table", _best(lambda: pq.read_table(pa.BufferReader(data)))),
        _row("commit records", "subjects/s", SUBJECTS, _best(lambda: part.commitments(columns)),
             "SHA-256 over as many bytes", _best(lambda: [hashlib.sha256(blob).digest() for _ in range(SUBJECTS)])),
    ]  # fmt: skip


def _export() -> Row:
    """Verify an exported ledger; the peer only parses its lines."""
    key = NoteKey.generate()
    log = note.verifier_of("tigertally.invalid/bench", key)
    at, frontier = datetime(2026, 1, 1, tzinfo=UTC), Frontier()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / ledgerexport.ENTRIES_NAME).open("wb") as out:
            for number in range(ENTRIES):
                payload, salt = canon.dumps({"number": number, "what": ["a", "b"]}), secrets.token_bytes(16)
                raw = Leaf(
                    at=at + timedelta(seconds=number),
                    kind="vault.card.revealed",
                    actor="0" * 32,
                    about=("1" * 32,),
                    commitment=commit_payload(salt, payload),
                ).to_bytes()
                frontier.append(leaf_hash(raw))
                out.write(ledgerexport.line(raw, payload, salt))
        head = Checkpoint(origin=log.name, size=ENTRIES, root=frontier.root())
        signed = checkpoint.sign(head, key=key, now=at + timedelta(days=1))
        (folder / ledgerexport.CHECKPOINT_NAME).write_bytes(signed)
        if not ledgerexport.verify_export(folder, log).ok:
            raise RuntimeError("the bench made a ledger that does not verify")
        lines = (folder / ledgerexport.ENTRIES_NAME).read_bytes().splitlines()
        ours = _best(lambda: ledgerexport.verify_export(folder, log))
        theirs = _best(lambda: [json.loads(json.loads(line)["leaf"]) for line in lines])
    return _row("verify exported ledger", "entries/s", ENTRIES, ours, "json.loads of line and leaf", theirs)
